//! Servers that leave something out, or cannot be provisioned.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use runcycles::{BoxFuture, Transport, TransportError};
use runcycles_authority::Authority;
use runcycles_authority::conformance::{
    self, AdminPlane, Endpoint, Level, Options, Outcome, Provisioned, Seeding, Target,
};
use serde_json::{Value, json};

use crate::faulty::{Asked, Fault, Faulty, NO_FAULT};
use crate::{authority, run};

#[tokio::test]
async fn checks_of_absent_operations_are_skipped_and_the_others_pass() {
    let answered = |asked: &Asked, answer: &mut Response<Value>| {
        let reads = asked.method == Method::GET && asked.path.starts_with("/v1/reservations");
        if reads || asked.path == "/v1/decide" || asked.path == "/v1/events" {
            *answer.status_mut() = StatusCode::NOT_FOUND;
            *answer.body_mut() = json!({"error": "NOT_FOUND", "message": "no such route", "request_id": "1"});
        }
    };
    let (authority, clock) = authority().await;
    let faulty = Faulty { authority: authority.transport(), fault: Fault { answered, ..NO_FAULT } };
    let runtime = Endpoint::new(faulty, "http://lean.invalid");
    let target = Target::new(runtime, authority.clone()).seeding(authority).time(clock);

    let report = run(&target, Options::default().levels([Level::Required, Level::Optional, Level::Reference])).await;

    assert_eq!(report.failures().count(), 0, "{report}");
    let skipped: BTreeSet<_> = report.skips().map(|entry| entry.id).collect();
    assert!(["C-18", "C-71", "C-100", "C-112", "C-114", "C-132"].iter().all(|id| skipped.contains(id)), "{report}");
    // The only required check that cannot do without one of them.
    let required: Vec<_> =
        report.skips().filter(|entry| entry.level == Level::Required).map(|entry| entry.id).collect();
    assert_eq!(required, ["C-125"], "{report}");
}

#[tokio::test]
async fn states_that_nothing_leads_to_are_skipped_with_the_reason() {
    let (authority, clock) = authority().await;
    let runtime = Endpoint::new(authority.transport(), "http://plain.invalid");
    let target = Target::new(runtime, authority).time(clock);

    let filter = "C-56,C-58,C-68,C-120,P-6".parse().expect("ids of checks");
    let report = run(&target, Options::default().filter(filter)).await;

    for entry in report.entries() {
        let Outcome::Skipped(reason) = &entry.outcome else { panic!("{report}") };
        assert!(reason.ends_with("is not possible through this provisioner"), "{reason}");
    }
}

#[tokio::test]
async fn a_run_that_cannot_be_set_up_is_an_error_and_not_a_report() {
    let (authority, _) = authority().await;
    let endpoint = Endpoint::new(authority.transport(), "http://plain.invalid");
    let admin = AdminPlane::new(endpoint.clone(), "not the admin key");

    let error = conformance::run(&Target::governed(endpoint, admin), Options::default()).await;

    let error = error.expect_err("no admin plane to set up with");
    let cause = error.source().expect("the call that was refused").to_string();
    assert!(cause.contains("/v1/admin/tenants") && !cause.contains("not the admin key"), "{cause}");
}

/// An authority that can be replaced by another while it is in use.
#[derive(Clone)]
struct Replaceable {
    current: Arc<Mutex<Authority>>,
    loses_everything: bool,
}

impl Replaceable {
    fn current(&self) -> Authority {
        self.current.lock().expect("a lock nobody panics under").clone()
    }
}

impl Transport for Replaceable {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let transport = self.current().transport();
        Box::pin(async move { transport.call(request).await })
    }
}

impl Seeding for Replaceable {
    fn restart(&self) -> Provisioned<'_> {
        Box::pin(async {
            if self.loses_everything {
                let empty = Authority::builder().start().await.expect("an authority without budgets");
                *self.current.lock().expect("a lock nobody panics under") = empty;
            }
            Ok(())
        })
    }
}

/// Whether a server that is restarted keeps what it acknowledged.
async fn survives(loses_everything: bool) -> Outcome {
    let (authority, clock) = authority().await;
    let server = Replaceable { current: Arc::new(Mutex::new(authority.clone())), loses_everything };
    let runtime = Endpoint::new(server.clone(), "http://restarting.invalid");
    let target = Target::new(runtime, authority).seeding(server).time(clock);
    let filter = "P-6".parse().expect("an id of a check");
    let report = run(&target, Options::default().filter(filter)).await;
    report.find("P-6").expect("the check that was asked for").outcome.clone()
}

#[tokio::test]
async fn a_server_that_keeps_its_state_survives_restarts() {
    assert_eq!(survives(false).await, Outcome::Passed);
}

#[tokio::test]
async fn a_server_that_forgets_does_not_survive_a_restart() {
    assert!(matches!(survives(true).await, Outcome::Failed(_)));
}

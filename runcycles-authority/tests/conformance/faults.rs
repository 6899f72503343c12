//! Faults that the kit must find.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use runcycles::{BoxFuture, Transport, TransportError};
use runcycles_authority::conformance::{Endpoint, Level, Options, Outcome, Target};
use runcycles_authority::{InProcess, ManualClock};
use serde_json::{Value, json};

use crate::faulty::{Asked, Fault, Faulty, NO_FAULT};
use crate::{authority, run};

/// Plants a fault, and expects these checks to find it.
async fn assert_found(fault: Fault, finders: &[&str]) {
    let (authority, clock) = authority().await;
    let faulty = Faulty { authority: authority.transport(), fault };
    let runtime = Endpoint::new(faulty, "http://faulty.invalid");
    let target = Target::new(runtime, authority.clone()).seeding(authority).time(clock);
    let mut options = Options::default().seed(7);
    if !finders.is_empty() {
        options = options.filter(finders.join(",").parse().expect("ids of checks"));
    }
    let report = run(&target, options).await;
    let found: BTreeSet<_> = report.failures().map(|entry| entry.id).collect();
    assert_eq!(found, finders.iter().copied().collect(), "{report}");
}

fn fresh_key(body: &mut Value) {
    body["idempotency_key"] = uuid::Uuid::new_v4().to_string().into();
}

#[tokio::test]
async fn a_transport_without_a_fault_passes() {
    assert_found(NO_FAULT, &[]).await;
}

#[tokio::test]
async fn a_wrong_success_status_is_found() {
    let answered = |asked: &Asked, answer: &mut Response<Value>| {
        if asked.is_reserve()
            && answer.body()["reservation_id"].is_string()
            && answer.body()["reserved"]["amount"] == 40
        {
            *answer.status_mut() = StatusCode::CREATED;
        }
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-41", "C-42", "C-101", "C-122"]).await;
}

#[tokio::test]
async fn a_missing_member_is_found() {
    let answered = |_: &Asked, answer: &mut Response<Value>| {
        answer.body_mut().as_object_mut().and_then(|body| body.remove("charged"));
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-77", "C-79", "C-82", "C-95", "C-117", "P-1"]).await;
}

#[tokio::test]
async fn a_double_charge_is_found() {
    let twice = |asked: &Asked| {
        (asked.path == "/v1/events").then(|| {
            let mut body = asked.body.clone();
            fresh_key(&mut body);
            body
        })
    };
    assert_found(Fault { twice, ..NO_FAULT }, &["C-114", "C-119", "C-121", "P-1", "P-2"]).await;
}

#[tokio::test]
async fn a_server_without_idempotency_is_found() {
    let asked = |asked: &mut Asked| {
        if asked.body["idempotency_key"].as_str().is_some_and(|key| key.len() > 1) {
            fresh_key(&mut asked.body);
        }
    };
    let finders =
        ["C-70", "C-91", "C-92", "C-102", "C-107", "C-108", "C-121", "C-122", "C-123", "C-130", "C-131", "P-2"];
    assert_found(Fault { asked, ..NO_FAULT }, &finders).await;
}

#[tokio::test]
async fn a_dry_run_that_holds_is_found() {
    let asked = |asked: &mut Asked| {
        asked.body.as_object_mut().and_then(|body| body.remove("dry_run"));
    };
    assert_found(Fault { asked, ..NO_FAULT }, &["C-65", "C-66", "C-67", "C-68", "C-70"]).await;
}

#[tokio::test]
async fn a_server_that_ignores_unknown_members_is_found() {
    let asked = |asked: &mut Asked| {
        asked.body.as_object_mut().and_then(|body| body.remove("surprise"));
    };
    assert_found(Fault { asked, ..NO_FAULT }, &["C-21"]).await;
}

#[tokio::test]
async fn a_server_that_ignores_the_overage_policy_is_found() {
    let asked = |asked: &mut Asked| {
        asked.body.as_object_mut().and_then(|body| body.remove("overage_policy"));
    };
    let finders = ["C-29", "C-59", "C-80", "C-84", "C-85", "C-86", "C-88", "C-116", "C-118"];
    assert_found(Fault { asked, ..NO_FAULT }, &finders).await;
}

#[tokio::test]
async fn another_error_code_is_found() {
    let answered = |_: &Asked, answer: &mut Response<Value>| {
        if answer.body()["error"] == "BUDGET_EXCEEDED" {
            answer.body_mut()["error"] = "FORBIDDEN".into();
        }
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-43", "C-44", "C-46", "C-62", "C-80", "C-116"]).await;
}

#[tokio::test]
async fn an_unknown_error_code_is_found() {
    let answered = |_: &Asked, answer: &mut Response<Value>| {
        if answer.body()["error"] == "NOT_FOUND" {
            answer.body_mut()["error"] = "NO_SUCH_BUDGET".into();
        }
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-04", "C-51", "C-94"]).await;
}

#[tokio::test]
async fn a_request_id_that_differs_from_the_body_is_found() {
    let answered = |_: &Asked, answer: &mut Response<Value>| {
        if answer.body()["request_id"].is_string() {
            answer.body_mut()["request_id"] = "another".into();
        }
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-05"]).await;
}

#[tokio::test]
async fn missing_trace_ids_are_found() {
    let answered = |_: &Asked, answer: &mut Response<Value>| {
        answer.headers_mut().remove("x-cycles-trace-id");
    };
    let finders = ["C-06", "C-07", "C-08", "C-09", "C-10", "C-11", "C-12"];
    assert_found(Fault { answered, ..NO_FAULT }, &finders).await;
}

#[tokio::test]
async fn a_tenant_that_can_look_into_another_is_found() {
    let answered = |_: &Asked, answer: &mut Response<Value>| {
        if answer.body()["error"] == "FORBIDDEN" {
            *answer.status_mut() = StatusCode::OK;
            *answer.body_mut() = json!({"balances": [], "reservations": [], "status": "RELEASED"});
        }
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-15", "C-16", "C-17", "C-18"]).await;
}

#[tokio::test]
async fn a_server_that_grants_what_it_does_not_have_is_found() {
    let answered = |asked: &Asked, answer: &mut Response<Value>| {
        if asked.is_reserve() && answer.body()["error"] == "BUDGET_EXCEEDED" {
            *answer.status_mut() = StatusCode::OK;
            *answer.body_mut() = json!({
                "decision": "ALLOW",
                "reservation_id": uuid::Uuid::new_v4().to_string(),
                "reserved": asked.body["estimate"],
                "affected_scopes": ["tenant:acme"],
                "expires_at_ms": 1,
            });
        }
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-43", "C-44", "C-46", "C-62", "C-126"]).await;
}

#[tokio::test]
async fn an_extension_that_counts_from_elsewhere_is_found() {
    let answered = |asked: &Asked, answer: &mut Response<Value>| {
        if asked.ends_with("/extend")
            && let Some(expires_at) = answer.body()["expires_at_ms"].as_i64()
        {
            answer.body_mut()["expires_at_ms"] = (expires_at - 1).into();
        }
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-35", "C-104", "C-107", "C-113"]).await;
}

#[tokio::test]
async fn a_copied_remainder_of_a_lease_is_found() {
    let answered = |_: &Asked, answer: &mut Response<Value>| {
        if answer.body()["remaining_ttl_ms"].is_number() {
            answer.body_mut()["remaining_ttl_ms"] = 60_000.into();
        }
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-105", "C-107", "C-130"]).await;
}

#[tokio::test]
async fn a_balance_that_does_not_add_up_is_found() {
    let answered = |asked: &Asked, answer: &mut Response<Value>| {
        if asked.path != "/v1/balances" {
            return;
        }
        for balance in answer.body_mut()["balances"].as_array_mut().into_iter().flatten() {
            if let Some(remaining) = balance["remaining"]["amount"].as_i64()
                && balance["spent"]["amount"].as_i64().is_some_and(|spent| spent > 0)
            {
                balance["remaining"]["amount"] = (remaining - 1).into();
            }
        }
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-77", "C-84", "C-141", "P-1", "P-3", "P-4"]).await;
}

#[tokio::test]
async fn null_members_are_found() {
    let answered = |asked: &Asked, answer: &mut Response<Value>| {
        if asked.path.starts_with("/v1/reservations/") && answer.body()["subject"].is_object() {
            answer.body_mut()["subject"]["workspace"] = Value::Null;
        }
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-145"]).await;
}

#[tokio::test]
async fn a_list_that_does_not_end_is_found() {
    let answered = |asked: &Asked, answer: &mut Response<Value>| {
        if asked.path == "/v1/balances" && answer.body()["has_more"] == false {
            answer.body_mut()["has_more"] = true.into();
            answer.body_mut()["next_cursor"] = "again".into();
        }
    };
    assert_found(Fault { answered, ..NO_FAULT }, &["C-143"]).await;
}

#[tokio::test]
async fn leases_that_never_end_are_found() {
    let (authority, _) = authority().await;
    // The checks move another clock than the authority's.
    let target = Target::embedded(&authority).time(ManualClock::new());
    let finders = ["C-96", "C-103", "C-106", "C-107", "C-111", "C-112"];
    let filter = finders.join(",").parse().expect("ids of checks");
    let report = run(&target, Options::default().filter(filter)).await;
    let found: Vec<_> = report.failures().map(|entry| entry.id).collect();
    assert_eq!(found, finders, "{report}");
}

/// An authority that gives the same answer to everything once the run has been set up.
struct Stubborn {
    authority: InProcess,
    calls: AtomicUsize,
    status: StatusCode,
    body: Value,
}

/// Calls of a run before its first check: a reservation, and one try of each optional operation.
const CALLS_OF_SET_UP: usize = 5;

impl Transport for Stubborn {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        if self.calls.fetch_add(1, Ordering::Relaxed) < CALLS_OF_SET_UP {
            return self.authority.call(request);
        }
        let mut answer = Response::new(Bytes::from(self.body.to_string()));
        *answer.status_mut() = self.status;
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// The checks that pass on a server that gives the same answer to everything.
async fn passes_on(status: StatusCode, body: Value) -> Vec<&'static str> {
    let (authority, clock) = authority().await;
    let stubborn = Stubborn { authority: authority.transport(), calls: AtomicUsize::new(0), status, body };
    let runtime = Endpoint::new(stubborn, "http://stubborn.invalid");
    let target = Target::new(runtime, authority.clone()).seeding(authority).time(clock);
    let levels = Level::ALL.into_iter().filter(|level| *level != Level::Admin);
    let report = run(&target, Options::default().levels(levels).concurrency(1)).await;
    let passed = report.entries().iter().filter(|entry| entry.outcome == Outcome::Passed);
    passed.map(|entry| entry.id).collect()
}

#[tokio::test]
async fn no_check_passes_on_a_server_that_says_yes_to_everything() {
    assert_eq!(passes_on(StatusCode::OK, json!({})).await, [""; 0]);
}

#[tokio::test]
async fn only_the_check_of_errors_passes_on_a_server_that_always_fails() {
    let body = json!({"error": "INTERNAL_ERROR", "message": "no", "request_id": "1"});
    assert_eq!(passes_on(StatusCode::INTERNAL_SERVER_ERROR, body).await, ["C-04"]);
}

#[tokio::test]
async fn only_the_check_of_errors_passes_on_a_server_that_knows_no_key() {
    let body = json!({"error": "UNAUTHORIZED", "message": "no", "request_id": "1"});
    assert_eq!(passes_on(StatusCode::UNAUTHORIZED, body).await, ["C-04"]);
}

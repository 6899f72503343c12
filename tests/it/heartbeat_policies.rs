//! Leases that are lost while an action runs, and what an application wants to become of its calls then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use runcycles::{
    BoxFuture, Context, CyclesClient, Error, HeartbeatPolicy, LeaseState, Transport, TransportError, UnknownSpend,
    WithCyclesConfig, tokens,
};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::Level;

use crate::support::clock::pass;
use crate::support::log::Log;
use crate::support::operations::reserve;
use crate::support::reply::{self, Reply};
use crate::support::script::{API_KEY, Script};
use crate::support::sent::{Route, Sent};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// When a lease of 60 s is extended first, in whole seconds.
const FIRST_BEAT: u64 = 44;

fn config(policy: HeartbeatPolicy) -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("a", "b").ttl(MINUTE).heartbeat(policy)
}

/// Runs an action that takes a time and has spent something by then, and whose cost is what it told.
async fn run(client: &CyclesClient, config: WithCyclesConfig, time: Duration) -> Result<&'static str, Error> {
    let action = async |context: Context| {
        context.record_usage(&tokens(3)).unwrap();
        pass(time).await;
        Ok("done")
    };
    client.execute(config, action).await
}

/// A server whose extensions are refused from the first one on.
fn refusing() -> Script {
    let script = Script::new();
    script.always(Route::Extend, reply::refusal(409, "MAX_EXTENSIONS_EXCEEDED"));
    script
}

#[tokio::test(start_paused = true)]
async fn the_state_of_the_lease_shows_on_the_context() {
    let script = Script::new();
    script.next(Route::Extend, [reply::timeout(), Reply::Pass, reply::refusal(409, "MAX_EXTENSIONS_EXCEEDED")]);
    let client = script.client();
    let kept = client
        .execute(config(HeartbeatPolicy::Warn), async |context| {
            let lease = context.lease();
            assert_eq!((lease.state, lease.left, lease.stopped_because), (LeaseState::Kept, MINUTE, None));
            pass(Duration::from_secs(FIRST_BEAT + 1)).await;
            assert_eq!(context.lease().state, LeaseState::Retrying);
            pass(10 * SECOND).await;
            assert_eq!(context.lease().state, LeaseState::Kept);
            script.wait_for(Route::Extend, 3).await;
            pass(SECOND).await;
            let lease = context.lease();
            assert_eq!((lease.state, lease.left.as_secs()), (LeaseState::Stopped, 14));
            assert!(lease.stopped_because.is_some_and(|reason| reason.contains("MAX_EXTENSIONS_EXCEEDED")));
            pass(15 * SECOND).await;
            let lease = context.lease();
            assert_eq!((lease.state, lease.left), (LeaseState::Lost, Duration::ZERO));
            assert!(lease.stopped_because.is_some());
            Ok::<_, Error>(context)
        })
        .await
        .unwrap();
    assert_eq!((kept.lease().state, kept.lease().left), (LeaseState::Ended, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_reservation_that_is_gone_is_lost_whatever_time_seemed_left() {
    for (status, code) in [(410, "RESERVATION_EXPIRED"), (409, "RESERVATION_FINALIZED"), (404, "NOT_FOUND")] {
        let script = Script::new();
        script.always(Route::Extend, reply::refusal(status, code));
        let guard = script.client().reserve(reserve()).await.unwrap();
        script.wait_for(Route::Extend, 1).await;
        pass(SECOND).await;
        assert_eq!((guard.lease().state, guard.lease().left), (LeaseState::Lost, Duration::ZERO), "{code}");
        guard.commit(tokens(1)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_loses_its_reservation_goes_on_unless_told_otherwise() {
    let (script, log) = (refusing(), Log::start());
    let config = WithCyclesConfig::new(tokens(10)).action("a", "b").ttl(MINUTE);
    assert_eq!(run(&script.client(), config, 10 * MINUTE).await.unwrap(), "done");
    assert_eq!(script.routes(), [Route::Reserve, Route::Extend, Route::Commit]);
    log.told(Level::WARN, &["heartbeat stopped", "rsv_1"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_can_fail_at_its_end_because_its_reservation_was_lost_and_is_settled_all_the_same() {
    let script = refusing();
    let error = run(&script.client(), config(HeartbeatPolicy::FailOnFinalize), 2 * MINUTE).await.unwrap_err();
    let Error::LeaseLost { reservation_id, reason, .. } = error else { panic!("{error:?}") };
    assert_eq!(reservation_id.as_str(), "rsv_1");
    assert!(reason.contains("MAX_EXTENSIONS_EXCEEDED"), "{reason}");
    assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ends_within_its_lease_succeeds_whatever_became_of_the_heartbeat() {
    for policy in [HeartbeatPolicy::FailOnFinalize, HeartbeatPolicy::Cancel] {
        let script = refusing();
        assert_eq!(run(&script.client(), config(policy), 59 * SECOND).await.unwrap(), "done");
        assert_eq!(script.routes(), [Route::Reserve, Route::Extend, Route::Commit]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_cancelled_when_its_lease_runs_out_and_is_settled_by_what_it_told() {
    let (script, log) = (refusing(), Log::start());
    let start = Instant::now();
    let error = run(&script.client(), config(HeartbeatPolicy::Cancel), 10 * MINUTE).await.unwrap_err();
    assert!(matches!(error, Error::LeaseLost { .. }), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 60, "not when the heartbeat stops, but when the lease is over");
    let commit = script.of(Route::Commit)[0].json();
    assert_eq!(commit["actual"]["amount"], 3);
    assert_eq!(commit["metadata"], json!({ "settled_after": "cancellation" }));
    log.told(Level::WARN, &["cancelled", "rsv_1", "MAX_EXTENSIONS_EXCEEDED"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_cancelled_at_once_when_its_reservation_is_gone() {
    let script = Script::new();
    script.always(Route::Extend, reply::refusal(410, "RESERVATION_EXPIRED"));
    let start = Instant::now();
    run(&script.client(), config(HeartbeatPolicy::Cancel), 10 * MINUTE).await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), FIRST_BEAT);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_that_told_nothing_follows_the_policy_for_unknown_spend() {
    for (policy, expected) in [
        (UnknownSpend::Release, Some(Route::Release)),
        (UnknownSpend::ChargeEstimate, Some(Route::Commit)),
        (UnknownSpend::Hold, None),
    ] {
        let script = refusing();
        let client = script.builder().heartbeat(HeartbeatPolicy::Cancel).unknown_spend(policy).build();
        let config = WithCyclesConfig::new(tokens(10)).action("a", "b").ttl(MINUTE);
        let call: Result<(), Error> = client.execute(config, async |_| std::future::pending().await).await;
        assert!(matches!(call, Err(Error::LeaseLost { .. })));
        assert_eq!(script.routes().get(2), expected.as_ref());
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_no_lease_can_cover_is_told_before_the_action_begins() {
    for (planned, told) in [(659 * SECOND, false), (661 * SECOND, true)] {
        let (script, log) = (Script::new(), Log::start());
        run(&script.client(), config(HeartbeatPolicy::Warn).planned(planned), SECOND).await.unwrap();
        if told {
            log.told(Level::WARN, &["planned to take longer", "rsv_1", "660s", "ttl"]);
        } else {
            log.silent(Level::WARN);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_costs_one_extension_and_neither_the_heartbeat_nor_its_key() {
    let (script, log) = (Script::new(), Log::start());
    script.next(Route::Extend, [Reply::Panic]);
    let client = script.client();
    let first = client.reserve(reserve()).await.unwrap();
    let other = client.reserve(reserve()).await.unwrap();
    let sent = script.wait_for(Route::Extend, 3).await;
    log.told(Level::WARN, &["was not extended", "will_retry=true"]);
    let again = sent[1..].iter().filter(|one| one.body == sent[0].body).count();
    assert_eq!(again, 1, "{sent:?}");
    for _ in 0..600 {
        pass(SECOND).await;
        assert!(first.lease_left() > 5 * SECOND && other.lease_left() > 5 * SECOND);
    }
    drop((first, other));
}

/// How a server moves the expiry of a reservation.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// It adds what an extension asks for.
    Adding,
    /// It adds as much as keeps the expiry within one lease from now.
    Clamping,
    /// It counts each lease from now.
    Restamping,
}

/// A server of one kind, with one reservation, on the clock of the test.
struct Server {
    kind: Kind,
    measures: bool,
    start: Instant,
    expires: AtomicU64,
}

impl Server {
    const LEASE_MS: u64 = 5_000;

    fn new(kind: Kind, measures: bool) -> Self {
        Self { kind, measures, start: Instant::now(), expires: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap()
    }

    fn answer(&self, sent: &Sent) -> (u16, Value) {
        let (now, expires) = (self.now(), self.expires.load(Ordering::Relaxed));
        let mut body = match sent.route {
            Route::Reserve => {
                self.expires.store(now + Self::LEASE_MS, Ordering::Relaxed);
                json!({ "decision": "ALLOW", "reservation_id": "rsv_1", "affected_scopes": [] })
            }
            Route::Extend if expires <= now => {
                let refusal = json!({ "error": "RESERVATION_EXPIRED", "message": "too late", "request_id": "req_1" });
                return (410, refusal);
            }
            Route::Extend => {
                let by = sent.json()["extend_by_ms"].as_u64().unwrap();
                let moved = match self.kind {
                    Kind::Adding => expires + by,
                    Kind::Clamping => (expires + by).min(now + Self::LEASE_MS),
                    Kind::Restamping => now + by,
                };
                self.expires.store(moved, Ordering::Relaxed);
                json!({ "status": "ACTIVE" })
            }
            _ => return (200, json!({ "status": "COMMITTED", "charged": sent.json()["actual"] })),
        };
        let expires = self.expires.load(Ordering::Relaxed);
        body["expires_at_ms"] = json!(expires);
        if self.measures {
            body["remaining_ttl_ms"] = json!(expires - now);
        }
        (200, body)
    }
}

impl Transport for Server {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            // A round trip of 20 ms.
            tokio::time::sleep(Duration::from_millis(10)).await;
            let (status, body) = self.answer(&Sent::new(&request));
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(http::Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_five_seconds_lives_on_every_kind_of_server() {
    for kind in [Kind::Adding, Kind::Clamping, Kind::Restamping] {
        for measures in [true, false] {
            let script = Script::around(Server::new(kind, measures));
            let client = CyclesClient::builder(API_KEY, "http://authority.test")
                .journal(runcycles::JournalConfig::disabled())
                .tenant("acme")
                .heartbeat(HeartbeatPolicy::Cancel)
                .transport(script.clone())
                .build();
            let config = WithCyclesConfig::new(tokens(10)).action("a", "b").ttl(5 * SECOND);
            run(&client, config, 10 * MINUTE).await.unwrap_or_else(|error| panic!("{kind:?} {measures}: {error}"));
            let beats = script.of(Route::Extend).len();
            assert!((110..=620).contains(&beats), "{kind:?} {measures}: {beats} extensions in ten minutes");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_five_milliseconds_never_extends_a_lease_of_five_seconds() {
    for kind in [Kind::Adding, Kind::Clamping, Kind::Restamping] {
        for measures in [true, false] {
            let script = Script::around(Server::new(kind, measures));
            let config = WithCyclesConfig::new(tokens(10)).action("a", "b").ttl(5 * SECOND);
            run(&script.client(), config, Duration::from_millis(5)).await.unwrap();
            pass(MINUTE).await;
            assert_eq!(script.routes(), [Route::Reserve, Route::Commit]);
        }
    }
}

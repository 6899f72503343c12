//! Faults on purpose.

use std::time::Duration;

use http::StatusCode;
use runcycles::models::CommitRequest;
use runcycles::{Error, Reserve, TransportErrorKind, usd};
use runcycles_authority::{Authority, AuthorityBuilder, Call, Fault};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{World, hold};

const BOT: &str = "tenant:acme/agent:bot";

async fn authority() -> Authority {
    let builder = Authority::builder().budget("tenant:acme", usd!(1)).record_requests();
    builder.start().await.expect("a valid set-up")
}

fn two_cents() -> runcycles::models::ReservationCreateRequest {
    Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02)).build()
}

#[tokio::test]
async fn a_lost_response_was_acted_on_and_a_dropped_connection_was_not() {
    for (fault, held) in [(Fault::LoseResponse, usd!(0.02)), (Fault::DropConnection, usd!(0))] {
        let authority = authority().await;
        let client = authority.client("acme");
        // The client asks once more with the same key.
        authority.inject(fault.clone());
        authority.inject(fault);

        let error = client.create_reservation(&two_cents()).await.expect_err("no answer");

        assert!(!matches!(error, Error::BudgetExceeded { .. }), "{error}");
        assert_eq!(authority.ledger("tenant:acme").expect("a budget").reserved, held);
        assert!(authority.requests().iter().all(|request| request.status.is_none()));
    }
}

#[tokio::test]
async fn a_fault_waits_for_its_own_operation() {
    let authority = authority().await;
    let client = authority.client("acme");
    authority.inject_on(Call::Commit, Fault::Deny);

    let reserved = client.create_reservation(&two_cents()).await.expect("an allowance");
    assert_eq!(authority.pending_faults(), 1);
    let id = reserved.reservation_id.as_ref().expect("an id");
    let error = client.commit_reservation(id, &CommitRequest::new(usd!(0.01))).await.expect_err("a denial");

    assert!(matches!(error, Error::BudgetExceeded { .. }), "{error}");
    assert_eq!(authority.pending_faults(), 0);
    client.commit_reservation(id, &CommitRequest::new(usd!(0.01))).await.expect("a commit");
    let calls: Vec<_> = authority.requests().into_iter().map(|request| (request.call, request.status)).collect();
    assert_eq!(
        calls,
        [
            (Some(Call::Reserve), Some(StatusCode::OK)),
            (Some(Call::Commit), Some(StatusCode::CONFLICT)),
            (Some(Call::Commit), Some(StatusCode::OK)),
        ]
    );
}

#[test]
fn scripted_answers_look_like_real_ones() {
    let world = World::new(|builder| builder.budget(BOT, runcycles::tokens(10)));

    world.authority.inject(Fault::Status(StatusCode::SERVICE_UNAVAILABLE));
    let reply = world.acme.reserve(&hold(1));
    assert_eq!(reply.refusal(), (503, "INTERNAL_ERROR"));
    assert_eq!(reply.header("x-request-id"), reply.body["request_id"].as_str());

    world.authority.inject(Fault::RateLimited { retry_after: Duration::from_secs(7) });
    let reply = world.acme.reserve(&hold(1));
    assert_eq!(reply.refusal(), (429, "LIMIT_EXCEEDED"));
    assert_eq!((reply.header("retry-after"), reply.header("x-ratelimit-reset")), (Some("7"), Some("7")));

    world.authority.inject(Fault::Deny);
    assert_eq!(world.acme.reserve(&hold(1)).refusal(), (409, "BUDGET_EXCEEDED"));
    assert_eq!(world.figures(BOT), (0, 0, 0, 10, false));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_answer_comes_in_time_or_leaves_its_hold_behind() {
    let authority = authority().await;
    let client = authority.client("acme");
    authority.inject(Fault::Delay(Duration::from_secs(1)));
    client.create_reservation(&two_cents()).await.expect("an allowance");

    authority.inject(Fault::Delay(Duration::from_secs(3_600)));
    authority.inject(Fault::Delay(Duration::from_secs(3_600)));
    let error = client.create_reservation(&two_cents()).await.expect_err("no answer in time");

    assert!(!error.is_denied(), "{error}");
    assert_eq!(authority.ledger("tenant:acme").expect("a budget").reserved, usd!(0.04));
}

#[tokio::test]
async fn half_an_answer_is_no_answer() {
    let authority = authority().await;
    authority.inject(Fault::MalformedSuccess);
    authority.inject(Fault::MalformedSuccess);

    let error = authority.client("acme").create_reservation(&two_cents()).await.expect_err("half an answer");

    assert!(!error.is_denied(), "{error}");
    assert_eq!(authority.ledger("tenant:acme").expect("a budget").reserved, usd!(0.02));
}

#[tokio::test]
async fn faults_go_over_sockets_too() {
    let authority = authority().await;
    let server = authority.serve("127.0.0.1:0").await.expect("a free port");
    authority.inject(Fault::DropConnection);
    let ask = async || {
        let mut stream = tokio::net::TcpStream::connect(server.addr()).await.expect("a connection");
        let request = b"GET /actuator/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.expect("a request");
        let mut answer = String::new();
        // A dropped connection is an end or a reset.
        let _ = stream.read_to_string(&mut answer).await;
        answer
    };

    assert_eq!(ask().await, "");
    assert!(ask().await.starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn the_in_process_transport_names_a_dropped_connection() {
    use runcycles::Transport as _;
    let world = World::new(|builder| builder);
    world.authority.inject(Fault::DropConnection);
    let request = world.acme.request("GET", "/v1/reservations").body(bytes::Bytes::new()).expect("a valid request");

    let error = crate::support::at_once(world.authority.transport().call(request)).expect_err("no answer");

    assert_eq!(error.kind(), TransportErrorKind::Interrupted);
}

#[test]
fn requests_are_recorded_where_asked_without_their_keys() {
    let world = World::new(AuthorityBuilder::record_requests);
    world.acme.get("/v1/balances?agent=bot").ok();
    world.acme.post("/v1/decide", &json!({}));

    let requests = world.authority.requests();

    assert_eq!(requests.len(), 2);
    assert_eq!((requests[0].call, requests[0].target.as_str()), (Some(Call::Balances), "/v1/balances?agent=bot"));
    assert_eq!((requests[1].status, &requests[1].body[..]), (Some(StatusCode::BAD_REQUEST), &b"{}"[..]));
    assert!(!format!("{requests:?}").contains("cyc_live_"));
    let silent = World::new(|builder| builder);
    silent.acme.get("/v1/reservations").ok();
    assert!(silent.authority.requests().is_empty());
}

#[test]
fn counts_of_requests_can_be_scraped() {
    let world = World::new(|builder| builder.budget(BOT, runcycles::tokens(10)));
    world.acme.held(&hold(3));
    world.acme.reserve(&hold(300));

    let request = world.acme.request("GET", "/metrics").body(bytes::Bytes::new()).expect("a valid request");
    let response = crate::support::at_once({
        use runcycles::Transport as _;
        let transport = world.authority.transport();
        async move { transport.call(request).await }
    });
    let response = response.expect("an answer");
    let text = String::from_utf8_lossy(response.body()).into_owned();

    for line in [
        "cycles_requests_total{operation=\"reserve\",status=\"200\"} 1",
        "cycles_requests_total{operation=\"reserve\",status=\"409\"} 1",
        "cycles_request_duration_seconds_count 2",
        "cycles_ledgers 1",
        "cycles_live_reservations 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
}

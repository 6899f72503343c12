//! What is kept, and who may open it.

use std::future::Future as _;
use std::pin::pin;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use http::StatusCode;
use runcycles::models::{ActionRules, Caps, Unit};
use runcycles::{Transport as _, tokens};
use runcycles_authority::{
    Authority, Budget, Durability, Funding, LedgerStatus, ManualClock, Policy, StartError, Tenant,
};
use serde_json::{Value, json};

use crate::support::{API_KEY, Directory, block_on, get, lasting, ok, post, request, start};

const SCOPE: &str = "tenant:acme/agent:bot";

fn reserve(key: &str, estimate: u64) -> Value {
    json!({
        "idempotency_key": key,
        "subject": {"tenant": "acme", "agent": "Bot", "dimensions": {"run": "r-7"}},
        "action": {"kind": "llm.completion", "name": "gpt-4o", "tags": ["a", "b"]},
        "estimate": {"unit": "TOKENS", "amount": estimate},
        "metadata": {"nested": {"list": [1, 2.5, null, "x"]}},
    })
}

fn event(key: &str, actual: u64) -> Value {
    json!({
        "idempotency_key": key,
        "subject": {"tenant": "acme", "agent": "bot"},
        "action": {"kind": "llm.completion", "name": "gpt-4o"},
        "actual": {"unit": "TOKENS", "amount": actual},
    })
}

fn settle(key: &str, actual: u64) -> Value {
    json!({
        "idempotency_key": key,
        "actual": {"unit": "TOKENS", "amount": actual},
        "metadata": {"model": "gpt-4o"},
    })
}

fn id(answer: &Value) -> String {
    answer["reservation_id"].as_str().expect("an id").to_owned()
}

#[test]
fn everything_that_was_answered_is_there_after_a_restart() {
    let dir = Directory::new();
    let builder = || dir.builder().budget(SCOPE, tokens(1_000)).budget("tenant:acme", tokens(5_000));
    let authority = start(builder());
    let calls: Vec<(String, Value)> = {
        let [live, committed, released] = ["live", "committed", "released"]
            .map(|key| id(&ok(post(&authority, "/v1/reservations", &reserve(key, 100)))));
        vec![
            ("/v1/reservations".to_owned(), reserve("live", 100)),
            (format!("/v1/reservations/{live}/extend"), json!({"idempotency_key": "e", "extend_by_ms": 60_000})),
            (format!("/v1/reservations/{committed}/commit"), settle("c", 130)),
            (format!("/v1/reservations/{released}/release"), json!({"idempotency_key": "r"})),
            ("/v1/events".to_owned(), event("event", 7)),
            ("/v1/decide".to_owned(), {
                let mut decide = reserve("decide", 10_000);
                drop(decide.as_object_mut().expect("an object").remove("ttl_ms"));
                decide
            }),
        ]
    };
    let answers: Vec<Value> = calls.iter().map(|(path, body)| lasting(ok(post(&authority, path, body)))).collect();
    authority.fund(SCOPE, Funding::Credit(tokens(50))).expect("a budget");
    authority.freeze("tenant:acme").expect("a budget");
    let key = authority.api_key("other");
    let reads = ["/v1/reservations?tenant=acme&include=metadata,committed_metadata", "/v1/balances?tenant=acme"];
    let before = reads.map(|path| ok(get(&authority, path)));
    let ledgers = [SCOPE, "tenant:acme"].map(|scope| authority.ledger(scope));
    drop(authority);

    let authority = start(builder());
    assert_eq!([SCOPE, "tenant:acme"].map(|scope| authority.ledger(scope)), ledgers);
    assert_eq!(reads.map(|path| ok(get(&authority, path))), before);
    for ((path, body), answer) in calls.iter().zip(answers) {
        assert_eq!(lasting(ok(post(&authority, path, body))), answer, "{path}");
    }
    let mut request = request("GET", "/v1/balances?tenant=other", "");
    request.headers_mut().insert("x-cycles-api-key", key.parse().expect("a header"));
    assert_eq!(block_on(authority.transport().call(request)).expect("an answer").status(), StatusCode::OK);
}

#[test]
fn a_budget_that_was_kept_stays_as_it_is_and_new_ones_are_added() {
    let dir = Directory::new();
    let authority = start(dir.builder().budget(SCOPE, tokens(1_000)));
    ok(post(&authority, "/v1/events", &event("e", 400)));
    drop(authority);

    let other_amount = Budget::new(tokens(9_999)).overdraft_limit(tokens(5)).frozen();
    let authority = start(dir.builder().budget(SCOPE, other_amount).budget("tenant:acme/agent:new", tokens(3)));
    let kept = authority.ledger(SCOPE).expect("the budget");
    assert_eq!((kept.allocated, kept.spent, kept.overdraft_limit), (tokens(1_000), tokens(400), tokens(0)));
    assert_eq!(kept.status, LedgerStatus::Active);
    assert_eq!(authority.ledger("tenant:acme/agent:new").map(|ledger| ledger.allocated), Some(tokens(3)));
}

#[test]
fn the_same_budget_twice_in_one_builder_is_refused_whether_or_not_it_was_kept() {
    let dir = Directory::new();
    drop(start(dir.builder().budget(SCOPE, tokens(1))));
    let twice = dir.builder().budget(SCOPE, tokens(1)).budget(SCOPE, tokens(1));
    assert!(matches!(block_on(twice.start()), Err(StartError::DuplicateBudget { .. })));
}

#[test]
fn a_tenant_that_was_kept_keeps_its_settings() {
    let dir = Directory::new();
    let with_ttl = |seconds| {
        let tenant = Tenant::new("acme").default_ttl(Duration::from_secs(seconds));
        dir.builder().tenant(tenant).budget(SCOPE, tokens(1_000))
    };
    drop(start(with_ttl(10)));
    let authority = start(with_ttl(20));
    let lease = ok(post(&authority, "/v1/reservations", &reserve("k", 1)));
    assert_eq!(lease["remaining_ttl_ms"], 10_000);
}

#[test]
fn caps_are_those_that_are_given_now() {
    let dir = Directory::new();
    let mut caps = Caps::new();
    caps.max_tokens = Some(17);
    let builder = || dir.builder().budget(SCOPE, tokens(1_000));
    let decision = |authority: &Authority, key| ok(post(authority, "/v1/reservations", &reserve(key, 1)));
    drop(start(builder()));
    let authority = start(builder().caps(SCOPE, Unit::Tokens, caps));
    let capped = decision(&authority, "1");
    assert_eq!((&capped["decision"], &capped["caps"]["max_tokens"]), (&json!("ALLOW_WITH_CAPS"), &json!(17)));
    drop(authority);
    let authority = start(builder());
    assert_eq!(decision(&authority, "2")["decision"], "ALLOW");
    assert_eq!(decision(&authority, "1")["decision"], "ALLOW_WITH_CAPS", "a replay is what was answered");
}

#[test]
fn a_key_of_another_tenant_is_refused() {
    let dir = Directory::new();
    drop(start(dir.builder()));
    let error =
        block_on(Authority::builder().path(dir.path()).api_key(API_KEY, "other").start()).expect_err("a taken key");
    assert_eq!(
        error.to_string(),
        r#"the API key for tenant "other" is another tenant's already: give every tenant keys of its own"#
    );
}

#[test]
fn a_directory_in_use_is_refused_until_it_is_given_back() {
    let dir = Directory::new();
    let authority = start(dir.builder().budget(SCOPE, tokens(1_000)));
    let error = block_on(dir.builder().start()).expect_err("a directory in use").to_string();
    assert_eq!(
        error,
        format!(
            "{} is in use by another process, or by another authority in this one: stop that one, or give this one a directory of its own",
            dir.path().display()
        )
    );

    // Clients that are left do not hold it, and are not told what is not kept.
    let transport = authority.transport();
    block_on(authority.close()).expect("a disk that works");
    let successor = start(dir.builder());
    assert!(successor.ledger(SCOPE).is_some());
    let late =
        block_on(transport.call(request("POST", "/v1/events", &event("late", 1).to_string()))).expect("an answer");
    assert_eq!(late.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(successor.ledger(SCOPE).map(|ledger| ledger.spent), Some(tokens(0)));
}

/// A program that is being started has a copy of every descriptor of this process until it runs.
#[test]
fn a_directory_is_given_back_although_another_thread_starts_programs() {
    let dir = Directory::new();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let nothing = Command::new(std::env::current_exe().expect("this test")).arg("--list").output();
                assert!(nothing.expect("a program").status.success());
            }
        });
        let openings = (0..200).map(|_| block_on(dir.builder().start()).map(drop));
        let refused = openings.filter_map(Result::err).map(|error| error.to_string()).next();
        over.store(true, Ordering::Relaxed);
        assert_eq!(refused, None);
    });
}

#[test]
fn a_path_that_is_no_directory_is_refused_by_name() {
    let dir = Directory::new();
    std::fs::create_dir_all(dir.path()).expect("a directory");
    let file = dir.path().join("file");
    std::fs::write(&file, "text").expect("a file");
    let error = block_on(Authority::builder().path(&file).start()).expect_err("not a directory");
    assert!(error.to_string().contains(&*file.to_string_lossy()), "{error}");
}

#[test]
fn time_does_not_go_back_with_a_restart() {
    let dir = Directory::new();
    let start_ms = 1_763_775_000_000;
    let clock = ManualClock::at_epoch_ms(start_ms);
    let authority = start(dir.builder().clock(clock.clone()).budget(SCOPE, tokens(1_000)));
    let lease = ok(post(&authority, "/v1/reservations", &reserve("k", 100)));
    clock.advance(Duration::from_secs(3_600));
    ok(get(&authority, "/v1/balances?tenant=acme"));
    drop(authority);

    let authority = start(dir.builder().clock(ManualClock::at_epoch_ms(start_ms)));
    let path = format!("/v1/reservations/{}/commit", id(&lease));
    assert_eq!(post(&authority, &path, &settle("c", 1)).0, StatusCode::GONE);
    let later = ok(post(&authority, "/v1/reservations", &reserve("k2", 1)));
    assert_eq!(later["expires_at_ms"], start_ms + 3_600_000 + 60_000);
}

#[test]
fn an_answer_that_says_nothing_new_is_there_at_once() {
    let dir = Directory::new();
    let authority = start(dir.builder().durability(Durability::PowerLoss).budget(SCOPE, tokens(1_000)));
    ok(post(&authority, "/v1/events", &event("e", 400)));
    let transport = authority.transport();
    let mut answer = pin!(transport.call(request("GET", "/v1/balances?tenant=acme", "")));
    assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[test]
fn rules_that_were_kept_hold_whether_or_not_their_extension_is_asked_for_again() {
    let directory = Directory::new();
    let budget = || directory.builder().budget(SCOPE, tokens(100));
    let rules = ActionRules::new().deny(["llm.completion"]);
    let authority = start(budget().policy("acme", Policy::new("no models", "tenant:acme/agent:*").actions(rules)));
    let refused = |authority: &Authority| post(authority, "/v1/reservations", &reserve("k", 1)).0;
    assert_eq!(refused(&authority), StatusCode::CONFLICT);
    drop(authority);
    assert_eq!(refused(&start(budget())), StatusCode::CONFLICT);
}

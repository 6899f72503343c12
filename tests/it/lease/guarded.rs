//! Guarded calls that take of a lease.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcycles::models::{Caps, Unit};
use runcycles::{
    Allowance, CyclesClient, Error, JournalConfig, Lease, Mode, OnUnavailable, Priority, Run, Scope, WithCyclesConfig,
    context, cycles, tokens, with_cycles,
};
use runcycles_authority::{Authority, Call, Fault};
use serde_json::json;

use super::{LONG, authority, commits, ledger, open, sent};
use crate::support::office::Office;
use crate::support::reply;
use crate::support::script::Script;
use crate::support::sent::Route;

struct Crawler {
    lease: Lease,
    bodies: AtomicUsize,
}

impl Crawler {
    async fn new(client: &CyclesClient) -> Self {
        Self { lease: open(client, tokens(100)).await, bodies: AtomicUsize::new(0) }
    }

    #[cycles(tokens(estimate), "llm.completion", lease = self.lease, actual = |cost| *cost)]
    async fn ask(&self, estimate: u64, cost: u64) -> Result<u64, Error> {
        self.bodies.fetch_add(1, Ordering::SeqCst);
        let context = context().expect("a context");
        assert_eq!((context.reserved(), context.subject().agent.as_deref()), (&tokens(estimate), Some("crawler")));
        Ok(cost)
    }

    #[cycles(tokens(10), "llm.completion", lease = self.lease, unknown = unknown.parse().unwrap_or_default())]
    async fn fail(&self, unknown: &str, usage: Option<u64>) -> Result<(), Error> {
        if let (Some(usage), Some(context)) = (usage, context()) {
            context.record_usage(&tokens(usage)).expect("the same unit");
        }
        Err(Error::Action("broke".into()))
    }

    #[cycles(tokens(10), "llm.completion", lease = self.lease)]
    async fn wait(&self, usage: Option<u64>) -> Result<(), Error> {
        if let (Some(usage), Some(context)) = (usage, context()) {
            context.record_usage(&tokens(usage)).expect("the same unit");
        }
        std::future::pending().await
    }

    #[cycles(tokens(10), "llm.completion", lease = self.lease, toolset = "search")]
    async fn search(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[tokio::test]
async fn guarded_calls_take_of_a_lease_and_settle_there() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let crawler = Crawler::new(&client).await;
    for cost in [3, 4, 5] {
        assert_eq!(crawler.ask(10, cost).await.unwrap(), cost);
    }
    assert_eq!(authority.requests().len(), 1);
    let stats = crawler.lease.close().await.unwrap();
    assert_eq!((stats.settled, stats.plain), (3, 0));
    assert_eq!(ledger(&authority), (12, 0, 988));
    let actions = json!([{ "kind": "llm.completion", "name": "ask", "count": 3, "amount": 12 }]);
    assert_eq!(commits(&authority)[0]["metadata"]["lease"]["actions"], actions);
}

#[tokio::test]
async fn a_call_that_fails_or_is_cancelled_settles_what_it_told_and_returns_the_rest() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let crawler = Crawler::new(&client).await;
    assert!(matches!(crawler.fail("release", None).await, Err(Error::Action(_))));
    assert_eq!(crawler.lease.stats().left, tokens(100));
    crawler.fail("release", Some(4)).await.unwrap_err();
    assert_eq!(crawler.lease.stats().left, tokens(96));
    crawler.fail("charge_estimate", None).await.unwrap_err();
    assert_eq!(crawler.lease.stats().left, tokens(86));
    crawler.fail("hold", None).await.unwrap_err();
    assert_eq!(crawler.lease.stats().left, tokens(76), "held as long as the chunk is");
    tokio::time::timeout(Duration::from_millis(1), crawler.wait(Some(2))).await.unwrap_err();
    tokio::time::timeout(Duration::from_millis(1), crawler.wait(None)).await.unwrap_err();
    assert_eq!(crawler.lease.stats().left, tokens(74));
    crawler.lease.close().await.unwrap();
    client.flush(LONG).await;
    assert_eq!(ledger(&authority), (16, 0, 984));
    authority.assert_settled();
}

#[tokio::test]
async fn a_denied_call_does_not_run() {
    let authority = authority(120).await;
    let client = authority.client("acme");
    let crawler = Crawler::new(&client).await;
    for _ in 0..2 {
        crawler.ask(60, 60).await.unwrap();
    }
    let denial = crawler.ask(60, 60).await.unwrap_err();
    assert!(denial.is_budget_exceeded(), "{denial}");
    assert_eq!(crawler.bodies.load(Ordering::SeqCst), 2);
    crawler.lease.close().await.unwrap();
    assert_eq!(ledger(&authority).0, 120);
}

#[tokio::test]
async fn a_call_of_another_scope_reserves_by_itself_where_its_own_budget_caps_it() {
    let set_up = Authority::builder().budget("tenant:acme", tokens(1_000)).record_requests();
    let authority = set_up.budget("tenant:acme/agent:crawler/toolset:search", tokens(15)).start().await.unwrap();
    let client = authority.client("acme");
    let crawler = Crawler::new(&client).await;
    crawler.search().await.unwrap();
    assert!(crawler.search().await.unwrap_err().is_budget_exceeded(), "the toolset has 5 tokens left");
    assert_eq!(crawler.lease.stats().plain, 2);

    // Another client, and another unit.
    let config = || WithCyclesConfig::new(tokens(1)).lease(&crawler.lease);
    let other = authority.client("acme");
    with_cycles(&other, config(), |_| async { Ok(((), tokens(1))) }).await.unwrap();
    assert_eq!(crawler.lease.stats().plain, 3);
    with_cycles(&client, config(), |_| async { Ok(((), tokens(1))) }).await.unwrap();
    assert_eq!(crawler.lease.stats().plain, 3);
    let credits = WithCyclesConfig::new(runcycles::credits(1)).lease(&crawler.lease);
    let error = with_cycles(&client, credits, |_| async { Ok(((), runcycles::credits(1))) }).await.unwrap_err();
    assert!(matches!(error, Error::UnitMismatch { .. }), "{error}");
}

#[tokio::test]
async fn a_call_in_two_units_takes_the_one_of_the_lease_and_reserves_the_other() {
    #[cycles((tokens(10), runcycles::credits(2)), "llm.completion", lease = lease, actual = |()| (tokens(7), runcycles::credits(1)))]
    async fn call(lease: &Lease) -> Result<(), Error> {
        Ok(())
    }

    let set_up = Authority::builder().budget("tenant:acme", tokens(1_000)).budget("tenant:acme", runcycles::credits(3));
    let authority = set_up.start().await.unwrap();
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    call(&lease).await.unwrap();
    client.flush(LONG).await;
    call(&lease).await.unwrap();
    client.flush(LONG).await;
    assert!(call(&lease).await.unwrap_err().is_budget_exceeded());
    assert_eq!(lease.stats().left, tokens(100), "what the denied call took is returned");
    lease.close().await.unwrap();
    let spent = |unit| authority.ledgers("tenant:acme").into_iter().find(|it| *it.spent.unit() == unit).unwrap().spent;
    assert_eq!((spent(Unit::Tokens), spent(Unit::Credits)), (tokens(14), runcycles::credits(2)));
    authority.assert_settled();
}

#[tokio::test]
async fn calls_are_judged_by_what_the_authority_said_of_the_chunk() {
    #[cycles(tokens(1), "llm.completion", lease = lease, require = "agent")]
    async fn required(lease: &Lease) -> Result<(), Error> {
        Ok(())
    }
    #[cycles(tokens(1), "llm.completion", lease = lease, priority = tier)]
    async fn tiered(lease: &Lease, tier: Priority) -> Result<(), Error> {
        Ok(())
    }

    let authority = authority(100).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(95)).await;
    assert!(matches!(required(&lease).await, Err(Error::UnbudgetedScope { .. })));
    tiered(&lease, Priority::CRITICAL).await.unwrap();
    assert!(tiered(&lease, Priority::BULK).await.unwrap_err().is_budget_exceeded(), "5 % were left beside the chunk");
    assert_eq!(lease.stats().left, tokens(94));
}

#[tokio::test]
async fn caps_of_the_chunk_are_those_of_every_call() {
    #[cycles(tokens(1), "llm.completion", lease = lease)]
    async fn call(lease: &Lease) -> Result<Option<Caps>, Error> {
        Ok(context().and_then(|context| context.caps().cloned()))
    }

    let script = Script::new();
    let answer = json!({
        "decision": "ALLOW_WITH_CAPS",
        "reservation_id": "res-1",
        "affected_scopes": ["tenant:acme", "tenant:acme/agent:crawler"],
        "expires_at_ms": 1_900_000_000_000_u64,
        "remaining_ttl_ms": 60_000,
        "caps": { "max_tokens": 50 },
    });
    script.next(Route::Reserve, [reply::json(200, &answer)]);
    let lease = open(&script.client(), tokens(100)).await;
    assert_eq!(call(&lease).await.unwrap().unwrap().max_tokens, Some(50));
    assert_eq!(lease.take(tokens(1)).await.unwrap().caps().unwrap().max_tokens, Some(50));
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn in_any_other_mode_than_to_enforce_nothing_is_taken() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    for mode in [Mode::Off, Mode::Shadow] {
        let config = WithCyclesConfig::new(tokens(10)).lease(&lease).mode(mode);
        with_cycles(&client, config, |_| async { Ok(((), tokens(10))) }).await.unwrap();
    }
    assert_eq!((lease.stats().left, lease.stats().settled), (tokens(100), 0));
}

#[tokio::test]
async fn a_call_that_no_chunk_is_there_for_runs_by_the_allowance_while_the_authority_is_out_of_reach() {
    let authority = authority(1_000).await;
    let client = CyclesClient::builder(authority.api_key("acme"), "http://authority.test")
        .tenant("acme")
        .journal(JournalConfig::disabled())
        .on_unavailable(OnUnavailable::Allow(Allowance::new(tokens(50), Duration::from_secs(60))))
        .transport(authority.transport())
        .build();
    let crawler = Crawler::new(&client).await;
    crawler.ask(70, 70).await.unwrap();
    for _ in 0..8 {
        authority.inject_on(Call::Reserve, Fault::Status(http::StatusCode::SERVICE_UNAVAILABLE));
    }
    crawler.ask(20, 20).await.unwrap();
    crawler.ask(20, 20).await.unwrap();
    assert_eq!(crawler.lease.stats().plain, 1, "what is left of the chunk needs no authority");
    assert!(!sent(&authority, Call::Reserve).is_empty());
}

#[tokio::test]
async fn a_run_is_not_left_by_a_lease_from_outside() {
    let office = Office::with(|builder| builder.budget("tenant:acme", tokens(1_000))).await;
    let client = office.client();
    let lease = open(&client, tokens(100)).await;
    let scope = Scope::workflow("research").agent("run-1");
    let run = Run::start(&office.admin, scope).client(&client).budget(tokens(50)).await.unwrap();
    let crawler = Crawler { lease, bodies: AtomicUsize::new(0) };
    run.scope(async {
        assert!(matches!(crawler.lease.take(tokens(1)).await, Err(Error::Validation(_))));
        assert!(crawler.lease.try_take(tokens(1)).is_none());
        assert!(matches!(crawler.ask(1, 1).await, Err(Error::Validation(_))));
    })
    .await;
    assert_eq!((crawler.lease.stats().left, crawler.bodies.into_inner()), (tokens(100), 0));
}

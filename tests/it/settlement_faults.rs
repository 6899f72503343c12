//! Guarded calls behind a network that fails in every way, in front of the embedded authority: in the end its ledger holds
//! what the program knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use runcycles::{Context, CyclesClient, Error, JournalConfig, TransportErrorKind, WithCyclesConfig, tokens};
use runcycles_authority::Authority;
use tokio::task::JoinSet;

use crate::support::clock::{VirtualClock, pass};
use crate::support::reply::{self, Reply};
use crate::support::script::Script;
use crate::support::sent::Route;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// What the network does to a request.
fn fault(rng: &mut Rng) -> Reply {
    match rng.u32(..12) {
        0 | 1 => Reply::Lost,
        2 => Reply::Astray(Duration::from_millis(rng.u64(..90_000))),
        3 => reply::timeout(),
        4 => Reply::Silence,
        5 => Reply::Fail(TransportErrorKind::Connect),
        6 => reply::refusal(500, "INTERNAL_ERROR"),
        7 => reply::raw(502, "<html>bad gateway</html>"),
        8 => reply::raw(200, "{\"reservation_id\":"),
        9 => reply::throttled("2"),
        10 => reply::refusal(401, "UNAUTHORIZED"),
        _ => Reply::Lost.after(Duration::from_millis(rng.u64(..9_000))),
    }
}

/// A script whose first replies on each route are faults as often as not.
fn faulty(authority: &Authority, rng: &mut Rng) -> Script {
    let script = Script::around(authority.transport());
    for route in [Route::Reserve, Route::Commit, Route::Release, Route::Extend, Route::Event, Route::List] {
        let replies: Vec<_> = (0..60).map(|_| if rng.bool() { fault(rng) } else { Reply::Pass }).collect();
        script.next(route, replies);
    }
    script
}

/// One call: it may take long, fail, spend or be given up. What it spends is added to `known` as the client learns of it.
async fn call(client: CyclesClient, mut rng: Rng, known: Arc<AtomicU64>) {
    let (cost, fails, overruns) = (rng.u64(1..10), rng.bool(), rng.u32(..8) == 0);
    let work = SECOND * rng.u32(..200);
    // Some give up while the call settles.
    let patience = if rng.bool() { work + SECOND * rng.u32(..20) } else { SECOND * rng.u32(1..400) };
    let config = WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o").ttl(20 * SECOND);
    let action = client.execute(config, async |context: Context| -> Result<(), Error> {
        if overruns {
            // Longer than any lease whose extensions fail.
            pass(work).await;
        }
        context.record_usage(&tokens(cost)).expect("the reservation's unit");
        known.fetch_add(cost, Ordering::Relaxed);
        pass(work).await;
        if fails { Err(Error::Action("the tool broke".into())) } else { Ok(()) }
    });
    // Whatever comes of it, the ledger is judged in the end.
    drop(tokio::time::timeout(patience, action).await);
}

#[tokio::test(start_paused = true)]
async fn known_spend_is_in_the_ledger_once_and_nothing_stays_held_whatever_the_network_does() {
    for seed in 0..12 {
        let mut rng = Rng::with_seed(seed);
        let clock = VirtualClock::new();
        let authority =
            Authority::builder().clock(clock).budget("tenant:acme", tokens(1_000_000)).start().await.unwrap();
        let script = faulty(&authority, &mut rng);
        let client = CyclesClient::builder(authority.api_key("acme"), "http://authority.test")
            .journal(JournalConfig::disabled())
            .tenant("acme")
            .transport(script.clone())
            .build();
        let known = Arc::<AtomicU64>::default();
        let mut calls = JoinSet::new();
        for _ in 0..40 {
            calls.spawn(call(client.clone(), rng.fork(), Arc::clone(&known)));
        }
        calls.join_all().await;

        // The network recovers; what is settled late is settled now.
        script.recover();
        assert_eq!(client.flush(DAY).await.remaining, 0, "seed {seed}");
        pass(DAY).await;
        authority.assert_settled();
        let ledger = authority.ledger("tenant:acme").unwrap();
        assert_eq!(ledger.spent, tokens(known.load(Ordering::Relaxed)), "seed {seed}");
        assert_eq!(ledger.remaining.value(), 1_000_000 - i64::try_from(ledger.spent.value()).unwrap(), "seed {seed}");
    }
}

//! Many threads on the same budgets at the same time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use runcycles::{Amount, tokens};
use runcycles_authority::Ledger;
use serde_json::json;

use crate::support::{Caller, World, commit, fresh_key, hold, spend, with};

const THREADS: u64 = 8;
const CALLS: u64 = 250;
const AGENTS: usize = 3;
/// What all agents have together: less than the threads ask for.
const SHARED: u64 = 6_000;
const EACH: u64 = 2_500;

/// What one agent's budget was asked for and granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    charged: u64,
    held: u64,
}

/// What a thread was told, agent by agent.
fn work(caller: &Caller, thread: u64) -> [Told; AGENTS] {
    let mut told = [Told::default(); AGENTS];
    let mut random = thread.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |end: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 33) % end
    };
    for _ in 0..CALLS {
        let agent = usize::try_from(below(AGENTS as u64)).expect("a small number");
        let told = &mut told[agent];
        let subject = json!({"subject": {"tenant": "acme", "agent": format!("a{agent}")}, "overage_policy": "REJECT"});
        let amount = below(20);
        if below(5) == 0 {
            let event = caller.post("/v1/events", &with(spend(amount), subject));
            match event.status.as_u16() {
                201 => told.charged += amount,
                _ => assert_eq!(event.refusal(), (409, "BUDGET_EXCEEDED")),
            }
            continue;
        }
        let body = with(hold(amount), subject);
        let reserved = caller.reserve(&body);
        if !reserved.status.is_success() {
            assert_eq!(reserved.refusal(), (409, "BUDGET_EXCEEDED"));
            continue;
        }
        let reserved = reserved.ok();
        assert_eq!(caller.reserve(&body).ok()["reservation_id"], reserved["reservation_id"]);
        let id = reserved["reservation_id"].as_str().expect("an id");
        match below(10) {
            0..6 => {
                let settled = commit(below(amount + 1));
                let path = format!("/v1/reservations/{id}/commit");
                let charged = caller.post(&path, &settled).ok()["charged"]["amount"].as_u64().expect("a charge");
                assert_eq!(caller.post(&path, &settled).ok()["charged"]["amount"], charged);
                told.charged += charged;
            }
            6..8 => drop(caller.release(id).ok()),
            _ => told.held += amount,
        }
    }
    told
}

fn assert_adds_up(ledger: &Ledger) {
    let [allocated, spent, reserved, debt] =
        [&ledger.allocated, &ledger.spent, &ledger.reserved, &ledger.debt].map(Amount::value);
    assert_eq!(ledger.remaining.value(), allocated.cast_signed() - (spent + reserved + debt).cast_signed(), "{ledger}");
    assert!(ledger.remaining.value() >= 0, "{ledger} was oversold");
}

#[test]
fn threads_that_share_budgets_never_oversell_them_and_every_sum_is_exact() {
    let world = World::new(|builder| {
        let budgets = builder.budget("tenant:acme", tokens(SHARED));
        (0..AGENTS).fold(budgets, |builder, agent| builder.budget(format!("tenant:acme/agent:a{agent}"), tokens(EACH)))
    });
    let scopes: Vec<_> = (0..AGENTS).map(|agent| format!("tenant:acme/agent:a{agent}")).collect();
    let callers: Vec<_> = (0..THREADS).map(|_| Caller::of(&world.authority, "acme")).collect();
    let is_over = AtomicBool::new(false);

    let told: Vec<_> = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                scopes
                    .iter()
                    .map(String::as_str)
                    .chain(["tenant:acme"])
                    .for_each(|scope| assert_adds_up(&world.ledger(scope)));
            }
        });
        let workers = callers.iter().zip(1..).map(|(caller, number)| scope.spawn(move || work(caller, number)));
        let workers: Vec<_> = workers.collect();
        let told = workers.into_iter().map(|worker| worker.join().expect("a thread without a complaint")).collect();
        is_over.store(true, Ordering::Relaxed);
        watch.join().expect("no moment with wrong figures");
        told
    });

    let mut all = Told::default();
    for (agent, scope) in scopes.iter().enumerate() {
        let of_agent = told.iter().map(|told| told[agent]);
        let sum = of_agent.fold(Told::default(), |sum, told| Told {
            charged: sum.charged + told.charged,
            held: sum.held + told.held,
        });
        let ledger = world.ledger(scope);
        assert_eq!(Told { charged: ledger.spent.value(), held: ledger.reserved.value() }, sum, "{scope}");
        all = Told { charged: all.charged + sum.charged, held: all.held + sum.held };
    }
    let shared = world.ledger("tenant:acme");
    assert_eq!(Told { charged: shared.spent.value(), held: shared.reserved.value() }, all);
    assert!(shared.remaining.value() < 20, "the threads asked for more than there is: {shared}");
}

#[test]
fn of_many_threads_with_one_key_one_reserves() {
    let world = World::new(|builder| builder.budget("tenant:acme/agent:bot", tokens(100)));
    let body = with(hold(40), json!({"idempotency_key": fresh_key()}));
    let callers: Vec<_> = (0..THREADS).map(|_| Caller::of(&world.authority, "acme")).collect();

    let ids: Vec<_> = thread::scope(|scope| {
        let body = &body;
        let reserve = |caller| scope.spawn(move || Caller::reserve(caller, body).ok()["reservation_id"].clone());
        let threads: Vec<_> = callers.iter().map(reserve).collect();
        threads.into_iter().map(|thread| thread.join().expect("an id")).collect()
    });

    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(world.ledger("tenant:acme/agent:bot").reserved, tokens(40));
}

//! The client's engine in a world that goes wrong in every way, judged by the ledger.
//!
//! Everything runs on one thread, in virtual time, from one seed: the network loses, delays, doubles, spoils and invents, the
//! disk fails and stalls, processes end at any step and start again, callers drop their futures at any poll, two processes
//! replay one journal. What the client promises is checked after every step, and in the end every amount that a call knows is
//! in the ledger, once.
//!
//! A failure prints its seed. `SIMULATION_SEED=17 cargo test -p runcycles-tests --test sim one_seed -- --nocapture` repeats it
//! with its trace; `SIMULATION_SEEDS=100000` runs so many seeds in place of a few.

mod call;
mod case;
mod clock;
mod counts;
mod disk;
mod fate;
mod hostile;
mod judge;
mod life;
#[path = "../it/support/log.rs"]
#[expect(dead_code, reason = "other tests ask it other questions")]
mod log;
mod network;
mod route;
mod run;
mod virtual_time;
mod world;

use runcycles::__simulation::{Bug, plant};

use call::GivesUp;
use counts::Counts;
use run::{Crash, Outcome, Plan, run};

/// A number from the environment.
fn from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, expected a number")))
}

/// Fails the test where a promise was broken.
#[track_caller]
fn assert_kept(plan: &Plan, outcome: &Outcome) {
    if let Some(broken) = &outcome.broken {
        let lines: Vec<_> = outcome.trace.lines().collect();
        let tail = lines[lines.len().saturating_sub(60)..].join("\n");
        panic!(
            "{broken}\n{plan:?}\n{tail}\nrepeat it with SIMULATION_SEED={} cargo test -p runcycles-tests --test sim one_seed",
            plan.seed
        );
    }
}

#[test]
fn every_promise_is_kept_whatever_goes_wrong() {
    let seeds = from_env("SIMULATION_SEEDS").unwrap_or(250);
    let mut total = Counts::default();
    for seed in 0..seeds {
        let plan = Plan::of(seed);
        let outcome = run(&plan);
        assert_kept(&plan, &outcome);
        total = total + outcome.counts;
    }
    println!("{seeds} seeds: {total}");
}

#[test]
fn a_process_may_end_at_any_step() {
    let seeds = from_env("SIMULATION_SEEDS").map_or(6, |seeds| seeds / 40);
    let (mut runs, mut total) = (0, Counts::default());
    for seed in 0..seeds {
        let whole = run(&Plan { crash: Crash::Never, ..Plan::of(seed) });
        for step in 0..whole.steps {
            let plan = Plan { crash: Crash::AtStep(step), ..Plan::of(seed) };
            let outcome = run(&plan);
            assert_kept(&plan, &outcome);
            (runs, total) = (runs + 1, total + outcome.counts);
        }
    }
    println!("{runs} ends of {seeds} processes: {total}");
}

#[test]
fn a_caller_may_give_up_at_any_poll() {
    let seeds = from_env("SIMULATION_SEEDS").map_or(25, |seeds| seeds / 10);
    let (mut runs, mut total) = (0, Counts::default());
    for seed in 0..seeds {
        for poll in 0.. {
            let gives_up = if poll % 2 == 0 { GivesUp::AtPoll(poll / 2) } else { GivesUp::AfterPoll(poll / 2) };
            let plan = Plan { crash: Crash::Never, gives_up: Some(gives_up), ..Plan::of(seed) };
            let outcome = run(&plan);
            assert_kept(&plan, &outcome);
            (runs, total) = (runs + 1, total + outcome.counts);
            if !outcome.gave_up {
                break;
            }
        }
    }
    println!("{runs} polls of {seeds} calls: {total}");
}

#[test]
fn one_seed_is_one_run() {
    let seeds = from_env("SIMULATION_SEED").map_or(0..20, |seed| seed..seed + 1);
    for seed in seeds {
        let plan = Plan::of(seed);
        let (first, second) = (run(&plan), run(&plan));
        if std::env::var_os("SIMULATION_SEED").is_some() {
            println!("{}", first.trace);
        }
        assert_kept(&plan, &first);
        assert!(first.trace == second.trace, "seed {seed} makes two runs");
    }
}

/// How many seeds may pass until a planted bug is found.
const SEEDS_PER_BUG: u64 = 500;

#[test]
fn every_planted_bug_is_found() {
    let mut hidden = Vec::new();
    for bug in Bug::ALL {
        let _planted = plant(bug);
        let found = (0..SEEDS_PER_BUG).find_map(|seed| Some((seed, run(&Plan::of(seed)).broken?)));
        match found {
            Some((seed, broken)) => println!("{bug:?} is found by seed {seed}: {broken}"),
            None => hidden.push(bug),
        }
    }
    assert!(hidden.is_empty(), "not found: {hidden:?}");
}

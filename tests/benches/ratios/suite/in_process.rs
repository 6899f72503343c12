//! Calls without a network: at an authority in this process, and by a transport that answers from memory.

use std::time::Instant;

use runcycles::usd;
use runcycles_authority::Authority;
use tokio::runtime::Runtime;

use crate::load::governed::{by_attribute, by_guard, canned_client};
use crate::report::{Better, Figure, Spread, Unit};
use runcycles::{CyclesClient, Error};

const CALLS: u32 = 3_000;

pub(super) fn calls(rounds: usize) -> Vec<Figure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let budget = Authority::builder().budget("tenant:acme/agent:bot", usd!(90_000_000_000));
    let authority = runtime.block_on(budget.start()).expect("a valid set-up");
    let (client, canned) = (authority.client("acme"), canned_client());
    let rounds = rounds.max(11);
    let mut taken: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        let mut order = [0, 1, 2, 3];
        fastrand::shuffle(&mut order);
        for which in order {
            taken[which].push(match which {
                0 => each(&runtime, &client, by_attribute),
                1 => each(&runtime, &client, by_guard),
                2 => each(&runtime, &canned, by_attribute),
                _ => each(&runtime, &canned, by_guard),
            });
        }
    }
    let [by_attribute, by_guard, canned_attribute, canned_guard] = taken;
    let pairs: Vec<_> = canned_attribute.into_iter().zip(canned_guard).collect();
    vec![
        Figure::value("in process: macro", Unit::Microseconds, Spread::of(by_attribute)),
        Figure::value("in process: guard", Unit::Microseconds, Spread::of(by_guard)),
        Figure::ratio("in process: macro over the same by hand", Unit::Microseconds, Better::Less, &pairs),
    ]
}

/// Microseconds of a call.
fn each(
    runtime: &Runtime,
    client: &CyclesClient,
    call: impl AsyncFn(&CyclesClient, &str) -> Result<u64, Error>,
) -> f64 {
    runtime.block_on(async {
        for _ in 0..CALLS / 10 {
            call(client, "bot").await.expect("a governed call");
        }
        let start = Instant::now();
        for _ in 0..CALLS {
            call(client, "bot").await.expect("a governed call");
        }
        start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
    })
}

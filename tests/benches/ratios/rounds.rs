//! Rounds: every caller once in each, in another order each time, so that ratios are taken between neighbours.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Stdio;

use serde::{Deserialize, Serialize};

use super::placement::Placement;
use super::sample::{Lag, ManyAtATime, OneAtATime, Sample};
use crate::load::{Arithmetic, Kind, Server};
use crate::report::{Better, Figure, Unit};

/// What is done in each round.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) enum Load {
    OneAtATime(u32),
    ManyAtATime(u32),
    Lag(u32),
}

/// How many calls overlap.
const WIDTH: u32 = 64;

/// The callers to measure, and how.
#[derive(Deserialize, Serialize)]
struct Order {
    server: SocketAddr,
    rounds: usize,
    two_workers: bool,
    load: Load,
    callers: Vec<String>,
}

/// What callers were seen to do, by round.
pub(crate) struct Rounds(Vec<HashMap<String, Sample>>);

/// Measures callers in a process of its own. A floor is always among them.
pub(crate) fn measure(placement: Placement, load: Load, rounds: usize, callers: &[Kind]) -> Rounds {
    let server = Server::start(placement.server(), Arithmetic::Canned);
    let order = Order {
        server: server.addr,
        rounds,
        two_workers: placement == Placement::TwoWorkers,
        load,
        callers: std::iter::once(&Kind::Floor).chain(callers).map(Kind::to_string).collect(),
    };
    let order = serde_json::to_string(&order).expect("an order as JSON");
    let output = placement.client().args(["as", "rounds", &order]).stderr(Stdio::inherit()).output();
    let output = output.expect("this program, once more");
    assert!(output.status.success(), "a client failed: {}", output.status);
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Rounds(lines.map(|line| serde_json::from_slice(line).expect("a round as JSON")).collect())
}

/// The client's process: prints a line for each round.
pub(crate) fn play(order: &str) {
    let order: Order = serde_json::from_str(order).expect("an order");
    let placement = if order.two_workers { Placement::TwoWorkers } else { Placement::Split };
    let mut callers: Vec<Kind> =
        order.callers.iter().map(|name| Kind::named(name).expect("a kind of caller")).collect();
    for _ in 0..order.rounds {
        fastrand::shuffle(&mut callers);
        let round: HashMap<String, Sample> = callers
            .iter()
            .map(|kind| {
                let runtime = placement.runtime();
                let sample = match order.load {
                    Load::OneAtATime(calls) => kind.measure(order.server, &runtime, OneAtATime { calls }),
                    Load::ManyAtATime(calls) => {
                        kind.measure(order.server, &runtime, ManyAtATime { calls, width: WIDTH })
                    }
                    Load::Lag(ticks) => kind.measure(order.server, &runtime, Lag { ticks, width: WIDTH }),
                };
                (kind.to_string(), sample)
            })
            .collect();
        println!("{}", serde_json::to_string(&round).expect("a round as JSON"));
    }
}

impl Rounds {
    /// The ratio of a measure between a caller and the floor.
    pub(crate) fn ratio(
        &self,
        heading: &str,
        kind: Kind,
        unit: Unit,
        better: Better,
        measure: fn(&Sample) -> f64,
    ) -> Figure {
        Figure::ratio(format!("{heading}: {kind}"), unit, better, &self.pairs(kind, Kind::Floor, measure))
    }

    /// A measure of a caller with the same of another, round by round.
    pub(crate) fn pairs(&self, kind: Kind, beside: Kind, measure: fn(&Sample) -> f64) -> Vec<(f64, f64)> {
        let (kind, beside) = (kind.to_string(), beside.to_string());
        self.0.iter().map(|round| (measure(&round[&kind]), measure(&round[&beside]))).collect()
    }
}

//! How long a program takes that makes one call: it starts, calls and ends.

use std::time::Instant;

use crate::load::{Arithmetic, Carrier, Journal, Kind, Server, Way};
use crate::placement::{Placement, this_program};
use crate::report::{Figure, Unit};

const RUNS: usize = 31;

pub(super) fn starts(_: usize) -> Vec<Figure> {
    let server = Server::start(Placement::TwoWorkers.server(), Arithmetic::Canned);
    let guards = Carrier::ALL.into_iter().flat_map(|carrier| {
        [Journal::Off, Journal::PROCESS_CRASH].map(|journal| Kind::Sdk(Way::Guard, carrier, journal))
    });
    let mut callers: Vec<Kind> = [Kind::Floor, Kind::Reqwest].into_iter().chain(guards).collect();
    let mut taken = Vec::new();
    for _ in 0..RUNS {
        fastrand::shuffle(&mut callers);
        let run = callers.iter().map(|kind| (kind.to_string(), milliseconds_of(*kind, &server)));
        taken.push(run.collect::<Vec<_>>());
    }
    callers.sort_by_key(Kind::to_string);
    callers
        .iter()
        .map(|kind| {
            let name = kind.to_string();
            let runs = taken.iter().flatten().filter(|(of, _)| *of == name).map(|(_, taken)| *taken);
            Figure::value(format!("cold start: {name}"), Unit::Milliseconds, crate::report::Spread::of(runs))
        })
        .collect()
}

fn milliseconds_of(kind: Kind, server: &Server) -> f64 {
    let mut command = this_program();
    command.args(["as", "caller", &kind.to_string(), &server.addr.to_string(), "1"]);
    let start = Instant::now();
    let status = command.status().expect("this program, once more");
    assert!(status.success(), "{kind} failed: {status}");
    start.elapsed().as_secs_f64() * 1e3
}

//! Latency, processor time and throughput of calls without a journal.

use crate::load::{Carrier, Journal, Kind, Way};
use crate::placement::Placement;
use crate::report::{Better, Figure, Unit};
use crate::rounds::{Load, measure};

/// As many as take a fraction of a second.
const ONE_AT_A_TIME: Load = Load::OneAtATime(1_500);
const MANY_AT_A_TIME: Load = Load::ManyAtATime(5_120);

/// Everything between the floor and the attribute.
fn callers() -> Vec<Kind> {
    let ways = [Way::Operations, Way::Guard, Way::WithCycles, Way::Macro];
    let ours = Carrier::ALL.into_iter().flat_map(|carrier| ways.map(|way| Kind::Sdk(way, carrier, Journal::Off)));
    [Kind::Typed, Kind::Reqwest].into_iter().chain(ours).collect()
}

pub(super) fn same_core(rounds: usize) -> Vec<Figure> {
    one_at_a_time(Placement::SameCore, rounds)
}

pub(super) fn split(rounds: usize) -> Vec<Figure> {
    let mut figures = one_at_a_time(Placement::Split, rounds);
    figures.extend(many_at_a_time(Placement::Split, rounds));
    figures
}

pub(super) fn two_workers(rounds: usize) -> Vec<Figure> {
    let mut figures = one_at_a_time(Placement::TwoWorkers, rounds);
    figures.extend(many_at_a_time(Placement::TwoWorkers, rounds));
    figures
}

fn one_at_a_time(placement: Placement, rounds: usize) -> Vec<Figure> {
    let (callers, heading) = (callers(), placement.heading());
    let seen = measure(placement, ONE_AT_A_TIME, rounds, &callers);
    let each = |name: &str, unit, of| -> Vec<Figure> {
        let heading = format!("{heading}, {name}");
        callers.iter().map(|kind| seen.ratio(&heading, *kind, unit, Better::Less, of)).collect()
    };
    let mut figures = each("p50", Unit::Microseconds, |sample| sample.p50);
    figures.extend(each("CPU", Unit::Microseconds, |sample| sample.cpu));
    if placement == Placement::TwoWorkers {
        figures.extend(callers.iter().map(|kind| {
            let switches = seen.pairs(*kind, Kind::Floor, |sample| sample.switches);
            let spread = crate::report::Spread::of(switches.iter().map(|(ours, _)| *ours));
            Figure::value(format!("{heading}, context switches: {kind}"), Unit::Count, spread)
        }));
    }
    figures
}

fn many_at_a_time(placement: Placement, rounds: usize) -> Vec<Figure> {
    let (callers, heading) = (callers(), placement.heading());
    let seen = measure(placement, MANY_AT_A_TIME, rounds, &callers);
    let each = |name: &str, unit, better, of| -> Vec<Figure> {
        let heading = format!("{heading}, {name}");
        callers.iter().map(|kind| seen.ratio(&heading, *kind, unit, better, of)).collect()
    };
    let mut figures = each("64 at a time", Unit::PerSecond, Better::More, |sample| sample.rate);
    figures.extend(each("CPU, 64 at a time", Unit::Microseconds, Better::Less, |sample| sample.cpu));
    figures
}

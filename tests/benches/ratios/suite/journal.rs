//! What the journal adds.

use crate::load::{Carrier, Journal, Kind, Way};
use crate::placement::Placement;
use crate::report::{Better, Figure, Spread, Unit};
use crate::rounds::{Load, measure};

const JOURNALS: [Journal; 4] =
    [Journal::PROCESS_CRASH, Journal::POWER_LOSS, Journal::PROCESS_CRASH_IN_MEMORY, Journal::POWER_LOSS_IN_MEMORY];

/// A guard on each carrier, with a journal of each sort.
fn with_journal() -> impl Iterator<Item = (Carrier, Kind)> {
    Carrier::ALL.into_iter().flat_map(|carrier| JOURNALS.map(|journal| (carrier, guard(carrier, journal))))
}

fn guard(carrier: Carrier, journal: Journal) -> Kind {
    Kind::Sdk(Way::Guard, carrier, journal)
}

fn callers() -> Vec<Kind> {
    with_journal().map(|(_, kind)| kind).chain(Carrier::ALL.map(Kind::guard)).collect()
}

pub(super) fn added(rounds: usize) -> Vec<Figure> {
    let callers = callers();
    let with_records: Vec<Kind> = JOURNALS.into_iter().filter_map(Journal::record).chain(callers.clone()).collect();
    let seen = measure(Placement::Split, Load::OneAtATime(800), rounds, &with_records);
    let beside = |name: &str, of| -> Vec<Figure> {
        let figure = |(carrier, kind)| {
            Figure::added(
                format!("journal, added {name}: {kind}"),
                Unit::Microseconds,
                &seen.pairs(kind, Kind::guard(carrier), of),
            )
        };
        with_journal().map(figure).collect()
    };
    let in_records = |carrier, journal: Journal| {
        let kind = guard(carrier, journal);
        let p50 = |of, beside| seen.pairs(of, beside, |sample| sample.p50);
        let added = p50(kind, Kind::guard(carrier)).into_iter().map(|(with, without)| with - without);
        let records = p50(journal.record()?, Kind::Floor).into_iter().map(|(record, _)| record);
        let name = format!("journal, added p50 in records of the disk: {kind}");
        Some(Figure::ratio(name, Unit::Microseconds, Better::Less, &added.zip(records).collect::<Vec<_>>()))
    };
    let mut figures = beside("p50", |sample| sample.p50);
    figures.extend(
        Carrier::ALL.into_iter().flat_map(|carrier| JOURNALS.map(|journal| in_records(carrier, journal))).flatten(),
    );
    figures.extend(beside("CPU", |sample| sample.cpu));
    let seen = measure(Placement::Split, Load::ManyAtATime(3_200), rounds, &callers);
    figures.extend(with_journal().map(|(_, kind)| {
        seen.ratio("journal, 64 at a time", kind, Unit::PerSecond, Better::More, |sample| sample.rate)
    }));
    figures
}

pub(super) fn lag(rounds: usize) -> Vec<Figure> {
    let callers = callers();
    let seen = measure(Placement::Split, Load::Lag(150), rounds, &callers);
    let each = |name: &str, of| -> Vec<Figure> {
        let figure = |kind: &Kind| {
            let late = seen.pairs(*kind, Kind::Floor, of);
            let spread = Spread::of(late.iter().map(|(ours, _)| *ours));
            Figure::value(format!("lag of a timer, {name}: {kind}"), Unit::Milliseconds, spread)
        };
        [Kind::Floor].iter().chain(&callers).map(figure).collect()
    };
    let mut figures = each("p50", |sample| sample.lag.0);
    figures.extend(each("p99", |sample| sample.lag.1));
    figures
}

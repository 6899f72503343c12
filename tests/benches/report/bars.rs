//! What the project asks of its figures.

use std::fmt;

/// A limit on a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl Bar {
    pub(crate) fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "≤ {limit}"),
            Self::AtLeast(limit) => write!(f, "≥ {limit}"),
        }
    }
}

/// The bars, by the names of the figures that they are for.
const BARS: &[(&str, Bar)] = &[
    ("same core, p50: guard on hyper", Bar::AtMost(1.25)),
    ("same core, p50: guard on reqwest", Bar::AtMost(1.50)),
    ("two workers, p50: guard on hyper", Bar::AtMost(1.25)),
    ("two workers, p50: guard on reqwest", Bar::AtMost(1.35)),
    ("two workers, CPU: guard on hyper", Bar::AtMost(1.35)),
    ("two workers, CPU: guard on reqwest", Bar::AtMost(1.55)),
    ("two workers, context switches: guard on hyper", Bar::AtMost(2.2)),
    ("two workers, context switches: guard on reqwest", Bar::AtMost(2.2)),
    ("split, 64 at a time: guard on hyper", Bar::AtLeast(0.70)),
    ("split, 64 at a time: guard on reqwest", Bar::AtLeast(0.60)),
    // 25 µs where the disk takes 9 µs to create, write, rename and remove a record.
    ("journal, added p50 in records of the disk: guard on hyper, process crash", Bar::AtMost(2.77)),
    ("journal, added p50 in records of the disk: guard on reqwest, process crash", Bar::AtMost(2.77)),
    ("journal, added p50 in records of the disk: guard on hyper, process crash in memory", Bar::AtMost(2.77)),
    ("journal, added p50 in records of the disk: guard on reqwest, process crash in memory", Bar::AtMost(2.77)),
    ("journal, added p50: guard on hyper, power loss", Bar::AtMost(90.0)),
    ("journal, added p50: guard on reqwest, power loss", Bar::AtMost(90.0)),
    ("journal, 64 at a time: guard on hyper, process crash", Bar::AtLeast(0.45)),
    ("journal, 64 at a time: guard on reqwest, process crash", Bar::AtLeast(0.45)),
    ("journal, 64 at a time: guard on hyper, power loss", Bar::AtLeast(0.30)),
    ("journal, 64 at a time: guard on reqwest, power loss", Bar::AtLeast(0.30)),
    ("system calls: guard on hyper, process crash", Bar::AtMost(20.0)),
    ("system calls: guard on reqwest, process crash", Bar::AtMost(20.0)),
    ("lag of a timer, p99: guard on hyper, process crash", Bar::AtMost(2.0)),
    ("lag of a timer, p99: guard on reqwest, process crash", Bar::AtMost(2.0)),
    ("live guards, resident bytes of each: 10000", Bar::AtMost(600.0)),
    ("live guards, CPU of an extension: 10000, additive", Bar::AtMost(14.0)),
    ("live guards, connections: 10000, additive", Bar::AtMost(64.0)),
    ("live guards, connections: 10000, legacy", Bar::AtMost(64.0)),
    ("live guards, connections: 10000, maxlead", Bar::AtMost(64.0)),
    ("live guards, connections: 100000, additive", Bar::AtMost(64.0)),
    ("live guards, lapsed: 10000, additive", Bar::AtMost(0.0)),
    ("live guards, lapsed: 10000, legacy", Bar::AtMost(0.0)),
    ("live guards, lapsed: 10000, maxlead", Bar::AtMost(0.0)),
    ("live guards, lapsed: 100000, additive", Bar::AtMost(0.0)),
    ("live guards, busiest second to the mean: 10000, additive", Bar::AtMost(2.0)),
    ("live guards, busiest second to the mean: 10000, maxlead", Bar::AtMost(2.0)),
    ("live guards, busiest second to the mean: 100000, additive", Bar::AtMost(2.0)),
    ("live guards, memory of 100,000 to that of 10,000", Bar::AtMost(1.1)),
    ("live guards, CPU of an extension of 100,000 to that of 10,000", Bar::AtMost(1.1)),
    ("short calls, extensions of each: additive", Bar::AtMost(0.0)),
    ("short calls, extensions of each: legacy", Bar::AtMost(0.0)),
    ("cold start: guard on hyper", Bar::AtMost(5.0)),
    ("cold start: guard on reqwest", Bar::AtMost(5.0)),
    ("cold start: guard on hyper, process crash", Bar::AtMost(5.0)),
    ("cold start: guard on reqwest, process crash", Bar::AtMost(5.0)),
    ("in process: macro", Bar::AtMost(5.0)),
    ("in process: macro over the same by hand", Bar::AtMost(1.02)),
    ("allocations: guard on hyper", Bar::AtMost(75.0)),
    ("allocations: guard on reqwest", Bar::AtMost(120.0)),
    ("allocations: macro in process", Bar::AtMost(16.0)),
    ("allocations: macro over the same by hand", Bar::AtMost(0.0)),
    ("live guards, heap bytes of each: 10000", Bar::AtMost(600.0)),
    ("live guards, heap bytes of each: 100000", Bar::AtMost(600.0)),
];

/// The bar of a figure.
pub(crate) fn bar(name: &str) -> Option<Bar> {
    BARS.iter().find(|(of, _)| *of == name).map(|(_, bar)| *bar)
}

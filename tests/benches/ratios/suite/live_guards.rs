//! What guards cost that are held: memory, and the extensions that keep them alive.

use std::time::Duration;

use crate::holder::{Held, hold};
use crate::load::Arithmetic;
use crate::report::{Figure, Spread, Unit};
use crate::short_calls;

const MANY: u32 = 10_000;
const VERY_MANY: u32 = 100_000;

pub(super) fn held(_: usize) -> Vec<Figure> {
    let seconds = Duration::from_secs;
    let additive = hold(MANY, seconds(10), seconds(20), Arithmetic::Additive);
    let legacy = hold(MANY, seconds(10), seconds(12), Arithmetic::Legacy);
    let max_lead = hold(MANY, seconds(10), seconds(20), Arithmetic::MaxLead);
    let ten_times = hold(VERY_MANY, seconds(20), seconds(30), Arithmetic::Additive);

    let mut figures = vec![
        value("resident bytes of each: 10000", Unit::Bytes, additive.bytes),
        value("resident bytes of each: 100000", Unit::Bytes, ten_times.bytes),
        value("memory of 100,000 to that of 10,000", Unit::Count, ten_times.bytes / additive.bytes),
        value(
            "CPU of an extension of 100,000 to that of 10,000",
            Unit::Count,
            (ten_times.cpu / ten_times.extensions) / (additive.cpu / additive.extensions),
        ),
    ];
    let all = [
        (MANY, Arithmetic::Additive, &additive),
        (MANY, Arithmetic::Legacy, &legacy),
        (MANY, Arithmetic::MaxLead, &max_lead),
        (VERY_MANY, Arithmetic::Additive, &ten_times),
    ];
    for (what, unit, of) in BEATS {
        figures.extend(all.map(|(guards, arithmetic, held)| {
            value(&format!("{what}: {guards}, {}", arithmetic.name()), unit, of(held))
        }));
    }
    for arithmetic in [Arithmetic::Additive, Arithmetic::Legacy] {
        let extensions = short_calls::extensions(arithmetic);
        let name = format!("short calls, extensions of each: {}", arithmetic.name());
        figures.push(Figure::value(name, Unit::Count, Spread::exactly(extensions)));
    }
    figures
}

/// Something told of the heartbeat: its name, its unit, and where it is.
type Told = (&'static str, Unit, fn(&Held) -> f64);

const BEATS: [Told; 5] = [
    ("CPU of an extension", Unit::Microseconds, |held| held.cpu / held.extensions.max(1.0)),
    ("extensions", Unit::Count, |held| held.extensions),
    ("connections", Unit::Count, |held| held.connections),
    ("busiest second to the mean", Unit::Count, |held| held.busiest / held.mean.max(1.0)),
    ("lapsed", Unit::Count, |held| held.lapsed),
];

fn value(name: &str, unit: Unit, value: f64) -> Figure {
    Figure::value(format!("live guards, {name}"), unit, Spread::exactly(value))
}

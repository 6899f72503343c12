//! One thing that was measured.

use serde::Serialize;

use super::bars::{Bar, bar};
use super::spread::Spread;

/// A figure: what is compared, and the absolute values behind it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// The suite and the figure in it; recorded ones are found by this name.
    pub(crate) name: String,
    /// The floor in the figure's unit, where there is one.
    pub(crate) floor: Option<f64>,
    /// Ours in the same unit.
    pub(crate) ours: f64,
    pub(crate) unit: Unit,
    /// What bars and records are compared with: the ratio to the floor, or ours where there is none.
    pub(crate) compared: Spread,
    pub(crate) better: Better,
    /// Whether the figure is the same on every machine of a kind: a ratio or a count.
    pub(crate) is_portable: bool,
    #[serde(skip)]
    pub(crate) bar: Option<Bar>,
}

/// What the absolute values of a figure are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Microseconds,
    Nanoseconds,
    Milliseconds,
    PerSecond,
    Bytes,
    Count,
}

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Better {
    Less,
    More,
}

impl Unit {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Microseconds => "µs",
            Self::Nanoseconds => "ns",
            Self::Milliseconds => "ms",
            Self::PerSecond => "/s",
            Self::Bytes => "B",
            Self::Count => "",
        }
    }
}

impl Figure {
    /// A ratio to the floor in the same round: `pairs` holds ours and the floor of each.
    pub(crate) fn ratio(name: impl Into<String>, unit: Unit, better: Better, pairs: &[(f64, f64)]) -> Self {
        let compared = Spread::of(pairs.iter().map(|(ours, floor)| ours / floor));
        let ours = Spread::of(pairs.iter().map(|(ours, _)| *ours)).median;
        let floor = Some(Spread::of(pairs.iter().map(|(_, floor)| *floor)).median);
        Self::made(name.into(), floor, ours, unit, compared, better, true)
    }

    /// What ours costs on top of the floor in the same round.
    pub(crate) fn added(name: impl Into<String>, unit: Unit, pairs: &[(f64, f64)]) -> Self {
        let compared = Spread::of(pairs.iter().map(|(ours, floor)| ours - floor));
        let ours = Spread::of(pairs.iter().map(|(ours, _)| *ours)).median;
        let floor = Some(Spread::of(pairs.iter().map(|(_, floor)| *floor)).median);
        Self::made(name.into(), floor, ours, unit, compared, Better::Less, false)
    }

    /// A value for itself, which depends on the machine.
    pub(crate) fn value(name: impl Into<String>, unit: Unit, compared: Spread) -> Self {
        Self::made(name.into(), None, compared.median, unit, compared, Better::Less, false)
    }

    /// A count, which depends on the program alone.
    pub(crate) fn count(name: impl Into<String>, unit: Unit, count: f64, floor: Option<f64>) -> Self {
        Self::made(name.into(), floor, count, unit, Spread::exactly(count), Better::Less, true)
    }

    fn made(
        name: String,
        floor: Option<f64>,
        ours: f64,
        unit: Unit,
        compared: Spread,
        better: Better,
        is_portable: bool,
    ) -> Self {
        let bar = bar(&name);
        Self { name, floor, ours, unit, compared, better, is_portable, bar }
    }

    /// Whether the bar is met, where there is one.
    pub(crate) fn meets_bar(&self) -> Option<bool> {
        self.bar.map(|bar| bar.is_met_by(self.compared.median))
    }
}

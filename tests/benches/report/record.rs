//! Figures that are kept to compare later ones with.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::figure::{Better, Figure};
use super::machine::{date, machine};
use super::spread::Spread;

/// How much worse a figure may become.
const TOLERANCE: f64 = 1.05;

/// What was kept.
#[derive(Deserialize, Serialize)]
pub(crate) struct Record {
    machine: String,
    date: String,
    figures: BTreeMap<String, Spread>,
}

impl Record {
    /// Keeps figures beside those of other suites.
    pub(crate) fn keep(name: &str, figures: &[Figure]) {
        let mut record = Self::read(name).unwrap_or_else(|| Self {
            machine: String::new(),
            date: String::new(),
            figures: BTreeMap::new(),
        });
        (record.machine, record.date) = (machine(), date());
        record.figures.extend(figures.iter().map(|figure| (figure.name.clone(), rounded(figure.compared))));
        let text = serde_json::to_string_pretty(&record).expect("figures as JSON");
        fs::write(path(name), text + "\n").expect("the directory of the records");
    }

    pub(crate) fn read(name: &str) -> Option<Self> {
        let text = fs::read(path(name)).ok()?;
        Some(serde_json::from_slice(&text).expect("a record as it was kept"))
    }

    /// The figures that are worse than those kept by more than what they vary by, in words. Only those are compared that do not
    /// depend on how fast the machine is.
    pub(crate) fn worse(&self, figures: &[Figure]) -> Vec<String> {
        let compared = figures.iter().filter(|figure| figure.is_portable);
        let worse = compared.filter_map(|figure| {
            let kept = self.figures.get(&figure.name)?;
            let (now, before) = (figure.compared.median, kept.median);
            let is_worse = match figure.better {
                Better::Less => now > kept.high * TOLERANCE,
                Better::More => now < kept.low / TOLERANCE,
            };
            let Spread { low, high, .. } = kept;
            is_worse.then(|| format!("{}: {now:.3}, where {before:.3} ({low:.3} to {high:.3}) was kept", figure.name))
        });
        worse.collect()
    }
}

/// Digits beyond these differ from run to run.
fn rounded(spread: Spread) -> Spread {
    let round = |value: f64| (value * 1e4).round() / 1e4;
    Spread { median: round(spread.median), low: round(spread.low), high: round(spread.high) }
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/recorded").join(name).with_extension("json")
}

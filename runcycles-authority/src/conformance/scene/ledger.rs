//! A ledger as the server shows it.

use serde_json::Value;

use crate::conformance::wire::{Answer, Verdict};

/// A ledger's figures, and the answer they were read from.
///
/// Figures that the protocol lets a server leave out are not compared where it does.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    answer: Answer,
    scope: String,
    pub(crate) figures: Figures,
}

/// The numbers of a balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) remaining: i64,
    pub(crate) allocated: Option<i64>,
    pub(crate) spent: Option<i64>,
    pub(crate) reserved: Option<i64>,
    pub(crate) debt: i64,
    pub(crate) over_limit: bool,
}

impl Ledger {
    /// Reads one of the balances of an answer.
    pub(crate) fn read(answer: &Answer, balance: &Value) -> Verdict<Self> {
        let scope = balance["scope_path"].as_str().unwrap_or_default().to_owned();
        let figure = |name: &str| balance[name]["amount"].as_i64();
        let remaining = figure("remaining").ok_or_else(|| answer.fault(format!("remaining of {scope}")))?;
        let figures = Figures {
            remaining,
            allocated: figure("allocated"),
            spent: figure("spent"),
            reserved: figure("reserved"),
            debt: figure("debt").unwrap_or(0),
            over_limit: balance["is_over_limit"].as_bool().unwrap_or(false),
        };
        Ok(Self { answer: answer.clone(), scope, figures })
    }

    pub(crate) fn remaining(&self, amount: i64) -> Verdict<&Self> {
        self.figure("remaining", Some(self.figures.remaining), amount)
    }

    pub(crate) fn allocated(&self, amount: i64) -> Verdict<&Self> {
        self.figure("allocated", self.figures.allocated, amount)
    }

    pub(crate) fn spent(&self, amount: i64) -> Verdict<&Self> {
        self.figure("spent", self.figures.spent, amount)
    }

    pub(crate) fn reserved(&self, amount: i64) -> Verdict<&Self> {
        self.figure("reserved", self.figures.reserved, amount)
    }

    pub(crate) fn debt(&self, amount: i64) -> Verdict<&Self> {
        self.figure("debt", Some(self.figures.debt), amount)
    }

    pub(crate) fn over_limit(&self, over: bool) -> Verdict<&Self> {
        let Self { scope, .. } = self;
        let expected = if over { format!("{scope} over its limit") } else { format!("{scope} not over its limit") };
        self.answer.expect(self.figures.over_limit == over, expected)?;
        Ok(self)
    }

    /// Fails unless `remaining = allocated − spent − reserved − debt`, as far as the figures are given.
    pub(crate) fn balanced(&self) -> Verdict<&Self> {
        let Figures { remaining, allocated, spent, reserved, debt, .. } = self.figures;
        if let (Some(allocated), Some(spent), Some(reserved)) = (allocated, spent, reserved) {
            let left = i128::from(allocated) - i128::from(spent) - i128::from(reserved) - i128::from(debt);
            let expected = format!("remaining = allocated − spent − reserved − debt = {left} at {}", self.scope);
            self.answer.expect(i128::from(remaining) == left, expected)?;
        }
        Ok(self)
    }

    /// Fails unless the figures are those of another reading.
    pub(crate) fn unchanged_since(&self, before: &Self) -> Verdict {
        let expected = format!("{} unchanged: {:?}", self.scope, before.figures);
        self.answer.expect(self.figures == before.figures, expected).map(drop)
    }

    /// Fails unless a condition on it holds.
    pub(crate) fn expect(&self, holds: bool, expected: impl Into<String>) -> Verdict<&Self> {
        self.answer.expect(holds, expected)?;
        Ok(self)
    }

    fn figure(&self, name: &str, found: Option<i64>, amount: i64) -> Verdict<&Self> {
        let expected = format!("{name} {amount} at {}", self.scope);
        self.answer.expect(found.is_none_or(|found| found == amount), expected)?;
        Ok(self)
    }
}

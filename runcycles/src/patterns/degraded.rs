//! A value that may be less than was wanted.

use std::borrow::Cow;

use crate::error::Error;

/// A value, and which of several ways it came: the best one, or a lesser one, which whoever gets the value should know.
///
/// [`ladder!`](crate::ladder) makes one; so does code that chooses a way by itself.
///
/// ```
/// use runcycles::Degraded;
///
/// let answer = Degraded::reduced("gpt-4o-mini", "a short answer");
/// assert!(answer.is_degraded());
/// assert_eq!(format!("{} ({})", answer.value(), answer.rung()), "a short answer (gpt-4o-mini)");
/// ```
#[derive(Debug)]
#[must_use = "a lesser rung may have answered: tell by is_degraded, then take the value by into_value"]
pub struct Degraded<T> {
    value: T,
    rung: Cow<'static, str>,
    is_lesser: bool,
    skipped: Vec<SkippedRung>,
}

/// A rung of a ladder that the budget said no to.
#[derive(Debug)]
pub struct SkippedRung {
    rung: Cow<'static, str>,
    denial: Error,
}

impl<T> Degraded<T> {
    /// A value that came the best way.
    pub fn full(rung: impl Into<Cow<'static, str>>, value: T) -> Self {
        Self { value, rung: rung.into(), is_lesser: false, skipped: Vec::new() }
    }

    /// A value that came a lesser way.
    pub fn reduced(rung: impl Into<Cow<'static, str>>, value: T) -> Self {
        Self { value, rung: rung.into(), is_lesser: true, skipped: Vec::new() }
    }

    /// A value that came after the rungs that were skipped.
    pub(super) fn after(skipped: Vec<SkippedRung>, rung: Cow<'static, str>, value: T) -> Self {
        Self { value, rung, is_lesser: !skipped.is_empty(), skipped }
    }

    /// Whether the value came a lesser way.
    pub fn is_degraded(&self) -> bool {
        self.is_lesser
    }

    /// The name of the way that it came.
    pub fn rung(&self) -> &str {
        &self.rung
    }

    /// The ways that were tried before, in their order, and why the budget said no to each.
    pub fn skipped(&self) -> &[SkippedRung] {
        &self.skipped
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The value alone.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The same about another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Degraded<U> {
        let Self { value, rung, is_lesser, skipped } = self;
        Degraded { value: change(value), rung, is_lesser, skipped }
    }
}

impl SkippedRung {
    pub(super) fn new(rung: Cow<'static, str>, denial: Error) -> Self {
        Self { rung, denial }
    }

    /// The rung's name.
    pub fn rung(&self) -> &str {
        &self.rung
    }

    /// Why the budget said no.
    pub fn denial(&self) -> &Error {
        &self.denial
    }
}

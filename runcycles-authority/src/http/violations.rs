//! What is wrong with a request whose JSON could be read.

use std::fmt::{Display, Write as _};
use std::ops::RangeInclusive;

use super::problem::Problem;

/// Collects everything that breaks a limit, so that one answer names all of it.
#[derive(Debug, Default)]
pub(super) struct Violations {
    found: String,
}

impl Violations {
    pub(super) fn add(&mut self, member: &str, what: impl Display) {
        let separator = if self.found.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(self.found, "{separator}{member}: {what}");
    }

    /// Takes a member that must be there.
    pub(super) fn require<T>(&mut self, member: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.add(member, "must be given");
        }
        value
    }

    /// Checks the number of characters of a text.
    pub(super) fn chars(&mut self, member: &str, text: &str, allowed: RangeInclusive<usize>) {
        // A character has at least one byte, so most texts need no count.
        let fits = text.len() <= *allowed.end() && text.len() >= *allowed.start() && text.is_ascii();
        if fits {
            return;
        }
        let chars = text.chars().count();
        if !allowed.contains(&chars) {
            self.add(member, format_args!("must have {}, found {chars}", Limits(&allowed, "characters")));
        }
    }

    /// Checks a number.
    pub(super) fn range(&mut self, member: &str, number: i64, allowed: RangeInclusive<i64>) {
        if !allowed.contains(&number) {
            self.add(member, format_args!("must be {} to {}, found {number}", allowed.start(), allowed.end()));
        }
    }

    /// The problem, if anything was found.
    pub(super) fn into_result(self) -> Result<(), Problem> {
        if self.found.is_empty() {
            return Ok(());
        }
        Err(Problem::invalid(format!("Validation failed: {}", self.found)))
    }
}

struct Limits<'a>(&'a RangeInclusive<usize>, &'static str);

impl Display for Limits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(range, what) = self;
        match *range.start() {
            0 => write!(f, "at most {} {what}", range.end()),
            least => write!(f, "{least} to {} {what}", range.end()),
        }
    }
}

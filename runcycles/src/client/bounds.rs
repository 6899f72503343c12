//! What calls may not leave.

use std::collections::BTreeSet;

use crate::protocol::{Level, Subject, Unit, ValidationError};

/// What calls under a mandate may not leave: where they belong, what they may use, and what they are counted in.
///
/// Implementation rationale: budgets alone do not hold a sub-agent, since a call that names another agent, an app in between or a
/// unit without a budget is checked against other budgets.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// The levels down to the innermost one are as they are here, those that are left out too.
    pub(crate) scope: Subject,
    /// The toolsets that calls may name; any where there is no list.
    pub(crate) toolsets: Option<BTreeSet<String>>,
    pub(crate) units: Vec<Unit>,
}

impl Bounds {
    /// Checks where a call belongs, and what it is counted in.
    pub(super) fn check(&self, subject: &Subject, unit: &Unit) -> Result<(), ValidationError> {
        let innermost = Level::ALL.into_iter().rfind(|level| self.scope.level(*level).is_some());
        for level in Level::ALL.into_iter().filter(|level| Some(*level) <= innermost) {
            let (found, fixed) = (subject.level(level), self.scope.level(level));
            let is_same = match (found, fixed) {
                (Some(found), Some(fixed)) => found.eq_ignore_ascii_case(fixed),
                (found, fixed) => found == fixed,
            };
            if !is_same {
                let expected = format!("{}: the mandate of {} fixes it", shown(fixed), self.scope);
                return Err(ValidationError::new(format!("subject.{level}"), shown(found), expected));
            }
        }
        if let (Some(toolset), Some(allowed)) = (&subject.toolset, &self.toolsets) {
            if !allowed.contains(&toolset.to_ascii_lowercase()) {
                let allowed: Vec<_> = allowed.iter().map(String::as_str).collect();
                let expected = format!("one that the mandate of {} has: {}", self.scope, allowed.join(", "));
                return Err(ValidationError::new("subject.toolset", shown(Some(toolset)), expected));
            }
        }
        if !self.units.contains(unit) {
            let units: Vec<_> = self.units.iter().map(Unit::as_str).collect();
            let expected = format!("a unit that the mandate of {} has a budget in: {}", self.scope, units.join(", "));
            return Err(ValidationError::new("unit", unit.to_string(), expected));
        }
        Ok(())
    }
}

fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value:?}"))
}

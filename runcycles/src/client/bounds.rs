//! What calls may not leave.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::protocol::{Level, Subject, Unit, ValidationError};

/// What calls in a run or under a mandate may not leave: where they belong, what they may use, and what they are counted in.
///
/// Implementation rationale: budgets alone do not hold an agent, since a call that names another agent, an app in between or a
/// unit without a budget is checked against other budgets.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// The levels down to the innermost one are as they are here, those that are left out too.
    pub(crate) scope: Subject,
    /// The toolsets that calls may name; any where there is no list.
    pub(crate) toolsets: Option<BTreeSet<String>>,
    /// What calls may be counted in; anything where there is no list.
    pub(crate) units: Option<Vec<Unit>>,
}

/// All that calls may not leave: a mandate, and a run.
///
/// Implementation rationale: they are kept apart since a mandate gives way to one that it was delegated to, and a run to a run
/// within it, but neither to the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    pub(super) mandate: Option<Arc<Bounds>>,
    pub(super) run: Option<Arc<Bounds>>,
}

impl Limits {
    /// These, and what they leave out from those around them.
    pub(super) fn or(self, around: Self) -> Self {
        Self { mandate: self.mandate.or(around.mandate), run: self.run.or(around.run) }
    }

    /// Checks where a call belongs, and what it is counted in.
    pub(super) fn check(&self, subject: &Subject, unit: &Unit) -> Result<(), ValidationError> {
        [&self.mandate, &self.run].into_iter().flatten().try_for_each(|bounds| bounds.check(subject, unit))
    }

    /// The same with a run within them, whose steps have a subject and a unit. It may not be wider than they are.
    ///
    /// Steps are held by a budget of their own, so that a run within a run may count them in any unit; a mandate names all that
    /// may be used.
    #[cfg(feature = "admin")]
    pub(super) fn narrowed_by(
        &self,
        mut run: Bounds,
        steps: Option<(&Subject, &Unit)>,
    ) -> Result<Self, ValidationError> {
        for around in [&self.mandate, &self.run].into_iter().flatten() {
            around.check_place(&run.scope)?;
            run.units.iter().flatten().try_for_each(|unit| around.check_unit(unit))?;
        }
        if run.units.is_none() {
            run.units = self.run.as_ref().and_then(|around| around.units.clone());
        }
        if let Some((subject, unit)) = steps {
            self.mandate.as_ref().map_or(Ok(()), |mandate| mandate.check(subject, unit))?;
            run.units.iter_mut().for_each(|units| units.push(unit.clone()));
        }
        Ok(Self { mandate: self.mandate.clone(), run: Some(Arc::new(run)) })
    }
}

impl Bounds {
    fn check(&self, subject: &Subject, unit: &Unit) -> Result<(), ValidationError> {
        self.check_place(subject)?;
        self.check_unit(unit)
    }

    fn check_place(&self, subject: &Subject) -> Result<(), ValidationError> {
        let innermost = Level::ALL.into_iter().rfind(|level| self.scope.level(*level).is_some());
        for level in Level::ALL.into_iter().filter(|level| Some(*level) <= innermost) {
            let (found, fixed) = (subject.level(level), self.scope.level(level));
            let is_same = match (found, fixed) {
                (Some(found), Some(fixed)) => found.eq_ignore_ascii_case(fixed),
                (found, fixed) => found == fixed,
            };
            if !is_same {
                let expected = format!("{}: the run or mandate at {} fixes it", shown(fixed), self.scope);
                return Err(ValidationError::new(format!("subject.{level}"), shown(found), expected));
            }
        }
        if let (Some(toolset), Some(allowed)) = (&subject.toolset, &self.toolsets) {
            if !allowed.contains(&toolset.to_ascii_lowercase()) {
                let allowed: Vec<_> = allowed.iter().map(String::as_str).collect();
                let expected = format!("one that the run or mandate at {} has: {}", self.scope, allowed.join(", "));
                return Err(ValidationError::new("subject.toolset", shown(Some(toolset)), expected));
            }
        }
        Ok(())
    }

    fn check_unit(&self, unit: &Unit) -> Result<(), ValidationError> {
        let Some(units) = self.units.as_ref().filter(|units| !units.contains(unit)) else { return Ok(()) };
        let units: Vec<_> = units.iter().map(Unit::as_str).collect();
        let expected =
            format!("a unit that the run or mandate at {} has a budget in: {}", self.scope, units.join(", "));
        Err(ValidationError::new("unit", unit.to_string(), expected))
    }
}

fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value:?}"))
}

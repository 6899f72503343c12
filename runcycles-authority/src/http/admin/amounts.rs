//! Amounts and times of the admin plane.

use runcycles::models::{Amount, Timestamp};

use crate::clock::Millis;
use crate::http::decode::AmountBody;
use crate::http::instant::parse_instant;
use crate::http::json::Object;
use crate::http::object::Text;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::violations::Violations;
use crate::scope::ScopePath;
use crate::unit::Unit;

/// The scope and unit that a query names.
pub(super) fn scope_and_unit(query: &Query<'_>) -> Result<(ScopePath, Unit), Problem> {
    let scope = query.get_some("scope").ok_or_else(|| Problem::invalid("Validation failed: scope: must be given"))?;
    let scope = parse_scope(scope)?;
    let unit = query.one_of("unit", &Unit::ALL, Unit::as_str, false)?;
    let unit = unit.ok_or_else(|| Problem::invalid("Validation failed: unit: must be given"))?;
    Ok((scope, unit))
}

/// A budget's scope.
pub(super) fn parse_scope(text: &str) -> Result<ScopePath, Problem> {
    ScopePath::parse(text).map_err(|error| Problem::invalid(format!("Validation failed: scope: {error}")))
}

/// An amount as a budget's user would write it.
pub(super) fn amount_of(unit: Unit, value: i64) -> Amount {
    unit.amount(value)
}

/// An amount that must be in a unit; a wrong one is a refusal of its own.
pub(super) fn check_in_unit(
    member: &str,
    amount: Option<&AmountBody<'_>>,
    unit: Option<Unit>,
    violations: &mut Violations,
) -> Result<Option<i64>, Problem> {
    let Some(amount) = amount.and_then(|amount| amount.check(member, violations)) else { return Ok(None) };
    match unit {
        Some(unit) if unit != amount.unit => Err(unit_mismatch(unit, amount.unit)),
        _ => Ok(Some(amount.value)),
    }
}

fn unit_mismatch(expected: Unit, found: Unit) -> Problem {
    let message = format!("Amount is in {}, expected {}", found.as_str(), expected.as_str());
    Problem::new(http::StatusCode::BAD_REQUEST, runcycles::models::ErrorCode::UnitMismatch, message)
}

/// A time in a body.
pub(in crate::http) fn check_instant(
    member: &str,
    text: Option<&Text<'_>>,
    violations: &mut Violations,
) -> Option<Millis> {
    let text = text?;
    let instant = parse_instant(text).map(|(ms, _)| ms);
    if instant.is_none() {
        violations.add(member, "must be an ISO 8601 instant such as 2025-11-22T01:30:00Z");
    }
    instant
}

/// One word of a vocabulary.
pub(super) fn check_word(
    member: &str,
    text: Option<&Text<'_>>,
    words: &[&'static str],
    violations: &mut Violations,
) -> Option<&'static str> {
    let text = text?;
    let word = words.iter().copied().find(|word| *word == &**text);
    if word.is_none() {
        violations.add(member, format_args!("must be one of {}", words.join(", ")));
    }
    word
}

/// Writes a time as the admin plane shows them.
pub(in crate::http) fn instant(object: &mut Object<'_>, name: &'static str, at: Millis) {
    object.plain(name, &Timestamp::from_epoch_ms(at).to_string());
}

/// Writes a time where there is one.
pub(in crate::http) fn instant_if(object: &mut Object<'_>, name: &'static str, at: Option<Millis>) {
    if let Some(at) = at {
        instant(object, name, at);
    }
}

/// Writes a text where there is one.
pub(in crate::http) fn text_if(object: &mut Object<'_>, name: &'static str, text: Option<&str>) {
    if let Some(text) = text {
        object.text(name, text);
    }
}

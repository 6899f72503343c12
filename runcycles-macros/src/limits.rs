//! What the protocol says of values, for those that are written as literals.

use std::ops::RangeInclusive;

use proc_macro2::Span;
use syn::{Error, Expr, ExprLit, Lit, parse_quote_spanned};

use crate::literal::{Literal, bare, literal, millis, span};

/// The largest amount the protocol can carry: 2⁶³ − 1.
const MAX_AMOUNT: u64 = i64::MAX as u64;

const UNITS: [(&str, &str); 4] =
    [("USD_MICROCENTS", "UsdMicrocents"), ("TOKENS", "Tokens"), ("CREDITS", "Credits"), ("RISK_POINTS", "RiskPoints")];

const LEVELS: [(&str, &str); 6] = [
    ("tenant", "Tenant"),
    ("workspace", "Workspace"),
    ("app", "App"),
    ("workflow", "Workflow"),
    ("agent", "Agent"),
    ("toolset", "Toolset"),
];

const PRIORITIES: [(&str, &str); 5] =
    [("critical", "CRITICAL"), ("high", "HIGH"), ("normal", "NORMAL"), ("low", "LOW"), ("bulk", "BULK")];

const MODES: [(&str, &str); 4] =
    [("enforce", "Enforce"), ("shadow", "Shadow"), ("shadow_metered", "ShadowMetered"), ("off", "Off")];

const UNKNOWN: [(&str, &str); 3] = [("release", "Release"), ("charge_estimate", "ChargeEstimate"), ("hold", "Hold")];

const ON_UNSETTLED: [(&str, &str); 2] = [("value", "Value"), ("error", "Error")];

const HEARTBEATS: [(&str, &str); 3] = [("warn", "Warn"), ("fail_on_finalize", "FailOnFinalize"), ("cancel", "Cancel")];

const OVERAGE_POLICIES: [(&str, &str); 3] =
    [("REJECT", "Reject"), ("ALLOW_IF_AVAILABLE", "AllowIfAvailable"), ("ALLOW_WITH_OVERDRAFT", "AllowWithOverdraft")];

/// An amount: the estimate or the actual amount.
pub(crate) fn amount(value: &Expr) -> Result<(), Error> {
    let Some(written) = literal(value) else { return Ok(()) };
    let found = match written {
        Literal::Integer { negative: true, .. } => "a negative number",
        Literal::Integer { digits, .. } => match digits.base10_parse::<u64>() {
            Ok(number) if number <= MAX_AMOUNT => return Ok(()),
            _ => "a number above 9223372036854775807",
        },
        Literal::Text(_) => "text",
        Literal::Other(what) => what,
    };
    let expected = "expected an amount, such as `usd!(0.02)`, `tokens(1_000)` or a whole number of the unit";
    Err(Error::new(span(value), format!("found {found}; {expected}")))
}

/// Whether an amount is plainly zero: `0`, `tokens(0)` or `usd!(0.00)`.
pub(crate) fn is_zero(value: &Expr) -> bool {
    let is_zero = |digits: &str| digits.chars().all(|c| matches!(c, '0' | '.' | '_'));
    match bare(value) {
        Expr::Lit(ExprLit { lit: Lit::Int(digits), .. }) => is_zero(digits.base10_digits()),
        Expr::Call(call) if call.args.len() == 1 => {
            let names = ["tokens", "credits", "risk_points", "usd_microcents"];
            let Expr::Path(function) = &*call.func else { return false };
            function.path.segments.last().is_some_and(|last| names.iter().any(|name| last.ident == name))
                && matches!(bare(&call.args[0]), Expr::Lit(ExprLit { lit: Lit::Int(digits), .. }) if is_zero(digits.base10_digits()))
        }
        Expr::Macro(literal) => {
            literal.mac.path.segments.last().is_some_and(|last| last.ident == "usd")
                && is_zero(&literal.mac.tokens.to_string())
        }
        _ => false,
    }
}

/// `true` or `false`.
pub(crate) fn boolean(value: &Expr) -> Result<bool, Error> {
    match bare(value) {
        Expr::Lit(ExprLit { lit: Lit::Bool(value), .. }) => Ok(value.value),
        other => Err(Error::new(span(other), "expected `true` or `false`")),
    }
}

/// The action kind: 1 to 64 characters.
pub(crate) fn action_kind(value: Expr) -> Result<Expr, Error> {
    text(value, "an action kind", "llm.completion", 1..=64)
}

/// The action name: 1 to 256 characters.
pub(crate) fn action_name(value: Expr) -> Result<Expr, Error> {
    text(value, "an action name", "gpt-4o", 1..=256)
}

/// The action tags: at most 10, each at most 64 characters.
pub(crate) fn action_tags(value: Expr) -> Result<Expr, Error> {
    if literal(&value).is_some() {
        return Err(Error::new(span(&value), "found a single value; expected a list such as `[\"customer-facing\"]`"));
    }
    let list = match bare(&value) {
        Expr::Reference(reference) => bare(&reference.expr),
        other => other,
    };
    if let Expr::Array(tags) = list {
        if tags.elems.len() > 10 {
            return Err(Error::new(span(&value), format!("found {} tags; an action has at most 10", tags.elems.len())));
        }
        for tag in &tags.elems {
            text(tag.clone(), "an action tag", "customer-facing", 0..=64)?;
        }
    }
    Ok(value)
}

/// The value of a level: 1 to 128 characters of a small alphabet.
pub(crate) fn level(value: Expr) -> Result<Expr, Error> {
    let expected = "a level is text of 1 to 128 characters out of A-Z a-z 0-9 _ . -, or an integer";
    match literal(&value) {
        None | Some(Literal::Integer { .. }) => Ok(value),
        Some(Literal::Other(what)) => Err(Error::new(span(&value), format!("found {what}; {expected}"))),
        Some(Literal::Text(text)) => {
            let text = text.value();
            let found = match text.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | '-')) {
                Some(c) => format!("{c:?} in the value of a level"),
                None if (1..=128).contains(&text.len()) => return Ok(value),
                None => format!("{} characters", text.len()),
            };
            Err(Error::new(span(&value), format!("found {found}; {expected}")))
        }
    }
}

/// The value of a dimension: at most 256 characters.
pub(crate) fn dimension(value: Expr) -> Result<Expr, Error> {
    match literal(&value) {
        Some(Literal::Integer { .. }) => Ok(value),
        _ => text(value, "the value of a dimension", "nightly", 0..=256),
    }
}

/// How long a reservation lives: 1 second to 24 hours.
pub(crate) fn ttl(value: Expr) -> Result<Expr, Error> {
    duration(value, "1s", "24h", 1_000..=86_400_000)
}

/// How long after that a commit is accepted: at most a minute.
pub(crate) fn grace_period(value: Expr) -> Result<Expr, Error> {
    duration(value, "0s", "60s", 0..=60_000)
}

/// The unit, by its name on the wire or as an expression.
pub(crate) fn unit(value: Expr) -> Result<Expr, Error> {
    one_of(value, "Unit", &UNITS)
}

/// The overage policy, by its name on the wire or as an expression.
pub(crate) fn overage_policy(value: Expr) -> Result<Expr, Error> {
    one_of(value, "CommitOveragePolicy", &OVERAGE_POLICIES)
}

/// Levels, by name: one, or a list.
pub(crate) fn levels(value: &Expr) -> Result<Expr, Error> {
    let list = match bare(value) {
        Expr::Reference(reference) => bare(&reference.expr),
        other => other,
    };
    let one = |value: &Expr| {
        let is_text = matches!(literal(value), Some(Literal::Text(_)));
        let level = one_of(value.clone(), "Level", &LEVELS)?;
        if is_text {
            Ok(level)
        } else {
            Err(Error::new(span(value), "expected the name of a level, such as \"agent\""))
        }
    };
    match list {
        Expr::Array(levels) => {
            let levels = levels.elems.iter().map(one).collect::<Result<Vec<_>, _>>()?;
            Ok(parse_quote_spanned!(span(value)=> [#(#levels),*]))
        }
        level => {
            let level = one(level)?;
            Ok(parse_quote_spanned!(span(value)=> [#level]))
        }
    }
}

/// The tier, by its name or as an expression.
pub(crate) fn priority(value: Expr) -> Result<Expr, Error> {
    one_of(value, "Priority", &PRIORITIES)
}

/// The mode, by its name or as an expression.
pub(crate) fn mode(value: Expr) -> Result<Expr, Error> {
    one_of(value, "Mode", &MODES)
}

/// What becomes of a hold at an unknown cost, by its name or as an expression.
pub(crate) fn unknown(value: Expr) -> Result<Expr, Error> {
    one_of(value, "UnknownSpend", &UNKNOWN)
}

/// What a call returns whose settlement is not confirmed, by its name or as an expression.
pub(crate) fn on_unsettled(value: Expr) -> Result<Expr, Error> {
    one_of(value, "OnUnsettled", &ON_UNSETTLED)
}

/// What becomes of a call whose reservation is lost, by its name or as an expression.
pub(crate) fn heartbeat(value: Expr) -> Result<Expr, Error> {
    one_of(value, "HeartbeatPolicy", &HEARTBEATS)
}

/// How long the action will take: above nothing.
pub(crate) fn planned(value: Expr) -> Result<Expr, Error> {
    duration(value, "1ms", "30 days", 1..=30 * 86_400_000)
}

/// Text of a number of characters; `what` says of what, and `example` how it may look.
fn text(value: Expr, what: &str, example: &str, allowed: RangeInclusive<usize>) -> Result<Expr, Error> {
    let found = match literal(&value) {
        None => return Ok(value),
        Some(Literal::Text(text)) => {
            let text = text.value();
            let chars = text.chars().count();
            if allowed.contains(&chars) && (*allowed.start() == 0 || !text.trim().is_empty()) {
                return Ok(value);
            }
            match chars {
                0 => "empty text".to_owned(),
                _ if allowed.contains(&chars) => "blank text".to_owned(),
                _ => format!("{chars} characters"),
            }
        }
        Some(Literal::Integer { .. }) => "an integer".to_owned(),
        Some(Literal::Other(what)) => what.to_owned(),
    };
    let (least, most) = (allowed.start(), allowed.end());
    let message = format!("found {found}; {what} is text of {least} to {most} characters, such as \"{example}\"");
    Err(Error::new(span(&value), message))
}

/// A duration within limits: a literal becomes a `Duration`, an expression stays as it is.
fn duration(value: Expr, least: &str, most: &str, allowed: RangeInclusive<u64>) -> Result<Expr, Error> {
    let written = match literal(&value) {
        None => return Ok(value),
        Some(Literal::Text(text)) => millis(&text.value()).ok_or_else(|| format!("{:?}", text.value())),
        Some(Literal::Integer { negative: true, .. }) => Err("a negative number".to_owned()),
        Some(Literal::Integer { digits, .. }) => digits.base10_parse::<u64>().map_err(|_| digits.to_string()),
        Some(Literal::Other(what)) => Err(what.to_owned()),
    };
    let found = match written {
        Ok(millis) if allowed.contains(&millis) => {
            let at = Span::mixed_site().located_at(span(&value));
            return Ok(parse_quote_spanned!(at=> ::core::time::Duration::from_millis(#millis)));
        }
        Ok(millis) => format!("{millis} ms"),
        Err(found) => found,
    };
    let expected = format!("expected \"{least}\" to \"{most}\" in ms, s, m or h, whole milliseconds, or a `Duration`");
    Err(Error::new(span(&value), format!("found {found}; {expected}")))
}

/// A value by its name on the wire, which becomes the variant; an expression stays as it is.
fn one_of(value: Expr, ty: &str, names: &[(&str, &str)]) -> Result<Expr, Error> {
    let found = match literal(&value) {
        None => return Ok(value),
        Some(Literal::Text(text)) => {
            let text = text.value();
            if let Some((_, variant)) = names.iter().find(|(name, _)| *name == text) {
                let at = Span::mixed_site().located_at(span(&value));
                let (ty, variant) = (proc_macro2::Ident::new(ty, at), proc_macro2::Ident::new(variant, at));
                return Ok(parse_quote_spanned!(at=> ::runcycles::__private::#ty::#variant));
            }
            format!("{text:?}")
        }
        Some(Literal::Integer { .. }) => "an integer".to_owned(),
        Some(Literal::Other(what)) => what.to_owned(),
    };
    let names = names.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    Err(Error::new(span(&value), format!("found {found}; expected one of {names}, or a `{ty}`")))
}

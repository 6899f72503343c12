//! Counters and gauges, by the `metrics` facade.

use std::borrow::Cow;

use metrics::{counter, gauge, histogram};

use crate::error::{Error, PRIORITY_FLOOR, Refusal};
use crate::kinds;
use crate::protocol::{Amount, Level, ReasonCode, ReservationCreateRequest, Unit};

/// Counts what was said of a reservation.
pub(super) fn decided(request: &ReservationCreateRequest, decision: &str) {
    let kind = kinds::find(&request.action.kind).map_or("other", |known| known.kind);
    let decision = match decision {
        "ALLOW" => "ALLOW",
        "ALLOW_WITH_CAPS" => "ALLOW_WITH_CAPS",
        "DENY" => "DENY",
        _ => "NONE",
    };
    counter!("cycles.decisions", "decision" => decision, "action_kind" => kind).increment(1);
}

/// Counts what is held.
pub(crate) fn held(estimate: &Amount) {
    counter!("cycles.estimated", "unit" => label(estimate.unit())).increment(estimate.value());
}

/// Counts a denial at the scope that said no, down to a level.
pub(super) fn denied(error: &Error, reason: &str, innermost: Level) {
    let scope = match error {
        Error::UnbudgetedScope { scopes } => scopes.first().map(String::as_str),
        _ => error.refusal().and_then(Refusal::scope),
    };
    let scope = scope.map_or_else(String::new, |scope| cut(scope, innermost));
    // Servers may have reasons without number, and labels may not.
    let is_foreign = matches!(error.refusal().and_then(Refusal::reason), Some(ReasonCode::Unknown(_)));
    let is_known = !is_foreign || reason == PRIORITY_FLOOR;
    let reason = if is_known { reason } else { "other" };
    counter!("cycles.denials", "scope" => scope, "reason" => reason.to_owned()).increment(1);
}

/// A scope down to a level.
fn cut(scope: &str, innermost: Level) -> String {
    let is_shown = |segment: &&str| {
        let name = segment.split(':').next().unwrap_or_default();
        Level::ALL.iter().find(|level| level.as_str() == name).is_some_and(|level| *level <= innermost)
    };
    scope.split('/').take_while(is_shown).collect::<Vec<_>>().join("/")
}

/// Counts what an action cost, against what was reserved for it.
pub(crate) fn committed(estimate: &Amount, actual: &Amount) {
    counter!("cycles.actual", "unit" => label(actual.unit())).increment(actual.value());
    if estimate.value() > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for a chart")]
        let ratio = actual.value() as f64 / estimate.value() as f64;
        histogram!("cycles.commit.ratio", "unit" => label(actual.unit())).record(ratio);
    }
}

/// The label of a unit, which needs no memory of its own where the unit is one of the protocol's.
fn label(unit: &Unit) -> Cow<'static, str> {
    const KNOWN: [Unit; 4] = [Unit::UsdMicrocents, Unit::Tokens, Unit::Credits, Unit::RiskPoints];
    match KNOWN.iter().find(|known| *known == unit) {
        Some(known) => Cow::Borrowed(known.as_str()),
        None => Cow::Owned(unit.as_str().to_owned()),
    }
}

/// Counts a step of a settlement.
pub(super) fn settled(settlement: &'static str) {
    counter!("cycles.settlements", "settlement" => settlement).increment(1);
}

/// Counts a step of a lease.
pub(super) fn lease(state: &'static str) {
    counter!("cycles.heartbeats", "state" => state).increment(1);
}

/// Declares something that is counted for as long as it is there.
macro_rules! counted {
    ($( $(#[$meta:meta])* $name:ident = $gauge:literal; )*) => { $(
        $(#[$meta])*
        #[derive(Debug)]
        pub(crate) struct $name(());

        impl $name {
            pub(crate) fn new() -> Self {
                gauge!($gauge).increment(1.0);
                Self(())
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                gauge!($gauge).decrement(1.0);
            }
        }
    )* };
}

counted! {
    /// A settlement in the background.
    PendingSettlement = "cycles.settlements.pending";
    /// A reservation that is kept alive.
    LiveLease = "cycles.leases";
}

//! Tiers of a shared pool.

use std::borrow::Cow;
use std::fmt;

/// A tier of work that shares its budgets with other tiers. Each tier leaves a part of them to those above: a call is denied
/// where what remains of a budget, without the call itself, is no more than the tier's floor.
///
/// The floor is checked right after the reservation, against the balances that come with it, and a call below its floor returns
/// the hold: nothing is decided by numbers from earlier.
///
/// ```
/// use runcycles::{Error, Priority, cycles, usd};
///
/// #[cycles(usd!(0.40), "agent.task", workspace = "engineering", priority = priority)]
/// async fn task(priority: Priority) -> Result<(), Error> {
///     Ok(())
/// }
///
/// assert_eq!(Priority::LOW.to_string(), "low");
/// let nightly = Priority::new("nightly", 80);
/// assert_eq!(nightly.floor_percent(), 80);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Priority {
    name: Cow<'static, str>,
    floor_percent: u8,
}

impl Priority {
    /// Runs to the end of the budget.
    pub const CRITICAL: Self = Self::tier("critical", 0);
    /// Leaves a tenth.
    pub const HIGH: Self = Self::tier("high", 10);
    /// Leaves a quarter.
    pub const NORMAL: Self = Self::tier("normal", 25);
    /// Leaves half.
    pub const LOW: Self = Self::tier("low", 50);
    /// Leaves seventy per cent.
    pub const BULK: Self = Self::tier("bulk", 70);

    const fn tier(name: &'static str, floor_percent: u8) -> Self {
        Self { name: Cow::Borrowed(name), floor_percent }
    }

    /// A tier of your own, with a name for messages, and the part of each budget that it leaves to others in per cent; 100 and
    /// more denies every call.
    pub fn new(name: impl Into<Cow<'static, str>>, floor_percent: u8) -> Self {
        Self { name: name.into(), floor_percent }
    }

    /// The part of each budget that this tier leaves to others, in per cent.
    pub fn floor_percent(&self) -> u8 {
        self.floor_percent
    }

    /// Whether a budget is too low for this tier: `left` of `allocated` is no more than the floor.
    pub(super) fn is_below_floor(&self, left: i64, allocated: u64) -> bool {
        i128::from(left) * 100 <= i128::from(allocated) * i128::from(self.floor_percent)
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::Priority;

    #[test]
    fn a_tier_is_denied_at_its_floor_and_below() {
        let tiers = [Priority::CRITICAL, Priority::HIGH, Priority::NORMAL, Priority::LOW, Priority::BULK];
        let denied = |percent| tiers.each_ref().map(|tier| tier.is_below_floor(percent, 100));
        for (percent, expected) in [
            (100, [false; 5]),
            (71, [false; 5]),
            (70, [false, false, false, false, true]),
            (51, [false, false, false, false, true]),
            (50, [false, false, false, true, true]),
            (26, [false, false, false, true, true]),
            (25, [false, false, true, true, true]),
            (11, [false, false, true, true, true]),
            (10, [false, true, true, true, true]),
            (1, [false, true, true, true, true]),
            (0, [true; 5]),
            (-5, [true; 5]),
        ] {
            assert_eq!(denied(percent), expected, "at {percent} %");
        }
    }
}

//! Instants in query strings.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An instant as the protocol writes it in query strings: ISO 8601 in UTC, to the millisecond.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use runcycles::models::Timestamp;
///
/// let instant = UNIX_EPOCH + Duration::from_millis(1_763_775_000_250);
/// assert_eq!(Timestamp::from(instant).to_string(), "2025-11-22T01:30:00.250Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    epoch_ms: u64,
}

impl Timestamp {
    /// An instant in milliseconds since 1970, as responses carry them.
    pub fn from_epoch_ms(epoch_ms: u64) -> Self {
        Self { epoch_ms }
    }
}

impl From<SystemTime> for Timestamp {
    /// Instants before 1970 become 1970: no reservation is older.
    fn from(time: SystemTime) -> Self {
        let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { epoch_ms: u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.epoch_ms / 86_400_000, self.epoch_ms % 86_400_000);
        let (year, month, day) = civil_from_days(days);
        let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", ms % 1_000)
    }
}

/// Year, month and day of a number of days since 1970, in the Gregorian calendar.
///
/// Counts in eras of 400 years that start on 1 March, so that the leap day is the last of its year.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let from_march = days + 719_468;
    let (era, day_of_era) = (from_march / 146_097, from_march % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

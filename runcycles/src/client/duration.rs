//! Durations as people write them in settings.

use std::time::Duration;

/// A duration such as `500ms`, `2s`, `5min` or `1h`, or whole milliseconds such as `500`; and whether it came without a unit.
pub(super) fn parse_duration(text: &str) -> Option<(Duration, bool)> {
    let text = text.trim();
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let count = digits.parse::<u64>().ok()?;
    let seconds = |each: u64| count.checked_mul(each).map(Duration::from_secs);
    let duration = match unit {
        "" | "ms" => Duration::from_millis(count),
        "s" => Duration::from_secs(count),
        "min" => seconds(60)?,
        "h" => seconds(3_600)?,
        _ => return None,
    };
    Some((duration, unit.is_empty()))
}

//! Instants as ISO 8601 writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads `2026-11-22T12:00:00.250Z`, with up to nine decimals or none, and an offset such as `+02:00` in place of `Z`.
pub(super) fn parse_instant(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once(['T', 't'])?;
    let (time, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = fields(time, ':', [2, 2, 2])?;
    let in_range = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !in_range || hour > 23 || minute > 59 || second > 60 || !(1..=9).contains(&fraction.len()) {
        return None;
    }
    let nanos = number(fraction)? * 10_i64.pow(9 - u32::try_from(fraction.len()).ok()?);
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let [hours, minutes] = fields(&zone[1..], ':', [2, 2])?;
            let offset = (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?;
            if zone.starts_with('-') { -offset } else { offset }
        }
    };
    let minutes = (days_since_epoch(year, month, day) * 24 + hour) * 60 + minute - offset;
    let seconds = u64::try_from(minutes * 60 + second).ok()?;
    UNIX_EPOCH.checked_add(Duration::new(seconds, u32::try_from(nanos).ok()?))
}

/// Numbers of given lengths between separators.
fn fields<const N: usize>(text: &str, separator: char, lengths: [usize; N]) -> Option<[i64; N]> {
    let mut found = [0; N];
    let mut parts = text.split(separator);
    for (field, length) in found.iter_mut().zip(lengths) {
        *field = parts.next().filter(|part| part.len() == length).and_then(number)?;
    }
    parts.next().is_none().then_some(found)
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    const DAYS_BEFORE_1970: i64 = 719_162;
    let before = year - 1;
    let of_months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    before * 365 + before / 4 - before / 100 + before / 400 + of_months + day - 1 - DAYS_BEFORE_1970
}

//! Identifiers and instants.

use std::collections::HashSet;
use std::time::{Duration, UNIX_EPOCH};

use runcycles::models::{EventId, IdempotencyKey, ReservationId, Timestamp};

#[test]
fn ids_are_bounded_in_characters_and_say_what_they_expected() {
    let long = |chars: usize| "é".repeat(chars);
    assert!(ReservationId::new(long(128)).is_ok());
    assert!(IdempotencyKey::new(long(256)).is_ok());
    for (error, what) in [
        (ReservationId::new("").unwrap_err(), "invalid reservation id \"\": expected 1 to 128 characters"),
        (IdempotencyKey::new("").unwrap_err(), "invalid idempotency key \"\": expected 1 to 256 characters"),
        (EventId::new("").unwrap_err(), "invalid event id \"\": expected at least one character"),
    ] {
        assert_eq!(error.to_string(), what);
    }
    assert!(ReservationId::new(long(129)).is_err());
    assert!(IdempotencyKey::new(long(257)).is_err());
}

#[test]
fn a_reservation_id_that_urls_resolve_away_is_refused() {
    for (id, fits) in [(".", false), ("..", false), ("...", true), ("res/1", true), ("../..", true), ("%2e", true)] {
        assert_eq!(ReservationId::new(id).is_ok(), fits, "{id}");
        assert_eq!(serde_json::from_value::<ReservationId>(id.into()).is_ok(), fits, "{id}");
    }
}

#[test]
fn fresh_keys_differ_and_sort_by_the_time_they_were_made() {
    let keys: Vec<_> = (0..1_000).map(|_| IdempotencyKey::random()).collect();
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
    assert!(keys.is_sorted());
    assert!(keys.iter().all(|key| key.as_str().len() == 36 && key.as_str().as_bytes()[14] == b'7'));
}

#[test]
fn instants_are_written_in_utc_to_the_millisecond() {
    for (epoch_ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_709_251_199_001, "2024-02-29T23:59:59.001Z"),
        (1_735_689_600_000, "2025-01-01T00:00:00.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ] {
        assert_eq!(Timestamp::from_epoch_ms(epoch_ms).to_string(), text);
        assert_eq!(Timestamp::from(UNIX_EPOCH + Duration::from_millis(epoch_ms)).to_string(), text);
    }
    assert_eq!(Timestamp::from(UNIX_EPOCH - Duration::from_secs(1)).to_string(), "1970-01-01T00:00:00.000Z");
}

//! What is kept of a settlement that has not ended.

use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::body::Body;

/// The version of the format.
pub(super) const VERSION: u64 = 1;

/// The largest integer that every client reads exactly.
const LARGEST: u64 = (1 << 53) - 1;

/// The longest wait that a record can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// What is kept of a settlement that has not ended: known spend, and how to bring it into the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The reservation, never empty.
    pub(crate) reservation_id: String,
    pub(crate) step: Step,
    /// When it was last written, in milliseconds since 1970.
    pub(crate) recorded_at_ms: u64,
    /// When the authority allows the next attempt, in milliseconds since 1970.
    pub(crate) not_before_ms: Option<u64>,
    /// Whether it was written before the spend was known: it says what to settle should its process end, and whoever finds it
    /// looks again when its time has come, since a living process settles by itself.
    pub(crate) is_ahead: bool,
}

/// How a record's spend is brought into the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// By a commit; should the reservation lapse, by the event, where there is one.
    Commit { commit: Body, event: Option<Body> },
    /// By the event, since the reservation has lapsed. The commit is history.
    Event { event: Body, commit: Option<Body> },
}

impl Record {
    /// The record of a settlement before its first attempt.
    pub(crate) fn commit(
        reservation_id: impl Into<String>,
        commit: Body,
        event: Option<Body>,
        now: SystemTime,
    ) -> Self {
        Self {
            reservation_id: reservation_id.into(),
            step: Step::Commit { commit, event },
            recorded_at_ms: epoch_ms(now),
            not_before_ms: None,
            is_ahead: false,
        }
    }

    /// The record of spend that nothing was held for.
    pub(crate) fn event(reservation_id: impl Into<String>, event: Body, now: SystemTime) -> Self {
        Self {
            reservation_id: reservation_id.into(),
            step: Step::Event { event, commit: None },
            recorded_at_ms: epoch_ms(now),
            not_before_ms: None,
            is_ahead: false,
        }
    }

    /// The same, written before the spend is known, for whoever finds it after a wait.
    pub(crate) fn ahead(mut self, wait: Duration, now: SystemTime) -> Self {
        self.wait(wait, now);
        Self { is_ahead: true, ..self }
    }

    /// The same settlement, no earlier than after a wait, of which an hour counts at most.
    pub(crate) fn wait(&mut self, wait: Duration, now: SystemTime) {
        let now_ms = epoch_ms(now);
        self.recorded_at_ms = now_ms;
        self.not_before_ms = Some(now_ms.saturating_add(ceil_ms(wait.min(LONGEST_WAIT))));
    }

    /// The same settlement by its event from now on. Says whether there is one; without one nothing changes.
    #[must_use = "without an event the record still says commit"]
    pub(crate) fn switch_to_event(&mut self, now: SystemTime) -> bool {
        if let Step::Commit { event: None, .. } = &self.step {
            return false;
        }
        if let Step::Commit { commit, event: Some(event) } = &self.step {
            self.step = Step::Event { event: event.clone(), commit: Some(commit.clone()) };
        }
        self.recorded_at_ms = epoch_ms(now);
        self.not_before_ms = None;
        true
    }

    /// How long the authority asked to wait from now, at most an hour whatever the clocks say.
    pub(crate) fn wait_left(&self, now: SystemTime) -> Duration {
        let left = self.not_before_ms.unwrap_or(0).saturating_sub(epoch_ms(now));
        Duration::from_millis(left).min(LONGEST_WAIT)
    }

    /// The record's text.
    pub(super) fn encode(&self, base_url: &str) -> Vec<u8> {
        let (mode, commit, event) = match &self.step {
            Step::Commit { commit, event } => ("commit", Some(commit), event.as_ref()),
            Step::Event { event, commit } => ("event", commit.as_ref(), Some(event)),
        };
        let size_of = |body: Option<&Body>| body.map_or(0, |body| body.bytes().len());
        let fixed = 256 + self.reservation_id.len() + base_url.len();
        let mut text = Vec::with_capacity(fixed + size_of(commit) + size_of(event));
        // Writing to memory does not fail.
        let _ = write!(text, r#"{{"version":{VERSION},"reservation_id":"#);
        let _ = serde_json::to_writer(&mut text, &self.reservation_id);
        text.extend_from_slice(br#","base_url":"#);
        let _ = serde_json::to_writer(&mut text, base_url);
        let _ = write!(text, r#","mode":"{mode}","commit_body":"#);
        append(&mut text, commit);
        text.extend_from_slice(br#","event_fallback_body":"#);
        append(&mut text, event);
        let _ = write!(text, r#","recorded_at_ms":{},"not_before_ms":"#, self.recorded_at_ms.min(LARGEST));
        let _ = match self.not_before_ms {
            Some(not_before_ms) => write!(text, "{}", not_before_ms.min(LARGEST)),
            None => write!(text, "null"),
        };
        // Other clients pass over what they do not know.
        text.extend_from_slice(if self.is_ahead { br#","is_ahead":true}"# } else { b"}" });
        text
    }
}

fn append(text: &mut Vec<u8>, body: Option<&Body>) {
    text.extend_from_slice(body.map_or(b"null", |body| body.bytes()));
}

/// Milliseconds since 1970; a clock before that counts as 1970.
fn epoch_ms(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_epoch.as_millis()).unwrap_or(LARGEST).min(LARGEST)
}

fn ceil_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(LARGEST)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn body(text: &'static str) -> Body {
        Body::new(Bytes::from_static(text.as_bytes())).expect("a body")
    }

    fn at(epoch_ms: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(epoch_ms)
    }

    fn record() -> Record {
        Record::commit("rsv_1", body(r#"{"b":1.0, "a":[]}"#), Some(body(r#"{"c":2}"#)), at(1_754_400_000_000))
    }

    fn text(record: &Record) -> String {
        String::from_utf8(record.encode("http://h\"")).expect("UTF-8")
    }

    #[test]
    fn a_record_names_every_field_and_keeps_bodies_to_the_byte() {
        let expected = concat!(
            r#"{"version":1,"reservation_id":"rsv_1","base_url":"http://h\"","mode":"commit","#,
            r#""commit_body":{"b":1.0, "a":[]},"event_fallback_body":{"c":2},"#,
            r#""recorded_at_ms":1754400000000,"not_before_ms":null}"#,
        );
        assert_eq!(text(&record()), expected);
    }

    #[test]
    fn a_record_that_was_written_ahead_says_so_and_until_when_its_writer_is_waited_for() {
        let ahead = record().ahead(Duration::from_secs(60), at(1_754_400_000_000));
        assert!(text(&ahead).ends_with(r#""not_before_ms":1754400060000,"is_ahead":true}"#), "{}", text(&ahead));
    }

    #[test]
    fn a_wait_is_kept_as_an_absolute_time_rounded_up_and_at_most_an_hour_away() {
        let now = at(1_000_000);
        for (asked, expected) in [
            (Duration::ZERO, 1_000_000),
            (Duration::from_micros(1_500), 1_000_002),
            (Duration::from_secs(7), 1_007_000),
            (Duration::from_secs(31_536_000), 4_600_000),
            (Duration::MAX, 4_600_000),
        ] {
            let mut record = record();
            record.wait(asked, now);
            assert_eq!((record.not_before_ms, record.recorded_at_ms), (Some(expected), 1_000_000), "{asked:?}");
        }
    }

    #[test]
    fn the_wait_left_never_exceeds_an_hour_and_ends_when_its_time_is_past() {
        let waiting = Record { not_before_ms: Some(10_000), ..record() };
        assert_eq!(waiting.wait_left(at(4_000)), Duration::from_secs(6));
        assert_eq!(waiting.wait_left(at(99_000)), Duration::ZERO);
        // The clock was set back by years, or stands before 1970.
        let waiting = Record { not_before_ms: Some(u64::MAX), ..record() };
        assert_eq!(waiting.wait_left(at(0)), Duration::from_secs(3_600));
        assert_eq!(waiting.wait_left(UNIX_EPOCH - Duration::from_secs(1)), Duration::from_secs(3_600));
        assert_eq!(record().wait_left(at(0)), Duration::ZERO);
    }

    #[test]
    fn a_lapsed_reservation_is_settled_by_its_event_without_a_wait() {
        let mut lapsed = record();
        lapsed.wait(Duration::from_secs(9), at(1_000));
        assert!(lapsed.switch_to_event(at(2_000)));
        assert!(
            text(&lapsed).contains(r#""mode":"event","commit_body":{"b":1.0, "a":[]},"event_fallback_body":{"c":2}"#)
        );
        assert_eq!((lapsed.recorded_at_ms, lapsed.not_before_ms), (2_000, None));
        // A second time is no error.
        assert!(lapsed.switch_to_event(at(3_000)));
    }

    #[test]
    fn without_an_event_a_record_cannot_be_settled_by_one() {
        let mut lapsed = Record { step: Step::Commit { commit: body("{}"), event: None }, ..record() };
        let before = lapsed.clone();
        assert!(!lapsed.switch_to_event(at(2_000)));
        assert_eq!(lapsed, before);
    }

    #[test]
    fn times_stay_within_what_every_client_reads_exactly() {
        let far = Record { recorded_at_ms: u64::MAX, not_before_ms: Some(u64::MAX), ..record() };
        assert!(text(&far).ends_with(r#""recorded_at_ms":9007199254740991,"not_before_ms":9007199254740991}"#));
    }
}

//! What becomes of settlements.

use tracing::Level;

use super::CallSpan;
use crate::error::Error;
use crate::protocol::Amount;

/// A step of a settlement.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    /// The reservation at stake.
    pub(crate) reservation: &'a str,
    /// What happened, in one word.
    pub(crate) word: &'static str,
    pub(crate) spend: Option<&'a Amount>,
    pub(crate) charged: Option<&'a Amount>,
    pub(crate) error: Option<&'a Error>,
    /// Whether the call is done with it: it has an answer, goes on in the background, or is given up.
    pub(crate) ends_call: bool,
}

impl<'a> Step<'a> {
    /// The last step of a call, of which nothing more is known.
    pub(crate) fn ending(reservation: &'a str, word: &'static str) -> Self {
        Self { reservation, word, spend: None, charged: None, error: None, ends_call: true }
    }
}

/// Tells of a step, and ends the call's span with the last that the call has to do with.
pub(crate) fn settlement(span: &CallSpan, step: Step<'_>) {
    let Step { reservation, word, spend, charged, error, ends_call } = step;
    if span.is_open() {
        span.record("settlement", word);
        if let Some(spend) = spend {
            span.record_number("actual", spend.value());
        }
        if let Some(charged) = charged {
            span.record_number("charged", charged.value());
        }
    }
    span.in_scope(|| {
        tracing::event!(
            name: "cycles.settlement",
            target: "runcycles",
            Level::DEBUG,
            reservation.id = reservation,
            settlement = word,
            spend = spend.map(Amount::value),
            charged = charged.map(Amount::value),
            unit = spend.or(charged).map(|amount| amount.unit().as_str()),
            error.code = error.map(Error::reason_word),
        );
    });
    #[cfg(feature = "metrics")]
    super::meters::settled(word);
    if ends_call {
        span.close();
    }
}

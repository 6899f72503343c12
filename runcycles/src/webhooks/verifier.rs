//! The check that a delivery comes from who knows the secret.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::HeaderMap;

use super::signature::{EVENT_ID_HEADER, EVENT_TYPE_HEADER, Key, read};
use super::{Event, WebhookError};

/// The largest body that is taken, in bytes, where nothing else is said.
const MAX_BODY_BYTES: usize = 256 << 10;

/// Believes deliveries that were signed with a known secret. Cheap to clone; one for each endpoint.
///
/// The signature covers the raw body alone: no header, no time. A delivery that was recorded can be sent again by whoever has
/// it, so handle events by their id ([`handle_once`](super::handle_once)), or bound their age ([`max_age`](Self::max_age)).
#[derive(Clone)]
pub struct WebhookVerifier {
    keys: Vec<Key>,
    max_body_bytes: usize,
    max_age: Option<Duration>,
}

impl WebhookVerifier {
    /// Believes what is signed with a secret: the text that the subscription was created with or answered with, as it is.
    ///
    /// A blank secret is left out, since everybody knows it; a verifier without any other believes nothing.
    pub fn new(secret: impl AsRef<str>) -> Self {
        Self { keys: Vec::new(), max_body_bytes: MAX_BODY_BYTES, max_age: None }.also(secret)
    }

    /// Believes what is signed with another secret too: the old one, until every delivery that was signed with it is in.
    pub fn also(mut self, secret: impl AsRef<str>) -> Self {
        let secret = secret.as_ref();
        if !secret.trim().is_empty() {
            self.keys.push(Key::new(secret));
        }
        self
    }

    /// The largest body that is taken, in bytes; 256 KiB by default. Bound what is read from the network as well.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// The oldest event that is taken, by its own timestamp; any by default. A bound also refuses replays that an operator asked
    /// for and deliveries that were retried for as long, which the authority then gives up.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// The body's limit, for whoever reads it from the network.
    pub fn body_limit(&self) -> usize {
        self.max_body_bytes
    }

    /// Checks a delivery: its size, its signature in constant time, then its body, and that the headers do not say otherwise.
    ///
    /// # Errors
    ///
    /// [`WebhookError`], whose [`status`](WebhookError::status) is what to answer.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<Event, WebhookError> {
        self.verify_at(headers, body, SystemTime::now())
    }

    /// Checks a delivery at a time, which [`max_age`](Self::max_age) counts from.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub fn verify_at(&self, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Result<Event, WebhookError> {
        if self.keys.is_empty() {
            return Err(WebhookError::NoSecret);
        }
        if body.len() > self.max_body_bytes {
            return Err(WebhookError::TooLarge { bytes: body.len(), limit: self.max_body_bytes });
        }
        let signature = read(headers)?;
        // Every secret is tried, so that the time does not tell which one is in use.
        if !self.keys.iter().fold(false, |known, key| known | key.made(&signature, body)) {
            return Err(WebhookError::WrongSignature);
        }
        let event: Event = serde_json::from_slice(body).map_err(WebhookError::Malformed)?;
        agree(headers, EVENT_ID_HEADER, event.event_id.as_str())?;
        agree(headers, EVENT_TYPE_HEADER, event.event_type.as_str())?;
        self.check_age(&event, now)?;
        Ok(event)
    }

    fn check_age(&self, event: &Event, now: SystemTime) -> Result<(), WebhookError> {
        let Some(max_age) = self.max_age else { return Ok(()) };
        let timestamp = || event.timestamp.clone();
        let Some(occurred_at) = event.occurred_at() else {
            return Err(WebhookError::MalformedTimestamp { timestamp: timestamp() });
        };
        match now.duration_since(occurred_at) {
            Ok(age) if age > max_age => Err(WebhookError::TooOld { timestamp: timestamp(), max_age }),
            // The authority's clock may be ahead of this one.
            _ => Ok(()),
        }
    }
}

/// Checks that a header, where there is one, says what the signed body says.
fn agree(headers: &HeaderMap, header: &'static str, expected: &str) -> Result<(), WebhookError> {
    match headers.get_all(header).iter().find(|value| value.as_bytes() != expected.as_bytes()) {
        None => Ok(()),
        Some(other) => Err(WebhookError::HeaderMismatch {
            header,
            found: String::from_utf8_lossy(other.as_bytes()).into_owned(),
            expected: expected.to_owned(),
        }),
    }
}

impl fmt::Debug for WebhookVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookVerifier")
            .field("secrets", &format_args!("{} <redacted>", self.keys.len()))
            .field("max_body_bytes", &self.max_body_bytes)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

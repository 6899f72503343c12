//! Signatures of bodies.

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;

use super::WebhookError;

/// The header that carries the signature: `sha256=` and 64 lower-case hexadecimal digits.
pub const SIGNATURE_HEADER: &str = "x-cycles-signature";

/// The header that repeats the event's id. It is not signed: what the body says counts.
pub const EVENT_ID_HEADER: &str = "x-cycles-event-id";

/// The header that repeats the event's type. It is not signed: what the body says counts.
pub const EVENT_TYPE_HEADER: &str = "x-cycles-event-type";

/// What stands before the digits.
const SCHEME: &str = "sha256=";

/// The value of [`SIGNATURE_HEADER`] for a body: HMAC-SHA256 under the UTF-8 bytes of a secret. For tests of receivers, and for
/// senders.
///
/// ```
/// use runcycles::webhooks::sign;
///
/// let signature = sign("whsec_test", br#"{"event_id":"evt_1"}"#);
/// assert_eq!(signature, "sha256=a251e833b6e26037be9caf784d5126acaa226296487424ad0c0a122d52457a60");
/// ```
///
/// Cycles governance protocol, webhook signatures.
pub fn sign(secret: &str, body: &[u8]) -> String {
    use std::fmt::Write as _;

    let mac = Key::new(secret).0.chain_update(body).finalize().into_bytes();
    let mut signature = String::with_capacity(SCHEME.len() + 64);
    signature.push_str(SCHEME);
    for byte in mac {
        // A text takes everything.
        let _ = write!(signature, "{byte:02x}");
    }
    signature
}

/// A secret in the form in which it signs.
#[derive(Clone)]
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    pub(super) fn new(secret: &str) -> Self {
        Self(Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length"))
    }

    /// Whether this key made a signature, in a time that does not depend on where the two differ.
    pub(super) fn made(&self, signature: &[u8; 32], body: &[u8]) -> bool {
        self.0.clone().chain_update(body).verify_slice(signature).is_ok()
    }
}

/// The signature that headers carry, read strictly: one header, one scheme, lower-case digits.
pub(super) fn read(headers: &HeaderMap) -> Result<[u8; 32], WebhookError> {
    let mut values = headers.get_all(SIGNATURE_HEADER).iter();
    let value = values.next().ok_or(WebhookError::MissingSignature)?;
    if values.next().is_some() {
        return Err(WebhookError::MalformedSignature { found: "several headers" });
    }
    let digits = value.as_bytes().strip_prefix(SCHEME.as_bytes());
    let digits = digits.ok_or(WebhookError::MalformedSignature { found: "another scheme" })?;
    decode(digits).ok_or(WebhookError::MalformedSignature { found: "other digits" })
}

fn decode(digits: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

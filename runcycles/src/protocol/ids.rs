//! Identifiers: reservations, events, idempotency keys.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::short_text::ShortText;

/// What stands for itself in no part of a derived key.
const KEY_ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Declares a newtype over a string with a rule for what it may hold.
macro_rules! string_id {
    ($(#[$meta:meta])* pub struct $name:ident; $what:literal, $check:path) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(ShortText);

        impl $name {
            /// Takes the text as it is.
            ///
            /// # Errors
            ///
            /// [`IdError`] where the text breaks the rule of this type.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                text.into().parse()
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&&*self.0).finish()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                match $check(text) {
                    Ok(()) => Ok(Self(text.into())),
                    Err(expected) => Err(IdError { what: $what, found: text.to_owned(), expected }),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct TextVisitor;
                impl de::Visitor<'_> for TextVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(TextVisitor)
            }
        }
    };
}

string_id! {
    /// A reservation's id: 1 to 128 characters, chosen by the server, otherwise opaque (protocol: `ReservationId`).
    pub struct ReservationId; "reservation id", path_segment
}

string_id! {
    /// An event's id, chosen by the server.
    pub struct EventId; "event id", not_empty
}

string_id! {
    /// The key that makes a retried request take effect once: 1 to 256 characters (protocol: `IdempotencyKey`).
    pub struct IdempotencyKey; "idempotency key", key_length
}

impl IdempotencyKey {
    /// A fresh key: a UUID of version 7, which is unique and shows its time of creation.
    pub fn random() -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &fresh_bytes()).into_uuid();
        Self((&*uuid.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer())).into())
    }

    /// The key of a piece of work: the same namespace and parts give the same key for ever, and others give another. A part may
    /// be absent, which is not the same as empty.
    ///
    /// The key is the namespace and the parts between slashes, with everything but ASCII letters, digits, `-`, `_` and `.` in
    /// percent encoding, and `%` for an absent part.
    ///
    /// ```
    /// use runcycles::models::IdempotencyKey;
    ///
    /// let key = IdempotencyKey::derive("invoice", [Some("job 7"), Some("step-2"), None])?;
    /// assert_eq!(key.as_str(), "invoice/job%207/step-2/%");
    /// # Ok::<(), runcycles::models::IdError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`IdError`] where that has more than 256 characters: use a digest of long parts.
    pub fn derive<P: AsRef<str>>(namespace: &str, parts: impl IntoIterator<Item = Option<P>>) -> Result<Self, IdError> {
        let mut key = utf8_percent_encode(namespace, KEY_ESCAPED).to_string();
        for part in parts {
            key.push('/');
            match part {
                Some(part) => key.extend(utf8_percent_encode(part.as_ref(), KEY_ESCAPED)),
                None => key.push('%'),
            }
        }
        Self::new(key)
    }
}

/// The part of a UUID of version 7 after its time, made without a system call: a counter of 32 bits that starts anywhere, so
/// that keys of one process sort as they were made, and 42 bits of a hash of it. Both come from random bits of the operating
/// system's.
fn fresh_bytes() -> [u8; 10] {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNTER: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(KEY.hash_one("start") >> 33));
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    // The UUID's version comes before the first 12 bits, and its variant before the other 62.
    let first = u16::try_from((count >> 20) & 0xFFF).unwrap_or(0);
    let second = ((count & 0xF_FFFF) << 42) | (KEY.hash_one(count) >> 22);
    let mut bytes = [0; 10];
    bytes[..2].copy_from_slice(&first.to_be_bytes());
    bytes[2..].copy_from_slice(&second.to_be_bytes());
    bytes
}

/// Text that cannot be an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what} {found:?}: expected {expected}")]
pub struct IdError {
    what: &'static str,
    found: String,
    expected: &'static str,
}

/// An id travels as one path segment, which `.` and `..` cannot be: URL parsers resolve them.
fn path_segment(text: &str) -> Result<(), &'static str> {
    if text == "." || text == ".." {
        return Err("anything but a relative path segment");
    }
    match text.chars().count() {
        1..=128 => Ok(()),
        _ => Err("1 to 128 characters"),
    }
}

fn not_empty(text: &str) -> Result<(), &'static str> {
    if text.is_empty() { Err("at least one character") } else { Ok(()) }
}

fn key_length(text: &str) -> Result<(), &'static str> {
    match text.chars().count() {
        1..=256 => Ok(()),
        _ => Err("1 to 256 characters"),
    }
}

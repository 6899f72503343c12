//! Fingerprints of requests: how a replay is told from another request under the same key.

use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a request's canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The SHA-256 of a text.
    pub(crate) fn of_text(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The first 64 bits, as hexadecimal digits.
    pub(crate) fn short(&self) -> String {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        format!("{:016x}", u64::from_be_bytes(first))
    }
}

/// Writes a request's canonical form.
///
/// Two requests have the same form exactly when their members have the same values. The order of members, white space and
/// escapes do not reach it, and absent members with a default are written as the default. Texts carry their length, so
/// that no two sequences of members share a form.
pub(crate) struct Canonical {
    digest: Sha256,
    /// What is not digested yet: the whole form of most requests, which is digested in one piece.
    tail: [u8; 512],
    len: usize,
}

impl Canonical {
    /// The fingerprint of one kind of request, whose members are written in place.
    pub(crate) fn fingerprint(kind: &str, write: impl FnOnce(&mut Self)) -> Fingerprint {
        let mut canonical = Self { digest: Sha256::new(), tail: [0; 512], len: 0 };
        canonical.text(kind);
        write(&mut canonical);
        canonical.digest.update(&canonical.tail[..canonical.len]);
        Fingerprint(canonical.digest.finalize().into())
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.write(text.as_bytes());
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(room) = self.tail.get_mut(self.len..self.len + bytes.len()) {
            room.copy_from_slice(bytes);
            self.len += bytes.len();
            return;
        }
        self.digest.update(&self.tail[..self.len]);
        self.digest.update(bytes);
        self.len = 0;
    }

    /// Writes a few bytes, as many as are known when this is compiled.
    #[inline]
    fn write_few<const N: usize>(&mut self, bytes: [u8; N]) {
        match self.tail[self.len..].first_chunk_mut() {
            Some(room) => {
                *room = bytes;
                self.len += N;
            }
            None => self.write(&bytes),
        }
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.write_few(number.to_le_bytes());
    }

    /// A member that may be absent.
    pub(crate) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.write_few([0]),
            Some(value) => {
                self.write_few([1]);
                write(self, value);
            }
        }
    }

    /// Free JSON, with the members of objects in order and equal numbers written alike.
    pub(crate) fn json(&mut self, value: &Value) {
        match value {
            Value::Null => self.write(b"n"),
            Value::Bool(value) => self.write(if *value { b"t" } else { b"f" }),
            Value::Number(number) => {
                self.write(b"d");
                self.text(&canonical_number(number));
            }
            Value::String(text) => {
                self.write(b"s");
                self.text(text);
            }
            Value::Array(items) => {
                self.write(b"a");
                self.number(items.len() as u64);
                for item in items {
                    self.json(item);
                }
            }
            Value::Object(members) => self.object(members),
        }
    }

    /// A free JSON object.
    pub(crate) fn object(&mut self, members: &serde_json::Map<String, Value>) {
        self.write(b"o");
        self.number(members.len() as u64);
        let mut names: Vec<_> = members.keys().collect();
        names.sort_unstable();
        for name in names {
            self.text(name);
            self.json(&members[name]);
        }
    }
}

/// A number's text; `1.0` and `1e0` are written as `1`.
fn canonical_number(number: &Number) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => format!("{:.0}", float + 0.0),
        _ => number.to_string(),
    }
}

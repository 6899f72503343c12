//! JSON of answers, written as it is computed.
//!
//! Implementation rationale: the answers of a governed call repeat the figures of every budget. Building the client's models
//! for them, which own their texts, and writing those costs more than everything else the authority does for the call.

use std::cell::Cell;

use bytes::Bytes;
use serde::Serialize;

use super::piece::{PIECE, cut};

thread_local! {
    static DRAFT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Writes one object.
pub(super) fn object(write: impl FnOnce(&mut Object<'_>)) -> Bytes {
    let mut draft = DRAFT.take();
    Object::write(&mut draft, write);
    if draft.len() > PIECE {
        return draft.into();
    }
    let answer = cut(&draft);
    draft.clear();
    DRAFT.set(draft);
    answer
}

/// An object that is being written, member by member.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl Object<'_> {
    fn write(out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        write(&mut Object { out, is_empty: true });
        out.push(b'}');
    }

    /// A member's name, which has nothing to escape. Names are literals, so what is copied here is known where it is inlined.
    #[inline]
    fn name(&mut self, name: &'static str) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        self.name(name);
        write_text(self.out, text);
    }

    /// A text that has nothing to escape: an id, a scope, a word of the protocol.
    #[inline]
    pub(super) fn plain(&mut self, name: &'static str, text: &str) {
        self.name(name);
        write_plain(self.out, text);
    }

    pub(super) fn number(&mut self, name: &'static str, number: i64) {
        self.name(name);
        write_number(self.out, number);
    }

    /// What stands before the number of an amount, from the comma before its member. For [`amount!`].
    #[inline]
    pub(super) fn before_amount(&mut self, member: &'static str) {
        self.out.extend_from_slice(if self.is_empty { &member.as_bytes()[1..] } else { member.as_bytes() });
        self.is_empty = false;
    }

    /// The number of an amount, and what ends the amount. For [`amount!`].
    pub(super) fn end_amount(&mut self, value: i64) {
        write_number(self.out, value);
        self.out.push(b'}');
    }

    /// A number that is not negative; none here lies beyond an int64.
    pub(super) fn count(&mut self, name: &'static str, count: u64) {
        self.number(name, i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(super) fn count_if(&mut self, name: &'static str, count: Option<u64>) {
        if let Some(count) = count {
            self.count(name, count);
        }
    }

    pub(super) fn flag(&mut self, name: &'static str, flag: bool) {
        self.name(name);
        self.out.extend_from_slice(if flag { b"true" } else { b"false" });
    }

    pub(super) fn object(&mut self, name: &'static str, write: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        Object::write(self.out, write);
    }

    /// Texts that have nothing to escape.
    pub(super) fn plains<'t>(&mut self, name: &'static str, texts: impl Iterator<Item = &'t str>) {
        self.list(name, texts, write_plain);
    }

    pub(super) fn objects<T>(
        &mut self,
        name: &'static str,
        items: impl Iterator<Item = T>,
        write: impl Fn(&mut Object<'_>, T),
    ) {
        self.list(name, items, |out, item| Object::write(out, |object| write(object, item)));
    }

    /// A member that writes itself.
    pub(super) fn value(&mut self, name: &'static str, value: &impl Serialize) {
        self.name(name);
        let before = self.out.len();
        if let Err(error) = serde_json::to_writer(&mut *self.out, value) {
            // Objects of texts and numbers always serialise.
            tracing::error!(%error, name, "a member of an answer could not be written");
            self.out.truncate(before);
            self.out.extend_from_slice(b"null");
        }
    }

    /// A member of an object that was read, as it stands there.
    pub(super) fn member(&mut self, name: &str, value: &serde_json::value::RawValue) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        write_text(self.out, name);
        self.out.push(b':');
        self.out.extend_from_slice(value.get().as_bytes());
    }

    fn list<T>(&mut self, name: &'static str, items: impl Iterator<Item = T>, write: impl Fn(&mut Vec<u8>, T)) {
        self.name(name);
        self.out.push(b'[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            write(self.out, item);
        }
        self.out.push(b']');
    }
}

/// Writes an amount, an object of a unit and a number, as a member of an [`Object`].
///
/// Input: the object, the member's name as a literal, the unit and the number. Half of an answer are amounts, so everything
/// around their numbers is put together when this is compiled.
macro_rules! amount {
    ($object:expr, $name:literal, $unit:expr, $value:expr) => {
        match $unit {
            $crate::unit::Unit::UsdMicrocents => $crate::http::json::amount!(@before $object, $name, "USD_MICROCENTS"),
            $crate::unit::Unit::Tokens => $crate::http::json::amount!(@before $object, $name, "TOKENS"),
            $crate::unit::Unit::Credits => $crate::http::json::amount!(@before $object, $name, "CREDITS"),
            $crate::unit::Unit::RiskPoints => $crate::http::json::amount!(@before $object, $name, "RISK_POINTS"),
        }
        $object.end_amount($value)
    };
    (@before $object:expr, $name:literal, $unit:literal) => {
        $object.before_amount(concat!(",\"", $name, "\":{\"unit\":\"", $unit, "\",\"amount\":"))
    };
}

pub(super) use amount;

fn write_text(out: &mut Vec<u8>, text: &str) {
    if let Err(error) = serde_json::to_writer(&mut *out, text) {
        // Texts always serialise.
        tracing::error!(%error, "a text of an answer could not be written");
    }
}

fn write_plain(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn write_number(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

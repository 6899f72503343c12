//! The body of a settling request, as it is sent.

use bytes::Bytes;
use serde_json::value::RawValue;

/// The body of a settling request: the text of a JSON object, to the byte as it is sent and sent again. An authority compares
/// repetitions of a key by their text, so neither the order of members nor the form of a number may change on the way through
/// the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body(Bytes);

impl Body {
    /// Takes a text, if it is a JSON object. The bytes are shared, not copied.
    pub(crate) fn new(text: Bytes) -> Option<Self> {
        let raw: &RawValue = serde_json::from_slice(&text).ok()?;
        let object = text.slice_ref(raw.get().as_bytes());
        (object.first() == Some(&b'{') && !has_lone_surrogate(&object)).then_some(Self(object))
    }

    /// Takes a text that this process has made of one of its own requests: always a JSON object.
    pub(crate) fn made(text: Bytes) -> Self {
        Self(text)
    }

    /// The text.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.0
    }
}

/// Whether a text that is known to be JSON has half a surrogate pair in an escape. Such a string is no text, and authorities
/// differ in what they make of it.
fn has_lone_surrogate(json: &[u8]) -> bool {
    let unit = |at: usize| -> Option<u16> {
        let escape = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(escape).ok()?, 16).ok()
    };
    let mut at = 0;
    while let Some(offset) = json.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += offset;
        match (unit(at), unit(at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => at += 12,
            (Some(0xD800..=0xDFFF), _) => return true,
            (Some(_), _) => at += 6,
            // An escape of two characters, the second of which may be a backslash too.
            (None, _) => at += 2,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_a_json_object_and_keeps_its_text() {
        let text = br#" {"b":1.0,"a":123456789012345678901234567890,"b":[1e400 ],"c":"\u00e9\uD83D\ude00\\ud800"} "#;
        let body = Body::new(Bytes::from_static(text)).expect("a body");
        assert_eq!(body.bytes(), text.trim_ascii());
    }

    #[test]
    fn what_is_no_object_or_no_text_is_no_body() {
        for text in [
            "",
            "null",
            "[]",
            "\"{}\"",
            "1",
            "{",
            "{}{}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\uDFFF\ud800"}"#,
            r#"{"a":"\ud800\u0041"}"#,
            r#"{"a":"\\\ud800"}"#,
            r#"{"a":["\ud83d\ud83d\ude00"]}"#,
        ] {
            assert_eq!(Body::new(Bytes::from(text)), None, "{text}");
        }
        assert_eq!(Body::new(Bytes::from_static(b"{\"a\":\"\xff\"}")), None);
    }
}

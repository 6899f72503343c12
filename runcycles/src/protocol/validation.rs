//! What a request may contain, checked before it is sent.

use std::borrow::Cow;

/// A value that the protocol does not allow, found before anything was sent.
///
/// Its text says which member, what was found and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {field}: found {found}, expected {expected}")]
pub struct ValidationError {
    field: Cow<'static, str>,
    found: String,
    expected: Cow<'static, str>,
}

impl ValidationError {
    pub(crate) fn new(
        field: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field: field.into(), found: found.into(), expected: expected.into() }
    }

    /// The member at fault, such as `subject.agent`.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What it held.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What it may hold.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

/// The beginning of a text, for a message that must stay readable.
pub(crate) fn shorten(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 64;
    match text.char_indices().nth(SHOWN) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// Checks the number of characters of a text.
pub(crate) fn check_chars(
    field: &'static str,
    text: &str,
    allowed: std::ops::RangeInclusive<usize>,
) -> Result<(), ValidationError> {
    let chars = text.chars().count();
    if allowed.contains(&chars) {
        return Ok(());
    }
    let expected = format!("{} to {} characters", allowed.start(), allowed.end());
    Err(ValidationError::new(field, format!("{chars} characters"), expected))
}

/// Checks a number against its range.
pub(crate) fn check_range(
    field: &'static str,
    value: u64,
    allowed: std::ops::RangeInclusive<u64>,
) -> Result<(), ValidationError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let expected = format!("{} to {}", allowed.start(), allowed.end());
    Err(ValidationError::new(field, value.to_string(), expected))
}

//! Query strings, and the instants in them.

use std::borrow::Cow;

use super::instant::parse_instant;
use super::problem::Problem;
use crate::clock::Millis;

/// The pairs of a query string.
#[derive(Debug)]
pub(super) struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Query<'a> {
    pub(super) fn parse(query: Option<&'a str>) -> Self {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(name, true), percent_decode(value, true))
        });
        Self { pairs: decoded.collect() }
    }

    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
    }

    /// The first value of a name, unless it is blank.
    pub(super) fn get_some(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.trim().is_empty())
    }

    /// A page's size: 1 to 200, 50 by default.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.get_some("limit") else { return Ok(50) };
        match text.parse::<usize>() {
            Ok(limit @ 1..=200) => Ok(limit),
            _ => Err(Problem::invalid(format!("Validation failed: limit: must be 1 to 200, found {}", shown(text)))),
        }
    }

    /// A boolean.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.get_some(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => {
                let message = format!("Validation failed: {name}: must be true or false, found {}", shown(other));
                Err(Problem::invalid(message))
            }
        }
    }

    /// One of the names of a vocabulary.
    pub(super) fn one_of<T: Copy>(
        &self,
        name: &str,
        vocabulary: &[T],
        name_of: impl Fn(T) -> &'static str,
        ignore_case: bool,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let is_named = |item: &T| {
            let wanted = name_of(*item);
            if ignore_case { wanted.eq_ignore_ascii_case(text) } else { wanted == text }
        };
        match vocabulary.iter().copied().find(is_named) {
            Some(item) => Ok(Some(item)),
            None => {
                let names: Vec<_> = vocabulary.iter().map(|item| name_of(*item)).collect();
                let message =
                    format!("Validation failed: {name}: must be one of {}, found {}", names.join(", "), shown(text));
                Err(Problem::invalid(message))
            }
        }
    }

    /// An inclusive window of time, if either end is given.
    pub(super) fn window(&self, from: &str, to: &str) -> Result<Option<std::ops::RangeInclusive<Millis>>, Problem> {
        let instant = |name: &str, round_up: bool| {
            let Some(text) = self.get_some(name) else { return Ok(None) };
            match parse_instant(text.trim()) {
                Some((ms, rest)) => Ok(Some(if rest && round_up { ms + 1 } else { ms })),
                None => Err(Problem::invalid(format!(
                    "Validation failed: {name}: must be an ISO 8601 instant such as 2025-11-22T01:30:00Z, found {}",
                    shown(text)
                ))),
            }
        };
        let (start, end) = (instant(from, true)?, instant(to, false)?);
        match (start, end) {
            (None, None) => Ok(None),
            (Some(start), Some(end)) if start > end => {
                Err(Problem::invalid(format!("Validation failed: {from}: must not be after {to}")))
            }
            (start, end) => Ok(Some(start.unwrap_or(0)..=end.unwrap_or(Millis::MAX))),
        }
    }
}

/// A value for a message that must stay readable.
pub(super) fn shown(text: &str) -> String {
    const SHOWN: usize = 64;
    let beginning: String = text.chars().take(SHOWN).collect();
    let more = if beginning.len() < text.len() { "…" } else { "" };
    format!("{beginning:?}{more}")
}

/// Decodes `%41`, and in forms `+`. What is not a code stays as it is; bytes that are not UTF-8 are replaced.
pub(super) fn percent_decode(text: &str, form: bool) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'%' || (form && byte == b'+')) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3).and_then(|code| Some(hex_digit(code[0])? << 4 | hex_digit(code[1])?));
        match (bytes[at], code) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) if form => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

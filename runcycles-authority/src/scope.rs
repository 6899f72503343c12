//! Scope paths: where a budget stands in the hierarchy.

use std::fmt;
use std::sync::Arc;

use runcycles::models::Level;

/// The longest value of a level, in characters.
const MAX_LEVEL_CHARS: usize = 128;

/// The longest path: every level, its name of at most ten characters with the colon, and the slash before the next.
const MAX_PATH_BYTES: usize = Level::ALL.len() * (MAX_LEVEL_CHARS + 11);

/// A path that is put together where it costs no allocation.
struct Spelled {
    text: [u8; MAX_PATH_BYTES],
    len: usize,
}

impl Spelled {
    fn push(&mut self, part: &str) {
        let end = self.len + part.len();
        if let Some(place) = self.text.get_mut(self.len..end) {
            place.copy_from_slice(part.as_bytes());
            self.len = end;
        }
    }

    fn as_str(&self) -> &str {
        // What parts of text make up is text.
        std::str::from_utf8(&self.text[..self.len]).unwrap_or_default()
    }
}

/// The canonical path of a scope, such as `tenant:acme/agent:bot`: lower-case segments, outermost level first.
///
/// No value contains a slash, so every scope above this one is a prefix that ends before a slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ScopePath(Arc<str>);

impl ScopePath {
    /// The path of a subject's levels, whose values have been checked; levels left out are skipped.
    ///
    /// The values keep their case in `spelling`, the path does not.
    pub(crate) fn derive<'a>(levels: impl Iterator<Item = (Level, &'a str)>) -> (Self, Spelling) {
        let mut spelled = Spelled { text: [0; MAX_PATH_BYTES], len: 0 };
        for (level, value) in levels {
            if spelled.len > 0 {
                spelled.push("/");
            }
            spelled.push(level.as_str());
            spelled.push(":");
            spelled.push(value);
        }
        let spelled = spelled.as_str();
        if spelled.bytes().any(|byte| byte.is_ascii_uppercase()) {
            let path = Self(spelled.to_ascii_lowercase().into());
            return (path, Spelling(Some(spelled.into())));
        }
        (Self(spelled.into()), Spelling(None))
    }

    /// Reads the path of a budget: tenant first, levels in order, any of them left out, each value of letters, digits, `.`,
    /// `_` and `-` that begins and ends with a letter or digit. The result is lower-case.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidScope> {
        let invalid = |problem: Problem| InvalidScope { scope: text.to_owned(), problem };
        let mut last: Option<Level> = None;
        for segment in text.split('/') {
            let (kind, value) = segment.split_once(':').ok_or_else(|| invalid(Problem::NoKind(segment.to_owned())))?;
            let level = Level::ALL
                .into_iter()
                .find(|level| level.as_str() == kind)
                .ok_or_else(|| invalid(Problem::UnknownKind(kind.to_owned())))?;
            match last {
                None if level != Level::Tenant => return Err(invalid(Problem::NoTenant)),
                Some(last) if last >= level => return Err(invalid(Problem::Order { last, found: level })),
                _ => last = Some(level),
            }
            if !is_budget_value(value) {
                return Err(invalid(Problem::Value { level, value: value.to_owned() }));
            }
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// A path that was read before.
    pub(crate) fn from_shared(text: Arc<str>) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn shared(&self) -> &Arc<str> {
        &self.0
    }

    /// This scope and those above it, outermost first.
    pub(crate) fn prefixes(&self) -> impl Iterator<Item = &str> {
        let inner = self.0.bytes().enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| at);
        inner.chain(std::iter::once(self.0.len())).map(|end| &self.0[..end])
    }

    /// The value of the first segment, which is the tenant for every budget.
    pub(crate) fn tenant(&self) -> &str {
        let first = self.0.split('/').next().unwrap_or_default();
        first.strip_prefix("tenant:").unwrap_or_default()
    }
}

impl fmt::Display for ScopePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The last segment of a path, such as `agent:bot`.
pub(crate) fn leaf(path: &str) -> &str {
    let start = path.bytes().rposition(|byte| byte == b'/').map_or(0, |slash| slash + 1);
    &path[start..]
}

/// The levels and values of a path, outermost first.
pub(crate) fn segments(path: &str) -> impl Iterator<Item = (Level, &str)> {
    path.split('/').filter_map(|segment| {
        let (kind, value) = segment.split_once(':')?;
        let level = Level::ALL.into_iter().find(|level| level.as_str() == kind)?;
        Some((level, value))
    })
}

/// The path as the client wrote it, where that differs from the canonical one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spelling(Option<Box<str>>);

impl Spelling {
    /// The levels and values as the client wrote them.
    pub(crate) fn levels<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (Level, &'a str)> {
        segments(self.0.as_deref().unwrap_or(path))
    }

    /// The whole path as the client wrote it, where that differs from the canonical one.
    pub(crate) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub(crate) fn from_text(text: Option<&str>) -> Self {
        Self(text.map(Box::from))
    }
}

/// Whether a subject's level may have a value: 1 to 128 characters out of letters, digits, `_`, `.` and `-`.
pub(crate) fn is_level_value(value: &str) -> bool {
    (1..=MAX_LEVEL_CHARS).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// Whether a budget's level may have a value: as a subject's, beginning and ending with a letter or digit.
fn is_budget_value(value: &str) -> bool {
    let ends_well = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    is_level_value(value) && ends_well(value.bytes().next()) && ends_well(value.bytes().last())
}

/// Text that is not the scope of a budget.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid scope {scope:?}: {problem}")]
pub struct InvalidScope {
    scope: String,
    problem: Problem,
}

impl InvalidScope {
    /// The text.
    pub fn scope(&self) -> &str {
        &self.scope
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("found {0:?}, expected level:value segments joined by '/', such as tenant:acme/agent:bot")]
    NoKind(String),
    #[error("unknown level {0:?}, expected one of tenant, workspace, app, workflow, agent, toolset")]
    UnknownKind(String),
    #[error("it does not start with a tenant, as in tenant:acme/agent:bot")]
    NoTenant,
    #[error("{found} follows {last}, expected the order tenant, workspace, app, workflow, agent, toolset")]
    Order { last: Level, found: Level },
    #[error(
        "{level} is {value:?}, expected 1 to 128 characters out of A-Z a-z 0-9 _ . - that begin and end with a letter or digit"
    )]
    Value { level: Level, value: String },
}

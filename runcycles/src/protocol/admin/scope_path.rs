//! Where a budget stands.

use std::convert::Infallible;
use std::fmt;

use crate::protocol::validation::shorten;
use crate::protocol::{Level, Subject, ValidationError};

/// The longest id in a path, in characters.
const MAX_ID_CHARS: usize = 128;

/// The path of a budget's scope, such as `tenant:acme/agent:bot`: a tenant, and below it any levels in their order.
///
/// Ids have 1 to 128 letters, digits, `.`, `_` and `-`, the first and the last of them a letter or digit. Authorities do not
/// tell upper from lower case, so that a path is in lower case.
///
/// ```
/// use runcycles::{Scope, admin::ScopePath};
///
/// let path: ScopePath = "tenant:acme/agent:Bot".parse()?;
/// assert_eq!(path.as_str(), "tenant:acme/agent:bot");
/// assert_eq!(path, ScopePath::try_from(Scope::tenant("acme").agent("bot"))?);
///
/// let error = "tenant:acme/agnet:bot".parse::<ScopePath>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "invalid scope: found \"agnet:bot\" in \"tenant:acme/agnet:bot\", \
///      expected a level below tenant: one of workspace, app, workflow, agent, toolset",
/// );
/// # Ok::<(), runcycles::models::ValidationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopePath(Box<str>);

impl ScopePath {
    /// The path as it stands on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tenant that owns the budget.
    pub fn tenant(&self) -> &str {
        let first = self.0.split('/').next().unwrap_or_default();
        first.strip_prefix("tenant:").unwrap_or_default()
    }

    /// The levels and their ids, as calls name them.
    pub fn subject(&self) -> Subject {
        let mut subject = Subject::default();
        for segment in self.0.split('/') {
            let found = segment.split_once(':').and_then(|(kind, id)| Some((level_of(kind)?, id)));
            if let Some((level, id)) = found {
                *subject.level_mut(level) = Some(id.to_owned());
            }
        }
        subject
    }
}

fn level_of(kind: &str) -> Option<Level> {
    Level::ALL.into_iter().find(|level| level.as_str() == kind)
}

/// Reads a path, level by level.
fn parse(text: &str) -> Result<ScopePath, ValidationError> {
    let mut levels = Level::ALL.into_iter();
    let mut above: Option<Level> = None;
    for segment in text.split('/') {
        let wrong = |expected: String| {
            let found = format!("{:?} in {:?}", shorten(segment), shorten(text));
            Err(ValidationError::new("scope", found, expected))
        };
        let (kind, id) = segment.split_once(':').unwrap_or((segment, ""));
        let Some(level) = levels.find(|level| level.as_str().eq_ignore_ascii_case(kind)) else {
            return wrong(match above {
                None => "a tenant first, such as tenant:acme".to_owned(),
                Some(above) => expected_below(above),
            });
        };
        if above.is_none() && level != Level::Tenant {
            return wrong("a tenant first, such as tenant:acme".to_owned());
        }
        if !is_id(id) {
            return wrong(format!(
                "{level}: and an id of 1 to 128 characters out of A-Z a-z 0-9 . _ -, a letter or digit first and last; \
                 Scope::encode makes one of any text"
            ));
        }
        above = Some(level);
    }
    Ok(ScopePath(text.to_ascii_lowercase().into()))
}

fn expected_below(above: Level) -> String {
    let below: Vec<_> = Level::ALL.into_iter().filter(|level| *level > above).map(Level::as_str).collect();
    if below.is_empty() {
        return format!("nothing below {above}");
    }
    format!("a level below {above}: one of {}", below.join(", "))
}

fn is_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let ends = [id.bytes().next(), id.bytes().next_back()];
    id.len() <= MAX_ID_CHARS
        && id.bytes().all(fits)
        && ends.iter().all(|end| end.is_some_and(|end| end.is_ascii_alphanumeric()))
}

impl fmt::Display for ScopePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ScopePath {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        parse(text)
    }
}

impl TryFrom<&str> for ScopePath {
    type Error = ValidationError;

    fn try_from(text: &str) -> Result<Self, ValidationError> {
        parse(text)
    }
}

impl TryFrom<String> for ScopePath {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, ValidationError> {
        parse(&text)
    }
}

impl TryFrom<&Subject> for ScopePath {
    type Error = ValidationError;

    /// Dimensions have no budgets of their own, so that a subject with some is refused.
    fn try_from(subject: &Subject) -> Result<Self, ValidationError> {
        if let Some(name) = subject.dimensions.keys().next() {
            let found = format!("the dimension {:?}", shorten(name));
            return Err(ValidationError::new("scope", found, "levels alone: a dimension has no budget of its own"));
        }
        let segments: Vec<_> =
            Level::ALL.into_iter().filter_map(|level| Some(format!("{level}:{}", subject.level(level)?))).collect();
        // A slash in a value must not make two levels of one.
        subject.validate()?;
        parse(&segments.join("/"))
    }
}

impl TryFrom<Subject> for ScopePath {
    type Error = ValidationError;

    /// As from a reference to one.
    fn try_from(subject: Subject) -> Result<Self, ValidationError> {
        Self::try_from(&subject)
    }
}

/// Lets a path stand wherever something is that may become one.
impl From<Infallible> for ValidationError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

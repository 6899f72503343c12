//! Who acts: the levels of the budget hierarchy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::validation::{ValidationError, shorten};
use super::wire_object::object_only;

/// The longest value of a level, in characters.
const MAX_LEVEL_CHARS: usize = 128;
/// The most dimensions a subject may carry.
const MAX_DIMENSIONS: usize = 16;
/// The longest value of a dimension, in characters.
const MAX_DIMENSION_CHARS: usize = 256;

/// A level of the budget hierarchy, outermost first (protocol: Scope derivation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// The organisation that owns the budgets.
    Tenant,
    /// A team, environment or department.
    Workspace,
    /// An application.
    App,
    /// A workflow, conversation or run.
    Workflow,
    /// One agent or user.
    Agent,
    /// A group of tools or models.
    Toolset,
}

impl Level {
    /// All levels, outermost first.
    pub const ALL: [Self; 6] = [Self::Tenant, Self::Workspace, Self::App, Self::Workflow, Self::Agent, Self::Toolset];

    /// The name on the wire, such as `agent`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Workspace => "workspace",
            Self::App => "app",
            Self::Workflow => "workflow",
            Self::Agent => "agent",
            Self::Toolset => "toolset",
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who acts, as it stands on the wire: up to six levels and free dimensions (protocol: `Subject`).
///
/// [`Scope`](crate::Scope) builds one that always has a level. Levels that a call leaves out are filled from the ambient
/// scope and from the client's defaults. Dimensions are for reporting: an authority of protocol v0 caps nothing by them.
///
/// ```
/// use runcycles::models::Subject;
///
/// let subject = Subject { tenant: Some("acme".into()), agent: Some("bot".into()), ..Default::default() };
/// assert!(subject.validate().is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Subject {
    /// The organisation that owns the budgets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// A team, environment or department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// An application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// A workflow, conversation or run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// One agent or user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// A group of tools or models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolset: Option<String>,
    /// Free names and values for reporting: at most 16, each value at most 256 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_as_empty")]
    pub dimensions: BTreeMap<String, String>,
}

object_only!(Subject);

/// Some servers write absent maps as `null`.
fn null_as_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Subject {
    /// The value of a level.
    pub fn level(&self, level: Level) -> Option<&str> {
        match level {
            Level::Tenant => self.tenant.as_deref(),
            Level::Workspace => self.workspace.as_deref(),
            Level::App => self.app.as_deref(),
            Level::Workflow => self.workflow.as_deref(),
            Level::Agent => self.agent.as_deref(),
            Level::Toolset => self.toolset.as_deref(),
        }
    }

    /// The place of a level's value.
    pub fn level_mut(&mut self, level: Level) -> &mut Option<String> {
        match level {
            Level::Tenant => &mut self.tenant,
            Level::Workspace => &mut self.workspace,
            Level::App => &mut self.app,
            Level::Workflow => &mut self.workflow,
            Level::Agent => &mut self.agent,
            Level::Toolset => &mut self.toolset,
        }
    }

    /// Whether no level is given; dimensions do not count.
    pub fn has_no_level(&self) -> bool {
        Level::ALL.iter().all(|level| self.level(*level).is_none())
    }

    /// Fills what this subject leaves out from `fallback`, level by level and dimension by dimension.
    pub fn or(mut self, fallback: &Self) -> Self {
        for level in Level::ALL {
            let place = self.level_mut(level);
            if place.is_none() {
                *place = fallback.level(level).map(str::to_owned);
            }
        }
        for (name, value) in &fallback.dimensions {
            self.dimensions.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }

    /// Checks what the protocol says of subjects: at least one level; level values of 1 to 128 characters out of letters,
    /// digits, `_`, `.` and `-`; at most 16 dimensions with values of at most 256 characters.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] naming the level or dimension and its value.
    pub fn validate(&self) -> Result<(), ValidationError> {
        if self.has_no_level() {
            return Err(ValidationError::new(
                "subject",
                "no level",
                "at least one of tenant, workspace, app, workflow, agent, toolset: give the call a scope, or the client a tenant",
            ));
        }
        for level in Level::ALL {
            if let Some(value) = self.level(level) {
                validate_level_value(level, value)?;
            }
        }
        if self.dimensions.len() > MAX_DIMENSIONS {
            let found = format!("{} dimensions", self.dimensions.len());
            return Err(ValidationError::new("subject.dimensions", found, "at most 16"));
        }
        for (name, value) in &self.dimensions {
            let chars = value.chars().count();
            if chars > MAX_DIMENSION_CHARS {
                let field = format!("subject.dimensions.{}", shorten(name));
                return Err(ValidationError::new(field, format!("{chars} characters"), "at most 256 characters"));
            }
        }
        Ok(())
    }
}

/// Checks one level's value.
fn validate_level_value(level: Level, value: &str) -> Result<(), ValidationError> {
    let expected = "1 to 128 characters out of A-Z a-z 0-9 _ . -";
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let chars = value.chars().count();
    if chars == 0 || chars > MAX_LEVEL_CHARS {
        return Err(ValidationError::new(format!("subject.{level}"), format!("{chars} characters"), expected));
    }
    match value.chars().find(|c| !fits(*c)) {
        None => Ok(()),
        Some(c) => Err(ValidationError::new(
            format!("subject.{level}"),
            format!("{:?}, which contains {c:?}", shorten(value)),
            expected,
        )),
    }
}

//! What is about to be done.

use serde::{Deserialize, Serialize};

use super::PolicyKeys;
use super::validation::{ValidationError, check_chars};
use super::wire_object::object_only;

/// What is about to be done (protocol: `Action`).
///
/// ```
/// use runcycles::models::Action;
///
/// let action = Action::new("llm.completion", "gpt-4o").tag("customer-facing");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct Action {
    /// The type of action, `<category>.<operation>` such as `llm.completion`: 1 to 64 characters.
    pub kind: String,
    /// The provider, model or tool, such as `openai:gpt-4o-mini`: 1 to 256 characters.
    pub name: String,
    /// Tags for policies and reports: at most 10, each at most 64 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_empty")]
    pub tags: Vec<String>,
    /// What policies can look at beside the kind (protocol v0.1.26); absent unless the application gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_keys: Option<Box<PolicyKeys>>,
}

object_only!(Action);

/// Some servers write an absent list as `null`.
fn null_as_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Action {
    /// An action of a kind, with a name.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), name: name.into(), tags: Vec::new(), policy_keys: None }
    }

    /// Adds a tag.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Gives policies more to look at than the kind (protocol v0.1.26). Servers of v0.1.25 may refuse the request.
    pub fn policy_keys(mut self, keys: PolicyKeys) -> Self {
        self.policy_keys = Some(Box::new(keys));
        self
    }

    /// Checks the protocol's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        for (field, text, most) in [("action.kind", &self.kind, 64), ("action.name", &self.name, 256)] {
            if text.trim().is_empty() {
                return Err(ValidationError::new(field, "nothing", "a name such as llm.completion"));
            }
            check_chars(field, text, 1..=most)?;
        }
        if self.tags.len() > 10 {
            return Err(ValidationError::new("action.tags", format!("{} tags", self.tags.len()), "at most 10"));
        }
        self.tags.iter().try_for_each(|tag| check_chars("action.tags", tag, 0..=64))?;
        self.policy_keys.as_ref().map_or(Ok(()), |keys| keys.validate())
    }
}

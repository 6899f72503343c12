//! The registry of action kinds, as servers publish it.

use serde::{Deserialize, Serialize};

use super::QueryPairs;
use super::string_enum::string_enum;
use super::validation::{ValidationError, check_range};
use super::wire_object::wire_object;

string_enum! {
    /// How much harm an action can do (protocol v0.1.26: `ActionRiskClass`); [`order`](Self::order) sorts them.
    pub enum RiskClass {
        /// It changes nothing.
        ReadOnly = "read_only",
        /// It changes what the agent alone sees.
        LocalMutation = "local_mutation",
        /// It changes something, or costs something.
        SideEffect = "side_effect",
        /// It changes something outside of the organisation, such as an e-mail to a customer.
        ExternalSideEffect = "external_side_effect",
        /// It cannot be taken back, or moves money.
        HighRisk = "high_risk",
    }
}

impl RiskClass {
    /// The known classes, the least risk first.
    pub const ALL: [Self; 5] =
        [Self::ReadOnly, Self::LocalMutation, Self::SideEffect, Self::ExternalSideEffect, Self::HighRisk];

    /// The place among the known classes, 0 for the least risk; `None` for a class this version does not know.
    pub fn order(&self) -> Option<usize> {
        Self::ALL.iter().position(|known| known == self)
    }
}

/// The dimensions that policies can look at beside an action's kind (protocol v0.1.26: `ActionPolicyKeySpec`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PolicyKeySpec {
    /// The host that is called.
    #[serde(skip_serializing_if = "is_false")]
    pub host: bool,
    /// The domain of the recipient.
    #[serde(skip_serializing_if = "is_false")]
    pub recipient_domain: bool,
    /// The resource that is touched, and what the kind calls it, such as `table`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The path that is touched.
    #[serde(skip_serializing_if = "is_false")]
    pub path_prefix: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

wire_object! {
    /// A kind of action in a registry (protocol v0.1.26: `ActionKind`).
    pub struct ActionKind {
        required {
            /// The kind, `<category>.<operation>` such as `llm.completion`.
            kind: String,
            /// How much harm it can do.
            risk_class: RiskClass,
        }
        optional {
            /// What policies can look at beside the kind.
            policy_key_spec: PolicyKeySpec,
            /// What it is.
            description: String,
            /// Whether it is on its way out.
            deprecated: bool,
            /// The kind to use in its place.
            replacement_kind: String,
        }
        list {
            /// What the names of tools begin with that are of this kind by convention.
            mcp_tool_prefixes: String,
        }
    }
}

wire_object! {
    /// A page of the registry of action kinds (protocol v0.1.26: `ActionKindRegistry`).
    pub struct ActionKindPage {
        required {
            /// The version of the registry.
            version: String,
            /// The kinds.
            kinds: Vec<ActionKind>,
        }
        optional {
            /// Where the next page starts.
            next_cursor: String,
            /// Whether there is a next page.
            has_more: bool,
        }
        list {}
    }
}

/// Which action kinds to list (protocol v0.1.26: `GET /v1/action-kinds`).
///
/// ```
/// use runcycles::models::{ListActionKinds, RiskClass};
///
/// let dangerous = ListActionKinds::new().risk_class(RiskClass::HighRisk).limit(100);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListActionKinds {
    pairs: QueryPairs,
    limit: Option<u32>,
    cursor: Option<String>,
}

impl ListActionKinds {
    /// Every kind that is not deprecated.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of a risk class.
    pub fn risk_class(mut self, class: RiskClass) -> Self {
        self.pairs.push(("risk_class", class.as_str().to_owned()));
        self
    }

    /// Deprecated ones too.
    pub fn with_deprecated(mut self) -> Self {
        self.pairs.push(("deprecated", "true".to_owned()));
        self
    }

    /// How many a page has: 1 to 100; the server's default, 50, if not set.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Where the page starts: the cursor of the page before.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    pub(crate) fn to_pairs(&self) -> Result<QueryPairs, ValidationError> {
        let mut pairs = self.pairs.clone();
        if let Some(limit) = self.limit {
            check_range("limit", u64::from(limit), 1..=100)?;
            pairs.push(("limit", limit.to_string()));
        }
        pairs.extend(self.cursor.iter().map(|cursor| ("cursor", cursor.clone())));
        Ok(pairs)
    }
}

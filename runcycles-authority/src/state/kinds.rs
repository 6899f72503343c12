//! The registry of action kinds: the protocol's, and those that this authority adds (protocol v0.1.26).

use std::sync::Arc;

use runcycles::kinds::{self, RegisteredKind};
use runcycles::models::{ActionKind, RiskClass};

/// What the kinds of an organisation's own begin with. Each must be declared.
const CUSTOM: &str = "custom.";

/// The kinds that this authority adds to the protocol's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kinds {
    added: Arc<[ActionKind]>,
}

impl Kinds {
    pub(crate) fn new(added: Vec<ActionKind>) -> Self {
        Self { added: added.into() }
    }

    /// How much harm actions of a kind can do; one that is not registered counts as a side effect.
    pub(crate) fn risk_class(&self, kind: &str) -> RiskClass {
        self.added(kind).map_or_else(|| kinds::risk_class(kind), |added| added.risk_class.clone())
    }

    /// Whether a kind may be used: one of an organisation's own must be declared.
    pub(crate) fn may_be_used(&self, kind: &str) -> bool {
        !kind.starts_with(CUSTOM) || self.added(kind).is_some()
    }

    /// Whether a kind is on its way out.
    pub(crate) fn is_deprecated(&self, kind: &str) -> bool {
        self.added(kind).is_some_and(|added| added.deprecated == Some(true))
    }

    pub(crate) fn find(&self, kind: &str) -> Option<ActionKind> {
        self.added(kind).cloned().or_else(|| kinds::find(kind).map(entry))
    }

    /// Every kind by its name.
    pub(crate) fn all(&self) -> Vec<ActionKind> {
        let known = kinds::ALL.iter().filter(|kind| self.added(kind.kind).is_none()).map(entry);
        let mut all: Vec<_> = known.chain(self.added.iter().cloned()).collect();
        all.sort_by(|a, b| a.kind.cmp(&b.kind));
        all
    }

    fn added(&self, kind: &str) -> Option<&ActionKind> {
        self.added.iter().find(|added| added.kind == kind)
    }
}

/// A kind of the protocol as the registry shows it.
fn entry(known: &RegisteredKind) -> ActionKind {
    let mut entry = ActionKind::new(known.kind.to_owned(), known.risk_class.clone());
    entry.policy_key_spec = known.policy_key_spec();
    entry
}

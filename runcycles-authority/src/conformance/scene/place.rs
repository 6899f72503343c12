//! Where a subject stands in the hierarchy.

use serde_json::{Map, Value};

use crate::conformance::provision::LedgerSpec;

/// A subject's levels, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    segments: Vec<(&'static str, String)>,
}

impl Place {
    pub(crate) fn tenant(id: &str) -> Self {
        Self { segments: vec![("tenant", id.to_owned())] }
    }

    /// A place one level in, such as an agent of a workspace.
    pub(crate) fn below(&self, level: &'static str, value: impl Into<String>) -> Self {
        let mut segments = self.segments.clone();
        segments.push((level, value.into()));
        Self { segments }
    }

    /// An agent of its own, which no other check knows.
    pub(crate) fn agent(&self) -> Self {
        self.below("agent", fresh("agent"))
    }

    /// A ledger of tokens here, to be opened or named.
    pub(crate) fn ledger(&self, allocated: i64) -> LedgerSpec {
        let tenant = self.segments.first().map_or("", |(_, value)| value).to_owned();
        LedgerSpec { tenant, scope: self.scope(), unit: "TOKENS", allocated, overdraft_limit: 0 }
    }

    /// The value of the innermost level.
    pub(crate) fn name(&self) -> &str {
        self.segments.last().map_or("", |(_, value)| value)
    }

    pub(crate) fn subject(&self) -> Value {
        let levels = self.segments.iter().map(|(level, value)| ((*level).to_owned(), Value::from(value.as_str())));
        Value::Object(levels.collect::<Map<_, _>>())
    }

    pub(crate) fn levels(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.segments.iter().map(|(level, value)| (*level, value.as_str()))
    }

    /// The canonical scopes from the outermost to this one.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let mut scope = String::new();
        let extend = |(level, value): (&str, &str)| {
            if !scope.is_empty() {
                scope.push('/');
            }
            scope.push_str(level);
            scope.push(':');
            scope.push_str(&value.to_lowercase());
            scope.clone()
        };
        self.levels().map(extend).collect()
    }

    /// The canonical scope, such as `tenant:acme/agent:bot`.
    pub(crate) fn scope(&self) -> String {
        self.scopes().pop().unwrap_or_default()
    }
}

/// A name that nothing else has.
pub(crate) fn fresh(kind: &str) -> String {
    format!("{kind}-{}", uuid::Uuid::new_v4().simple())
}

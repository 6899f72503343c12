//! What a budgets file says, entry by entry.

use std::fmt;
use std::time::Duration;

use crate::protocol::admin::ScopePath;
use crate::protocol::{ActionRules, Amount, Caps, CommitOveragePolicy, ObserveMode};

/// A tenant of a budgets file, and what applies to its reservations. What is left out stays as it is on the server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TenantEntry {
    /// Its id.
    pub id: String,
    /// What happens to spend beyond a reservation where a request does not say.
    pub overage_policy: Option<CommitOveragePolicy>,
    /// How long reservations live where a request does not say.
    pub default_ttl: Option<Duration>,
    /// How long they may live at most.
    pub max_ttl: Option<Duration>,
    /// How often one may be extended.
    pub max_extensions: Option<u32>,
    /// Whether its calls are held to the answers (protocol v0.1.26).
    pub observe_mode: Option<ObserveMode>,
}

/// An API key of a budgets file. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiKeyEntry {
    /// The key.
    pub key: String,
    /// Whose it is.
    pub tenant: String,
}

impl fmt::Debug for ApiKeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyEntry").field("key", &"<redacted>").field("tenant", &self.tenant).finish()
    }
}

/// A budget of a budgets file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BudgetEntry {
    /// Where it stands.
    pub scope: ScopePath,
    /// How large it is, in its unit.
    pub amount: Amount,
    /// How much debt is allowed.
    pub overdraft_limit: Option<Amount>,
    /// Whether it starts stopped.
    pub frozen: bool,
}

/// A policy of a budgets file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PolicyEntry {
    /// Whose it is.
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// The scopes it is for.
    pub scope_pattern: String,
    /// Which policy holds where several match: the one with the highest number.
    pub priority: u32,
    /// What happens when an actual amount is larger than the reserved one.
    pub overage_policy: Option<CommitOveragePolicy>,
    /// Limits on actions; `None` where the file names none.
    pub caps: Option<Caps>,
    /// Which kinds of actions it lets through, and how often (protocol v0.1.26); `None` where the file names no rules.
    pub action_rules: Option<ActionRules>,
}

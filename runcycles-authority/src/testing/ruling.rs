//! A decision on demand.

use std::fmt;

use runcycles::models::Caps;

use super::recorded_call::Asked;
use super::recorded_calls::is_at;

/// A decision that a test wants, whatever the budgets have: [`Authority::rule`](crate::Authority::rule) takes it.
///
/// It is about reservations and decisions, those of shadow mode included, that match all it says: [`kind`](Self::kind),
/// [`name`](Self::name), [`at`](Self::at). The first [`after`](Self::after) of them go by, and it is applied to the next
/// [`times`](Self::times), or to all. An action that is asked for once more under its idempotency key counts once, and is ruled as
/// before.
///
/// ```
/// use runcycles::models::Caps;
/// use runcycles::{Error, Reserve, usd};
/// use runcycles_authority::Authority;
/// use runcycles_authority::testing::Ruling;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let authority = Authority::builder().budget("tenant:acme", usd!(5)).start().await?;
/// let client = authority.client("acme");
/// let mut caps = Caps::new();
/// caps.max_tokens = Some(200);
/// authority.rule(Ruling::caps(caps).kind("llm.completion").name("gpt-4o"));
/// authority.rule(Ruling::deny().kind("email.send").times(1));
///
/// let guard = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02))).await?;
/// assert_eq!(guard.caps().and_then(|caps| caps.max_tokens), Some(200));
/// let email = || Reserve::new("email.send", "welcome").estimate(usd!(0.01));
/// assert!(matches!(client.reserve(email()).await, Err(Error::BudgetExceeded { .. })));
/// assert!(client.reserve(email()).await.is_ok());
/// # drop(guard);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a ruling does nothing until an authority has it"]
pub struct Ruling {
    pub(super) effect: Effect,
    kind: Option<String>,
    name: Option<String>,
    scope: Option<String>,
    after: usize,
    times: Option<usize>,
}

/// What a ruling does.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Denies it, as a budget does that has too little.
    Deny,
    /// Allows it with these limits, where the budgets allow it.
    Caps(Box<Caps>),
    /// Freezes the budgets at a scope just before it.
    Freeze(String),
}

impl Ruling {
    /// Denies as a budget does that has too little: with `BUDGET_EXCEEDED`, at the scope of the action. In shadow mode that is what
    /// the report says would have been denied. Nothing is held, and no budget changes.
    pub fn deny() -> Self {
        Self::new(Effect::Deny)
    }

    /// Allows with limits, where the budgets allow at all.
    pub fn caps(caps: Caps) -> Self {
        Self::new(Effect::Caps(Box::new(caps)))
    }

    /// Freezes every budget at a scope, once, just before a request is answered: with [`after(2)`](Self::after), before the third.
    /// [`Authority::unfreeze`](crate::Authority::unfreeze) ends that.
    pub fn freeze(scope: impl fmt::Display) -> Self {
        Self::new(Effect::Freeze(scope.to_string().to_ascii_lowercase())).times(1)
    }

    fn new(effect: Effect) -> Self {
        Self { effect, kind: None, name: None, scope: None, after: 0, times: None }
    }

    /// Only a kind of action, such as `email.send`.
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Only actions of a name, such as a model or a tool.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only at a scope and below it: a path such as `tenant:acme/agent:bot`, or a [`Scope`](runcycles::Scope).
    pub fn at(mut self, scope: impl fmt::Display) -> Self {
        self.scope = Some(scope.to_string().to_ascii_lowercase());
        self
    }

    /// Lets so many actions go by that it is about.
    pub fn after(mut self, actions: usize) -> Self {
        self.after = actions;
        self
    }

    /// Applies to so many actions, and then no more; to all by default.
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// The scope that it freezes.
    pub(crate) fn freezes(&self) -> Option<&str> {
        match &self.effect {
            Effect::Freeze(scope) => Some(scope),
            Effect::Deny | Effect::Caps(_) => None,
        }
    }

    /// Whether it is about an action.
    pub(super) fn is_about(&self, asked: &Asked) -> bool {
        let (Some(action), Some(subject)) = (&asked.action, &asked.subject) else { return false };
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        let path = || subject.to_string().to_ascii_lowercase();
        let is_there = self.scope.as_deref().is_none_or(|scope| is_at(&path(), scope));
        is(&self.kind, &action.kind) && is(&self.name, &action.name) && is_there
    }

    /// Whether it applies to an action that it is about, the `nth` from zero.
    pub(super) fn applies_to(&self, nth: usize) -> bool {
        nth.checked_sub(self.after).is_some_and(|nth| self.times.is_none_or(|times| nth < times))
    }

    /// How many actions it has to be applied to before it has done what it is for.
    pub(super) fn wanted(&self) -> usize {
        self.times.unwrap_or(1)
    }
}

impl fmt::Display for Ruling {
    /// In words, such as `deny "email.send" at tenant:acme, 2 times, after 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.effect {
            Effect::Deny => f.write_str("deny")?,
            Effect::Caps(_) => f.write_str("allow with caps")?,
            Effect::Freeze(scope) => write!(f, "freeze {scope} before")?,
        }
        for word in [&self.kind, &self.name].into_iter().flatten() {
            write!(f, " {word:?}")?;
        }
        if let Some(scope) = &self.scope {
            write!(f, " at {scope}")?;
        }
        if let Some(times) = self.times {
            write!(f, ", {times} times")?;
        }
        if self.after > 0 {
            write!(f, ", after {}", self.after)?;
        }
        Ok(())
    }
}

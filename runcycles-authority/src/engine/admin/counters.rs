//! Counters of quotas: read, and set to zero.

use std::sync::Arc;

use super::tenants::find;
use super::{AdminRefusal, Page, Paging};
use crate::clock::Millis;
use crate::engine::{Command, SortValue};
use crate::state::{Counted, Counter, CounterKey, State, Window};

/// A counter, and what names it.
pub(crate) type CounterRow = (Arc<CounterKey>, Counter);

/// Reads a page of a tenant's counters.
#[derive(Debug)]
pub(crate) struct ListCounters {
    pub(crate) tenant: String,
    /// What the scope begins with.
    pub(crate) scope: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) window: Option<Window>,
    pub(crate) run_id: Option<String>,
    pub(crate) include_zero: bool,
    pub(crate) paging: Paging,
}

impl Command for ListCounters {
    type Outcome = Page<CounterRow>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let tenant = state.tenants().find(&self.tenant);
        let rows = tenant.into_iter().flat_map(|tenant| state.counters().of_tenant(tenant, now));
        let rows = rows.filter(|(key, counter)| {
            let is_of_run = |run: &String| key.window == Window::Run && *key.instance == **run;
            self.scope.as_ref().is_none_or(|scope| key.scope.starts_with(scope.as_str()))
                && self.kind.as_ref().is_none_or(|kind| key.counted.kind() == kind)
                && self.window.is_none_or(|window| key.window == window)
                && self.run_id.as_ref().is_none_or(is_of_run)
                && (self.include_zero || counter.used > 0)
        });
        let rows: Vec<CounterRow> = rows.map(|(key, counter)| (key.clone(), counter.clone())).collect();
        self.paging.cut(rows.iter(), |(key, _)| (SortValue::Text(key.scope.to_string()), place(key)))
    }
}

/// What tells the counters of a scope apart.
fn place(key: &CounterKey) -> String {
    format!("{} {} {} {}", key.counted.kind(), key.counted, key.window.as_wire(), key.instance)
}

/// Sets a counter to zero.
#[derive(Debug)]
pub(crate) struct ResetCounter {
    pub(crate) tenant: String,
    pub(crate) scope: String,
    pub(crate) counted: Counted,
    pub(crate) window: Window,
    pub(crate) instance: String,
    pub(crate) reason: Option<String>,
}

impl Command for ResetCounter {
    /// The counter at zero, and what it was.
    type Outcome = Result<(CounterRow, u64), AdminRefusal>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let tenant = find(state, &self.tenant)?;
        let (scope, instance) = (self.scope.to_lowercase().into(), self.instance.into());
        let key = Arc::new(CounterKey { tenant, scope, counted: self.counted, window: self.window, instance });
        let not_found = || AdminRefusal::CounterNotFound { scope: key.scope.to_string() };
        let before = state.reset_counter(&key, self.reason).ok_or_else(not_found)?;
        let counter = state.counters().get(&key).cloned().ok_or_else(not_found)?;
        Ok(((key, counter), before.used))
    }
}

//! Tool calls: before they run, and once they have.

use std::time::Instant;

use rig_agent::HookContext;
use rig_agent::agent::{DispatchAction, OutcomeEvent};
use rig_agent::core::effect::EffectId;
use rig_agent::core::tool::ToolErrorKind;
use runcycles::{Scope, WithCyclesConfig};

use crate::holds::{Held, Holds};
use crate::hook::BudgetHook;
use crate::{refusal, settle};

/// The kind of action that a tool call is.
const KIND: &str = "tool.call";

impl BudgetHook {
    /// Reserves what a tool call costs.
    pub(crate) async fn before_tool(&self, run: &HookContext, effect: EffectId, name: &str) -> DispatchAction {
        let Some(price) = &self.tools else { return DispatchAction::proceed() };
        let config = WithCyclesConfig::new(price(name)).action(KIND, name).subject(Scope::toolset(Scope::encode(name)));
        let guard = match self.begin(config).await {
            Ok(guard) => guard,
            Err(error) => return refusal::tool(name, &error),
        };
        let held = |guard| Held { guard, since: Instant::now(), answer: None };
        if guard.caps().is_some_and(|caps| !caps.is_tool_allowed(name)) {
            settle::not_run(held(guard), "tool_not_allowed").await;
            return refusal::tool_not_allowed(name);
        }
        Holds::of(run).put(self.id, effect, held(guard));
        DispatchAction::proceed()
    }

    /// Charges a tool call that ran.
    pub(crate) async fn after_tool(&self, run: &HookContext, event: &OutcomeEvent<'_>) {
        let Some(held) = Holds::of(run).take(self.id, event.id) else { return };
        // Without a result, the client's policy holds as the guard is dropped.
        let Some(result) = event.tool_result() else { return };
        let is_unknown =
            result.is_error_kind(ToolErrorKind::NotFound) || result.is_error_kind(ToolErrorKind::InvalidArgs);
        if result.is_skipped() || result.is_refused() || is_unknown {
            settle::not_run(held, "tool_not_run").await;
        } else if result.is_success() || self.charges_failures {
            settle::tool(held).await;
        }
    }
}

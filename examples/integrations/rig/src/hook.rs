//! The hook.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cycles_tariff::Tariff;
use rig_agent::HookContext;
use rig_agent::agent::{
    AgentHook, DispatchAction, DispatchEvent, InvalidToolCallAction, InvalidToolCallContext, ModelSelection,
    ModelSelectionAction, ObservationAction, OutcomeAction, OutcomeEvent, ReasoningDelta, RunSettled, RunStart,
    RunStartAction, TextDelta, ToolCallDelta,
};
use rig_agent::core::completion::CompletionRequest;
use rig_agent::core::effect::EffectKind;
use runcycles::CyclesClient;
use runcycles::models::Amount;

use crate::holds::Holds;

/// What rig calls a model that an agent was given without a label.
const DEFAULT_LABEL: &str = "default";

/// Holds an agent to a budget: no completion is sent and no tool runs before its budget has been reserved.
///
/// A completion is an action `llm.completion` with the model's name. What is reserved is the cost of its input, guessed by its
/// length, and of the most output that it allows; one that does not say how much is sent with the tariff's
/// [`most_output`](Tariff::most_output). Caps lower that, and take tools off the request that they leave out. A completion that is
/// denied ends the run with a report of the kind `Denied`.
///
/// A tool call, once tools have [a price](Self::tools), is an action `tool.call` with the tool's name, in a toolset of that name.
/// One that is denied is skipped, and the model reads why.
///
/// | what becomes of an effect | what is charged |
/// |---|---|
/// | a completion with its usage | what it says |
/// | a completion without | the estimate, marked as one |
/// | a stream without | its input and what has arrived, by their length |
/// | a stream that is dropped or fails | its input and what has arrived, by their length |
/// | an answer whose tool calls are not valid, so that rig asks again | the estimate |
/// | a completion that fails | by the client's [`UnknownSpend`](runcycles::UnknownSpend) policy: nothing, by default |
/// | a tool that ran | its price, even where it failed; [`release_failures`](Self::release_failures) has it otherwise |
/// | a tool that did not run | nothing |
///
/// What a run holds is in the run's own storage: a run that ends, or that is dropped, leaves nothing held. Add the hook last: a hook
/// after it may change what this one has reserved for.
#[derive(Clone)]
#[must_use = "a hook does nothing until an agent has it"]
pub struct BudgetHook {
    /// Tells the hooks of an agent apart.
    pub(crate) id: u64,
    pub(crate) tariff: Tariff,
    pub(crate) cycles: Option<CyclesClient>,
    pub(crate) tools: Option<Price>,
    pub(crate) charges_failures: bool,
    /// The names of models, as the tariff knows them, by the labels of the agent.
    models: HashMap<String, String>,
}

/// A tool's price by its name.
type Price = Arc<dyn Fn(&str) -> Amount + Send + Sync>;

/// The label of the model that a run has selected.
#[derive(Clone)]
struct Selected(String);

impl BudgetHook {
    /// A budget for an agent with a model, by its name in the tariff.
    pub fn new(model: impl Into<String>, tariff: Tariff) -> Self {
        static HOOKS: AtomicU64 = AtomicU64::new(0);
        Self {
            id: HOOKS.fetch_add(1, Ordering::Relaxed),
            tariff,
            cycles: None,
            tools: None,
            charges_failures: true,
            models: HashMap::from([(DEFAULT_LABEL.to_owned(), model.into())]),
        }
    }

    /// Another model of the agent, by its label there and by its name in the tariff. A label without a name is a name itself.
    pub fn model(mut self, label: impl Into<String>, name: impl Into<String>) -> Self {
        self.models.insert(label.into(), name.into());
        self
    }

    /// Who pays: a client, or a view of one that is [scoped](CyclesClient::scoped) to an agent. The
    /// [default client](runcycles::set_default_client) unless set.
    pub fn client(mut self, cycles: CyclesClient) -> Self {
        self.cycles = Some(cycles);
        self
    }

    /// What a call of a tool costs; tools are not charged unless this says so.
    pub fn tools(self, price: Amount) -> Self {
        self.tools_by(move |_| price.clone())
    }

    /// What a call of a tool costs, by its name.
    pub fn tools_by(mut self, price: impl Fn(&str) -> Amount + Send + Sync + 'static) -> Self {
        self.tools = Some(Arc::new(price));
        self
    }

    /// Treats tools that ran and failed as calls at an unknown cost: the client's [`UnknownSpend`](runcycles::UnknownSpend) policy
    /// holds. A model may try such a tool any number of times for nothing.
    pub fn release_failures(mut self) -> Self {
        self.charges_failures = false;
        self
    }

    /// The name of the model that a request is for.
    pub(crate) fn model_of(&self, run: &HookContext, request: &CompletionRequest) -> String {
        if let Some(model) = &request.model {
            return model.clone();
        }
        let label = run.scratchpad().get::<Selected>().map_or_else(|| DEFAULT_LABEL.to_owned(), |selected| selected.0);
        self.models.get(&label).cloned().unwrap_or(label)
    }
}

impl AgentHook for BudgetHook {
    async fn on_run_start(&self, run: &HookContext, _event: RunStart<'_>) -> RunStartAction {
        // Made before tools run at once, which share it.
        drop(Holds::of(run));
        RunStartAction::continue_run()
    }

    fn on_model_select(&self, run: &HookContext, event: ModelSelection<'_>) -> ModelSelectionAction {
        run.scratchpad().insert(Selected(event.selected_model.as_str().to_owned()));
        ModelSelectionAction::continue_run()
    }

    async fn on_dispatch(&self, run: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
        match event.kind {
            EffectKind::Completion { request, stream } => self.before_completion(run, event.id, request, *stream).await,
            EffectKind::ToolCall { name, .. } => self.before_tool(run, event.id, name).await,
            _ => DispatchAction::proceed(),
        }
    }

    async fn on_outcome(&self, run: &HookContext, event: OutcomeEvent<'_>) -> OutcomeAction {
        match event.kind {
            EffectKind::Completion { .. } => self.after_completion(run, event.id, event.completion()).await,
            EffectKind::ToolCall { .. } => self.after_tool(run, &event).await,
            _ => {}
        }
        OutcomeAction::proceed()
    }

    async fn on_text_delta(&self, run: &HookContext, event: TextDelta<'_>) -> ObservationAction {
        self.count(run, event.delta.len())
    }

    async fn on_reasoning_delta(&self, run: &HookContext, event: ReasoningDelta<'_>) -> ObservationAction {
        self.count(run, event.delta.len())
    }

    async fn on_tool_call_delta(&self, run: &HookContext, event: ToolCallDelta<'_>) -> ObservationAction {
        self.count(run, event.delta.len())
    }

    async fn on_invalid_tool_call(
        &self,
        run: &HookContext,
        _event: &InvalidToolCallContext,
    ) -> Option<InvalidToolCallAction> {
        self.note_answered(run);
        None
    }

    async fn on_run_settled(&self, run: &HookContext, _event: RunSettled<'_>) {
        drop(Holds::of(run).take_all(self.id, false));
    }
}

impl fmt::Debug for BudgetHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetHook").field("tariff", &self.tariff).field("models", &self.models).finish_non_exhaustive()
    }
}

//! Completions: before they are sent, and once they are answered.

use std::time::Instant;

use cycles_tariff::{Count, guess_tokens};
use rig_agent::HookContext;
use rig_agent::agent::{DispatchAction, ObservationAction};
use rig_agent::core::completion::{CompletionRequest, CompletionResponse};
use rig_agent::core::effect::{EffectId, EffectKind};
use runcycles::models::{Caps, Metadata};
use runcycles::{Error, ReservationGuard, WithCyclesConfig};

use crate::holds::{Answer, Held, Holds};
use crate::hook::BudgetHook;
use crate::{refusal, settle};

/// The kind of action that a completion is.
const KIND: &str = "llm.completion";

impl BudgetHook {
    /// Reserves what a completion may cost, and has it keep to that.
    pub(crate) async fn before_completion(
        &self,
        run: &HookContext,
        effect: EffectId,
        request: &CompletionRequest,
        stream: bool,
    ) -> DispatchAction {
        let holds = Holds::of(run);
        // An answer that nobody told of, since it failed, or since its tool calls were not valid.
        drop(holds.take_all(self.id, true));

        let model = self.model_of(run, request);
        let (input, most) = (guess_tokens(request), self.tariff.output_of(request.max_tokens));
        let estimate = match self.tariff.estimate(&model, input, most) {
            Ok(estimate) => estimate,
            Err(error) => return refusal::without_price(&error),
        };
        let mut metadata = Metadata::new();
        metadata.insert("tokens_source".to_owned(), "guess".into());
        let config = WithCyclesConfig::new(estimate).action(KIND, &model).metadata(metadata);
        let config = if stream { config.needs_authority() } else { config };
        let guard = match self.begin(config).await {
            Ok(guard) => guard,
            Err(error) => return refusal::completion(&error),
        };

        let caps = guard.caps();
        let most = caps.map_or(most, |caps| caps.clamp_max_tokens(most));
        let request = within(request, most, caps);
        let answer = Some(Answer { model, count: Count::new(input, most) });
        holds.put(self.id, effect, Held { guard, since: Instant::now(), answer });
        match request {
            Some(request) => DispatchAction::patch(EffectKind::Completion { request, stream }),
            None => DispatchAction::proceed(),
        }
    }

    /// Charges a completion that was answered.
    pub(crate) async fn after_completion(
        &self,
        run: &HookContext,
        effect: EffectId,
        response: Option<&CompletionResponse>,
    ) {
        let Some(mut held) = Holds::of(run).take(self.id, effect) else { return };
        // Without an answer, what was counted is charged as the guard is dropped, and otherwise the client's policy holds.
        let (Some(response), Some(answer)) = (response, held.answer.take()) else { return };
        let model = response.origin.response_model.as_deref().unwrap_or(&answer.model);
        settle::answer(held, &answer, &self.tariff, &response.usage, model).await;
    }

    /// Counts a part of a streamed answer, so that what a run has cost is known that is dropped in the middle.
    pub(crate) fn count(&self, run: &HookContext, bytes: usize) -> ObservationAction {
        let beyond = Holds::of(run).with_answer(self.id, |guard, answer| {
            answer.count.add(bytes);
            if let Ok(cost) = self.tariff.cost(&answer.model, &answer.count.about()) {
                drop(guard.set_actual(cost));
            }
            answer.count.is_beyond_limit().then(|| answer.count.most_output())
        });
        match beyond.flatten() {
            None => ObservationAction::continue_run(),
            Some(limit) => ObservationAction::stop(format!(
                "the provider went on beyond the {limit} tokens that the request allowed"
            )),
        }
    }

    /// Takes note that an answer has come which may never be told of as one: it is charged as estimated then.
    pub(crate) fn note_answered(&self, run: &HookContext) {
        Holds::of(run).with_answer(self.id, |guard, _| guard.set_actual(guard.reserved().clone()));
    }

    /// Begins a call for whoever pays.
    pub(crate) async fn begin(&self, config: WithCyclesConfig) -> Result<ReservationGuard, Error> {
        let cycles = self.cycles.clone().map_or_else(runcycles::current_client, Ok)?;
        cycles.begin(config).await
    }
}

/// The same request within a limit of tokens and without the tools that the caps leave out; `None` where it is that already.
fn within(request: &CompletionRequest, most: u64, caps: Option<&Caps>) -> Option<CompletionRequest> {
    let is_allowed = |tool: &str| caps.is_none_or(|caps| caps.is_tool_allowed(tool));
    if request.max_tokens == Some(most) && request.tools.iter().all(|tool| is_allowed(&tool.name)) {
        return None;
    }
    let mut request = request.clone();
    request.max_tokens = Some(most);
    request.tools.retain(|tool| is_allowed(&tool.name));
    if request.tools.is_empty() {
        // Nothing is left to be required.
        request.tool_choice = None;
    }
    Some(request)
}

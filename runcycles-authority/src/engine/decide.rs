//! Decisions: what a reservation would be answered, without balances.

use std::sync::Arc;

use runcycles::models::Caps;

use super::reserve::Asked;
use super::telling::tell_of_denial;
use super::{ActionFacts, Command, Refusal};
use crate::clock::Millis;
use crate::fingerprint::Fingerprint;
use crate::scope::ScopePath;
use crate::state::{Answer, Denied, Evaluation, KEY_RETENTION_MS, Namespace, Operation, Record, State, TenantId};
use crate::unit::Unit;

/// Asks whether an amount would be held.
#[derive(Debug)]
pub(crate) struct Decide<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) key: Arc<str>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) path: ScopePath,
    pub(crate) unit: Unit,
    pub(crate) estimate: i64,
    pub(crate) action: ActionFacts<'a>,
}

/// A decision, and the scopes it is about.
#[derive(Debug, PartialEq)]
pub(crate) struct Decided {
    pub(crate) scope: ScopePath,
    pub(crate) verdict: Result<Option<Arc<Caps>>, Denied>,
}

impl Command for Decide<'_> {
    type Outcome = Result<Decided, Refusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let namespace = Namespace { tenant: self.tenant, operation: Operation::Decide };
        if let Some(record) = state.records().find(namespace, &self.key, now) {
            return match &record.answer {
                Answer::Evaluation(evaluation) if record.fingerprint == self.fingerprint => Ok(answer_of(evaluation)),
                _ => Err(Refusal::KeyMismatch),
            };
        }
        let Self { tenant, path, unit, estimate, action, .. } = &self;
        let asked = Asked { tenant: *tenant, path, unit: *unit, estimate: *estimate, action: *action };
        let mut evaluation = asked.evaluate(state, now)?;
        if let Ok(allowance) = &mut evaluation.verdict {
            // A decision answers without balances, so its record needs none.
            allowance.postings = Box::default();
        }
        let answer = answer_of(&evaluation);
        if state.is_listened_to()
            && let Err(denied) = &evaluation.verdict
        {
            tell_of_denial(state, self.tenant, (&evaluation.scope, self.unit, self.estimate), denied, None);
        }
        let record = Record {
            fingerprint: self.fingerprint,
            until: now.saturating_add(KEY_RETENTION_MS),
            answer: Answer::Evaluation(Box::new(evaluation)),
        };
        state.insert_record(namespace, self.key, record);
        Ok(answer)
    }
}

fn answer_of(evaluation: &Evaluation) -> Decided {
    let verdict = evaluation.verdict.as_ref().map(|allowance| allowance.caps.clone()).map_err(Clone::clone);
    Decided { scope: evaluation.scope.clone(), verdict }
}

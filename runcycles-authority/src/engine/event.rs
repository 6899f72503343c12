//! Events: spend without a reservation.

use std::sync::Arc;

use uuid::Uuid;

use super::admission::{admits_event, check_tenant, find_ledgers};
use super::charge::{Charge, settle};
use super::hold::{balance_lines, post};
use super::reserve::settings_for;
use super::telling::tell_of_debt;
use super::{BalanceLine, Command, Refusal};
use crate::clock::Millis;
use crate::fingerprint::Fingerprint;
use crate::scope::ScopePath;
use crate::state::{Answer, Event, Namespace, Operation, Overage, Record, State, TenantId};
use crate::unit::Unit;

/// How long the key of an event is known, in milliseconds: 7 days.
const KEY_RETENTION_MS: Millis = 7 * 24 * 3_600_000;

/// Charges an amount to every budget on a path.
#[derive(Debug)]
pub(crate) struct RecordEvent {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) key: Arc<str>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) path: ScopePath,
    pub(crate) unit: Unit,
    pub(crate) actual: i64,
    pub(crate) overage: Option<Overage>,
}

/// What was charged.
#[derive(Debug, PartialEq)]
pub(crate) struct Applied {
    pub(crate) id: Uuid,
    pub(crate) unit: Unit,
    pub(crate) actual: i64,
    pub(crate) charged: i64,
    pub(crate) balances: Vec<BalanceLine>,
}

impl Command for RecordEvent {
    type Outcome = Result<Applied, Refusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let namespace = Namespace { tenant: self.tenant, operation: Operation::Event };
        if let Some(record) = state.records().find(namespace, &self.key, now) {
            return match &record.answer {
                Answer::Event(id) if record.fingerprint == self.fingerprint => {
                    let event = state.events().get(*id);
                    event.map(|event| answer_of(state, event)).ok_or_else(|| Refusal::NotFound { id: id.to_string() })
                }
                _ => Err(Refusal::KeyMismatch),
            };
        }
        check_tenant(state, self.tenant, self.unit, self.actual)?;
        let overage =
            self.overage.unwrap_or_else(|| settings_for(state, self.tenant, &self.path, self.unit, now).overage);
        let ledgers = find_ledgers(state, &self.path, self.unit, self.actual, |ledger| {
            admits_event(ledger, self.actual, overage)
        })?;
        let Charge { charged, postings } = settle(state, &ledgers, 0, self.actual, overage)?;

        let event = Event {
            id: self.id,
            tenant: self.tenant,
            scope: self.path,
            unit: self.unit,
            actual: self.actual,
            charged,
            created_at: now,
            postings,
        };
        let answer = answer_of(state, &event);
        let record = Record {
            fingerprint: self.fingerprint,
            until: now.saturating_add(KEY_RETENTION_MS),
            answer: Answer::Event(self.id),
        };
        if state.is_listened_to() {
            tell_of_debt(state, &event.postings, overage, None);
        }
        post(state, &event.postings);
        state.insert_event(event);
        state.insert_record(namespace, self.key, record);
        Ok(answer)
    }
}

fn answer_of(state: &State, event: &Event) -> Applied {
    Applied {
        id: event.id,
        unit: event.unit,
        actual: event.actual,
        charged: event.charged,
        balances: balance_lines(state, &event.postings),
    }
}

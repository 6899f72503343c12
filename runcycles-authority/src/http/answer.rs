//! Outcomes as bodies of answers.

use std::sync::Arc;

use runcycles::models::{
    self, Action, Balance, BalanceResponse, CommitResponse, CommitStatus, Decision, DecisionResponse,
    EventCreateResponse, EventId, EventStatus, ExtendResponse, ExtendStatus, IdempotencyKey, ReleaseResponse,
    ReleaseStatus, ReservationCreateResponse, ReservationDetail, ReservationId, ReservationListResponse,
    ReservationStatus, Subject,
};
use uuid::Uuid;

use super::problem::Problem;
use crate::engine::{Applied, BalanceLine, Committed, Decided, Extended, Released, Reserved, Status};
use crate::scope::{ScopePath, leaf};
use crate::state::{Phase, Reservation};

pub(super) fn reserved(outcome: Reserved) -> Result<ReservationCreateResponse, Problem> {
    let (decision, reason, allowed) = match outcome.verdict {
        Ok(allowed) if allowed.caps.is_some() => (Decision::AllowWithCaps, None, Some(allowed)),
        Ok(allowed) => (Decision::Allow, None, Some(allowed)),
        Err(reason) => (Decision::Deny, Some(reason), None),
    };
    let mut answer = ReservationCreateResponse::new(decision, affected_scopes(&outcome.scope));
    answer.scope_path = Some(outcome.scope.as_str().to_owned());
    answer.reason_code = reason;
    if let Some(allowed) = allowed {
        answer.reserved = Some(outcome.unit.amount(outcome.estimate));
        answer.caps = allowed.caps.map(Arc::unwrap_or_clone);
        answer.balances = balances(&allowed.balances);
    }
    if let Some(lease) = outcome.lease {
        answer.reservation_id = Some(reservation_id(lease.id)?);
        answer.expires_at_ms = Some(lease.expires_at);
        answer.remaining_ttl_ms = Some(lease.remaining_ttl_ms);
    }
    Ok(answer)
}

pub(super) fn decided(outcome: Decided) -> DecisionResponse {
    let (decision, caps, reason) = match outcome.verdict {
        Ok(Some(caps)) => (Decision::AllowWithCaps, Some(caps), None),
        Ok(None) => (Decision::Allow, None, None),
        Err(reason) => (Decision::Deny, None, Some(reason)),
    };
    let mut answer = DecisionResponse::new(decision);
    answer.caps = caps.map(Arc::unwrap_or_clone);
    answer.reason_code = reason;
    answer.affected_scopes = affected_scopes(&outcome.scope);
    answer
}

pub(super) fn committed(outcome: &Committed) -> CommitResponse {
    let mut answer = CommitResponse::new(CommitStatus::Committed, outcome.unit.amount(outcome.charged));
    answer.released = (outcome.released > 0).then(|| outcome.unit.amount(outcome.released));
    answer.balances = balances(&outcome.balances);
    answer
}

pub(super) fn released(outcome: &Released) -> ReleaseResponse {
    let mut answer = ReleaseResponse::new(ReleaseStatus::Released, outcome.unit.amount(outcome.amount));
    answer.balances = balances(&outcome.balances);
    answer
}

pub(super) fn extended(outcome: &Extended) -> ExtendResponse {
    let mut answer = ExtendResponse::new(ExtendStatus::Active, outcome.expires_at);
    answer.remaining_ttl_ms = Some(outcome.remaining_ttl_ms);
    answer.balances = balances(&outcome.balances);
    answer
}

pub(super) fn applied(outcome: &Applied) -> Result<EventCreateResponse, Problem> {
    let id = EventId::new(outcome.id.to_string()).map_err(|error| stored(&error))?;
    let mut answer = EventCreateResponse::new(EventStatus::Applied, id);
    answer.charged = (outcome.charged != outcome.actual).then(|| outcome.unit.amount(outcome.charged));
    answer.balances = balances(&outcome.balances);
    Ok(answer)
}

pub(super) fn balance_page(lines: &[BalanceLine], next_cursor: Option<String>) -> BalanceResponse {
    let mut answer = BalanceResponse::new(balances(lines));
    answer.has_more = Some(next_cursor.is_some());
    answer.next_cursor = next_cursor;
    answer
}

pub(super) fn reservation_page(
    reservations: Vec<ReservationDetail>,
    next_cursor: Option<String>,
) -> ReservationListResponse {
    let mut answer = ReservationListResponse::new(reservations);
    answer.has_more = Some(next_cursor.is_some());
    answer.next_cursor = next_cursor;
    answer
}

/// A reservation with everything that is known about it.
pub(super) fn detail(row: Reservation) -> Result<ReservationDetail, Problem> {
    let status = ReservationStatus::from(Status::of(&row.phase).as_str());
    let mut answer = ReservationDetail::new(
        reservation_id(row.id)?,
        status,
        subject(&row),
        action(&row),
        row.unit.amount(row.estimate),
        row.created_at,
        row.expires_at,
        row.scope.as_str().to_owned(),
        affected_scopes(&row.scope),
    );
    answer.idempotency_key = Some(IdempotencyKey::new(&*row.key).map_err(|error| stored(&error))?);
    answer.metadata = row.metadata.map(|metadata| *metadata);
    match row.phase {
        Phase::Active | Phase::Expired { .. } => {}
        Phase::Released(settlement) => answer.finalized_at_ms = Some(settlement.at),
        Phase::Committed(settlement) => {
            answer.finalized_at_ms = Some(settlement.at);
            answer.committed = Some(row.unit.amount(settlement.charged));
            answer.committed_metadata = settlement.metadata.map(|metadata| *metadata);
        }
    }
    Ok(answer)
}

fn subject(row: &Reservation) -> Subject {
    let mut subject = Subject::default();
    for (level, value) in row.spelling.levels(row.scope.as_str()) {
        *subject.level_mut(level) = Some(value.to_owned());
    }
    subject.dimensions = row.dimensions.clone();
    subject
}

fn action(row: &Reservation) -> Action {
    let action = Action::new(&*row.action.kind, &*row.action.name);
    row.action.tags.iter().fold(action, |action, tag| action.tag(&**tag))
}

fn affected_scopes(path: &ScopePath) -> Vec<String> {
    path.prefixes().map(str::to_owned).collect()
}

fn balances(lines: &[BalanceLine]) -> Vec<Balance> {
    lines.iter().map(balance).collect()
}

/// Debt, its limit and the flag are shown only where there are any.
fn balance(line: &BalanceLine) -> Balance {
    let BalanceLine { scope, unit, figures } = line;
    let mut balance = Balance::new(leaf(scope).to_owned(), scope.to_string(), unit.signed(figures.remaining()));
    let amount = |value: i64| -> models::Amount { unit.amount(value) };
    balance.reserved = Some(amount(figures.reserved));
    balance.spent = Some(amount(figures.spent));
    balance.allocated = Some(amount(figures.allocated));
    balance.debt = (figures.debt > 0).then(|| amount(figures.debt));
    balance.overdraft_limit = (figures.overdraft_limit > 0).then(|| amount(figures.overdraft_limit));
    balance.is_over_limit = figures.over_limit.then_some(true);
    balance
}

fn reservation_id(id: Uuid) -> Result<ReservationId, Problem> {
    let mut buffer = Uuid::encode_buffer();
    ReservationId::new(&*id.hyphenated().encode_lower(&mut buffer)).map_err(|error| stored(&error))
}

/// Something in the state that the vocabulary does not take; checked on the way in, so it does not occur.
fn stored(error: &models::IdError) -> Problem {
    tracing::error!(%error, "the state holds an identifier that the protocol does not allow");
    Problem::internal()
}

//! Outcomes as bodies of answers.

use bytes::Bytes;
use runcycles::models::{
    Action, IdError, IdempotencyKey, ReservationDetail, ReservationId, ReservationListResponse, ReservationStatus,
    Subject,
};
use uuid::Uuid;

use super::json::{self, Object, amount};
use super::problem::Problem;
use crate::engine::{Applied, BalanceLine, Committed, Decided, Extended, Released, Reserved, Status};
use crate::scope::{ScopePath, leaf};
use crate::state::{Denied, Phase, Reservation};

pub(super) fn reserved(outcome: &Reserved) -> Bytes {
    json::object(|answer| {
        let caps = outcome.verdict.as_ref().ok().and_then(|allowed| allowed.caps.as_ref());
        answer.plain("decision", decision(outcome.verdict.is_ok(), caps.is_some()));
        scopes(answer, &outcome.scope);
        if let Some(lease) = &outcome.lease {
            answer.plain("reservation_id", hyphenated(lease.id, &mut Uuid::encode_buffer()));
        }
        if outcome.verdict.is_ok() {
            amount!(answer, "reserved", outcome.unit, outcome.estimate);
        }
        if let Some(lease) = &outcome.lease {
            answer.count("expires_at_ms", lease.expires_at);
            answer.count("remaining_ttl_ms", lease.remaining_ttl_ms);
        }
        answer.plain("scope_path", outcome.scope.as_str());
        match &outcome.verdict {
            Ok(allowed) => {
                if let Some(caps) = &allowed.caps {
                    answer.value("caps", &**caps);
                }
                balances(answer, &allowed.balances);
            }
            Err(denied) => denial(answer, denied),
        }
    })
}

pub(super) fn decided(outcome: &Decided) -> Bytes {
    json::object(|answer| {
        let caps = outcome.verdict.as_ref().ok().and_then(Option::as_deref);
        answer.plain("decision", decision(outcome.verdict.is_ok(), caps.is_some()));
        if let Some(caps) = caps {
            answer.value("caps", caps);
        }
        if let Err(denied) = &outcome.verdict {
            denial(answer, denied);
        }
        scopes(answer, &outcome.scope);
    })
}

pub(super) fn committed(outcome: &Committed) -> Bytes {
    json::object(|answer| {
        answer.plain("status", "COMMITTED");
        amount!(answer, "charged", outcome.unit, outcome.charged);
        if outcome.released > 0 {
            amount!(answer, "released", outcome.unit, outcome.released);
        }
        balances(answer, &outcome.balances);
    })
}

pub(super) fn released(outcome: &Released) -> Bytes {
    json::object(|answer| {
        answer.plain("status", "RELEASED");
        amount!(answer, "released", outcome.unit, outcome.amount);
        balances(answer, &outcome.balances);
    })
}

pub(super) fn extended(outcome: &Extended) -> Bytes {
    json::object(|answer| {
        answer.plain("status", "ACTIVE");
        answer.count("expires_at_ms", outcome.expires_at);
        answer.count("remaining_ttl_ms", outcome.remaining_ttl_ms);
        balances(answer, &outcome.balances);
    })
}

pub(super) fn applied(outcome: &Applied) -> Bytes {
    json::object(|answer| {
        answer.plain("status", "APPLIED");
        answer.plain("event_id", hyphenated(outcome.id, &mut Uuid::encode_buffer()));
        if outcome.charged != outcome.actual {
            amount!(answer, "charged", outcome.unit, outcome.charged);
        }
        balances(answer, &outcome.balances);
    })
}

pub(super) fn balance_page(lines: &[BalanceLine], next_cursor: Option<&str>) -> Bytes {
    json::object(|answer| {
        balances(answer, lines);
        if let Some(cursor) = next_cursor {
            answer.text("next_cursor", cursor);
        }
        answer.flag("has_more", next_cursor.is_some());
    })
}

fn denial(answer: &mut Object<'_>, denied: &Denied) {
    answer.text("reason_code", denied.reason.as_str());
    if let Some(detail) = &denied.detail {
        answer.value("deny_detail", &**detail);
    }
}

fn decision(allowed: bool, capped: bool) -> &'static str {
    match (allowed, capped) {
        (true, false) => "ALLOW",
        (true, true) => "ALLOW_WITH_CAPS",
        (false, _) => "DENY",
    }
}

fn scopes(answer: &mut Object<'_>, path: &ScopePath) {
    answer.plains("affected_scopes", path.prefixes());
}

fn balances(answer: &mut Object<'_>, lines: &[BalanceLine]) {
    answer.objects("balances", lines.iter(), balance);
}

/// Debt, its limit and the flag are shown only where there are any.
fn balance(object: &mut Object<'_>, line: &BalanceLine) {
    let BalanceLine { scope, unit, figures } = line;
    object.plain("scope", leaf(scope));
    object.plain("scope_path", scope);
    amount!(object, "remaining", *unit, figures.remaining());
    amount!(object, "reserved", *unit, figures.reserved);
    amount!(object, "spent", *unit, figures.spent);
    amount!(object, "allocated", *unit, figures.allocated);
    if figures.debt > 0 {
        amount!(object, "debt", *unit, figures.debt);
    }
    if figures.overdraft_limit > 0 {
        amount!(object, "overdraft_limit", *unit, figures.overdraft_limit);
    }
    if figures.over_limit {
        object.flag("is_over_limit", true);
    }
}

fn hyphenated(id: Uuid, buffer: &mut [u8]) -> &str {
    id.hyphenated().encode_lower(buffer)
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
        row.scope.prefixes().map(str::to_owned).collect(),
    );
    answer.idempotency_key = Some(row.key.with(|key| IdempotencyKey::new(key)).map_err(|error| stored(&error))?);
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
    let mut action = row.action.tags.iter().fold(action, |action, tag| action.tag(&**tag));
    action.policy_keys = row.ruled.as_ref().and_then(|ruled| ruled.policy_keys.clone());
    action
}

fn reservation_id(id: Uuid) -> Result<ReservationId, Problem> {
    ReservationId::new(hyphenated(id, &mut Uuid::encode_buffer())).map_err(|error| stored(&error))
}

/// Something in the state that the vocabulary does not take; checked on the way in, so it does not occur.
fn stored(error: &IdError) -> Problem {
    tracing::error!(%error, "the state holds an identifier that the protocol does not allow");
    Problem::internal()
}

//! What is told of commands, where somebody listens: edges from before to after, never of a replay.

use std::sync::Arc;

use runcycles::models::{Decision, Extra, Timestamp};
use runcycles::webhooks::{
    BudgetDebtIncurred, BudgetLifecycle, BudgetOverLimit, BudgetState, BudgetThreshold, CommitOverage, EventType,
    ObservedAllowed, ObservedDenied, QuotaCounterReset, QuotaThreshold, ReservationDenied, ReservationExpired,
};
use uuid::Uuid;

use crate::clock::Millis;
use crate::scope::ScopePath;
use crate::state::{
    Denied, Evaluation, Figures, Ledger, LedgerId, LedgerStatus, News, Overage, Posting, QuotaNotice, Reservation,
    State, TenantId,
};
use crate::unit::Unit;

/// Tells what figures that are about to be written mean: a budget has nothing left, or takes no more reservations.
pub(super) fn tell_of_postings(state: &mut State, postings: &[Posting]) {
    for posting in postings {
        let ledger = state.ledgers().get(posting.ledger);
        let (before, after) = (ledger.figures, posting.figures);
        let is_exhausted = before.remaining() > 0 && after.remaining() <= 0;
        let is_over = !before.over_limit && after.over_limit;
        let news = [
            is_exhausted.then(|| about(state, ledger, EventType::BudgetExhausted, &threshold(ledger, after))),
            is_over.then(|| about(state, ledger, EventType::BudgetOverLimitEntered, &over_limit(ledger, after))),
        ];
        news.into_iter().flatten().for_each(|news| state.tell(news));
    }
}

/// Tells of debt that figures about to be written have more of.
pub(super) fn tell_of_debt(state: &mut State, postings: &[Posting], overage: Overage, reservation: Option<Uuid>) {
    for posting in postings {
        let ledger = state.ledgers().get(posting.ledger);
        let incurred = posting.figures.debt - ledger.figures.debt;
        if incurred <= 0 {
            continue;
        }
        let mut data = BudgetDebtIncurred::new();
        data.scope = Some(ledger.scope.as_str().to_owned());
        data.unit = Some(ledger.unit.into());
        data.reservation_id = reservation.map(|id| id.to_string());
        data.debt_incurred = Some(incurred);
        data.total_debt = Some(posting.figures.debt);
        data.overdraft_limit = Some(posting.figures.overdraft_limit);
        data.overage_policy = Some(overage.as_str().into());
        let news = about(state, ledger, EventType::BudgetDebtIncurred, &data);
        state.tell(news);
    }
}

/// Tells what an observed action would have been answered (protocol v0.1.26).
pub(super) fn tell_of_observation(
    state: &mut State,
    tenant: TenantId,
    evaluation: &Evaluation,
    (kind, name): (&str, &str),
) {
    let Evaluation { scope, unit, estimate, verdict } = evaluation;
    let action = object(&serde_json::json!({ "kind": kind, "name": name }));
    let (shown, mode) = (Some(scope.as_str().to_owned()), Some("OBSERVE".to_owned()));
    let tenant = state.tenants().get(tenant).id.clone();
    let news = match verdict {
        Ok(allowance) => {
            let mut data = ObservedAllowed::new();
            (data.scope, data.action, data.observe_mode) = (shown, action, mode);
            (data.unit, data.estimated_amount) = (Some((*unit).into()), Some(*estimate));
            let is_capped = allowance.caps.is_some();
            data.decision = Some(if is_capped { Decision::AllowWithCaps } else { Decision::Allow });
            data.caps_applied = object(&allowance.caps.as_deref());
            News::of(EventType::ReservationObservedAllowed, tenant, &data)
        }
        Err(denied) => {
            let mut data = ObservedDenied::new();
            (data.scope, data.action, data.observe_mode) = (shown, action, mode);
            (data.unit, data.estimated_amount) = (Some((*unit).into()), Some(*estimate));
            data.deny_detail = object(&denied.detail);
            data.would_have_blocked_at = denied.detail.as_ref().and_then(|detail| detail.blocked_by_scope.clone());
            News::of(EventType::ReservationObservedDenied, tenant, &data)
        }
    };
    state.tell(news.at(scope.as_str().into()));
}

/// Tells what has happened to a quota (protocol v0.1.26).
pub(super) fn tell_of_quota(state: &mut State, notice: &QuotaNotice) {
    let number = |number: u64| i64::try_from(number).ok();
    let (QuotaNotice::ThresholdApproaching { key, policy, .. } | QuotaNotice::CounterReset { key, policy, .. }) =
        notice;
    let tenant = state.tenants().get(key.tenant).id.clone();
    let names = (Some(key.scope.to_string()), Some(key.counted.kind().to_owned()));
    let class = key.counted.risk_class().map(ToString::to_string);
    let window = (Some(key.window.as_wire().to_string()), Some(key.instance.to_string()));
    let news = match notice {
        QuotaNotice::ThresholdApproaching { used, limit, threshold, .. } => {
            let mut data = QuotaThreshold::new();
            (data.tenant_id, data.policy_id) = (Some(tenant.to_string()), Some(policy.to_string()));
            ((data.scope, data.action_kind), data.risk_class) = (names, class);
            (data.window, data.window_key) = window;
            (data.used, data.limit, data.threshold_pct) = (number(*used), number(*limit), Some(*threshold));
            News::of(EventType::QuotaThresholdApproaching, tenant, &data)
        }
        QuotaNotice::CounterReset { previous, limit, reason, .. } => {
            let mut data = QuotaCounterReset::new();
            (data.tenant_id, data.policy_id) = (Some(tenant.to_string()), Some(policy.to_string()));
            ((data.scope, data.action_kind), data.risk_class) = (names, class);
            (data.window, data.window_key) = window;
            (data.previous_used, data.limit, data.reason) = (number(*previous), number(*limit), reason.clone());
            News::of(EventType::QuotaCounterReset, tenant, &data)
        }
    };
    state.tell(news.at(key.scope.clone()));
}

/// Something as the object that an event has of it.
fn object(value: &impl serde::Serialize) -> Option<Extra> {
    serde_json::to_value(value).ok()?.as_object().cloned()
}

/// Tells that an action would be denied.
pub(super) fn tell_of_denial(
    state: &mut State,
    tenant: TenantId,
    (scope, unit, requested): (&ScopePath, Unit, i64),
    denied: &Denied,
    action: Option<(&str, &str)>,
) {
    let mut data = ReservationDenied::new();
    data.scope = Some(scope.as_str().to_owned());
    data.unit = Some(unit.into());
    data.reason_code = Some(denied.reason.clone());
    data.deny_detail = object(&denied.detail);
    data.requested_amount = Some(requested);
    let ledger = state.ledgers().find(scope.as_str(), unit).map(|id| state.ledgers().get(id));
    data.remaining = ledger.map(|ledger| ledger.figures.remaining());
    data.action = action.and_then(|(kind, name)| object(&serde_json::json!({ "kind": kind, "name": name })));
    let tenant = state.tenants().get(tenant).id.clone();
    state.tell(News::of(EventType::ReservationDenied, tenant, &data).at(scope.as_str().into()));
}

/// Tells that an action cost more than was reserved. The figures are about to be written.
pub(super) fn tell_of_overage(state: &mut State, reservation: &Reservation, actual: i64, postings: &[Posting]) {
    let debts = postings.iter().map(|posting| posting.figures.debt - state.ledgers().get(posting.ledger).figures.debt);
    let mut data = CommitOverage::new();
    data.reservation_id = Some(reservation.id.to_string());
    data.scope = Some(reservation.scope.as_str().to_owned());
    data.unit = Some(reservation.unit.into());
    data.estimated_amount = Some(reservation.estimate);
    data.actual_amount = Some(actual);
    data.overage = Some(actual - reservation.estimate);
    data.overage_policy = Some(reservation.overage.as_str().into());
    data.debt_incurred = Some(debts.max().unwrap_or_default().max(0));
    let news = of_reservation(state, reservation, EventType::ReservationCommitOverage, &data);
    state.tell(news);
}

/// Tells that a reservation lapsed.
pub(super) fn tell_of_expiry(state: &mut State, reservation: &Reservation, at: Millis) {
    let mut data = ReservationExpired::new();
    data.reservation_id = Some(reservation.id.to_string());
    data.scope = Some(reservation.scope.as_str().to_owned());
    data.unit = Some(reservation.unit.into());
    data.estimated_amount = Some(reservation.estimate);
    data.created_at = Some(Timestamp::from_epoch_ms(reservation.created_at).to_string());
    data.expired_at = Some(Timestamp::from_epoch_ms(at).to_string());
    data.ttl_ms = i64::try_from(reservation.granted_ttl_ms).ok();
    data.extensions_used = i64::try_from(reservation.extensions.len()).ok();
    let news = of_reservation(state, reservation, EventType::ReservationExpired, &data).own();
    state.tell(news);
}

/// Tells that an operator changed a budget, which is as it stands now.
pub(crate) fn tell_of_budget(
    state: &mut State,
    id: LedgerId,
    event_type: EventType,
    operation: &str,
    before: Option<(Figures, LedgerStatus)>,
) {
    if !state.is_listened_to() {
        return;
    }
    let ledger = state.ledgers().get(id);
    let mut data = BudgetLifecycle::new();
    data.ledger_id = Some(ledger.id.to_string());
    data.scope = Some(ledger.scope.as_str().to_owned());
    data.unit = Some(ledger.unit.into());
    data.operation = Some(operation.to_owned());
    data.previous_state = before.map(|(figures, status)| standing(figures, status));
    data.new_state = Some(standing(ledger.figures, ledger.status));
    let is_back = before.is_some_and(|(before, _)| before.over_limit) && !ledger.figures.over_limit;
    let back =
        is_back.then(|| about(state, ledger, EventType::BudgetOverLimitExited, &over_limit(ledger, ledger.figures)));
    let news = about(state, ledger, event_type, &data);
    state.tell(news);
    if let Some(back) = back {
        state.tell(back);
    }
}

fn about(state: &State, ledger: &Ledger, event_type: EventType, data: &impl serde::Serialize) -> News {
    let tenant = state.tenants().get(ledger.tenant).id.clone();
    News::of(event_type, tenant, data).at(ledger.scope.shared().clone())
}

fn of_reservation(state: &State, row: &Reservation, event_type: EventType, data: &impl serde::Serialize) -> News {
    let tenant: Arc<str> = state.tenants().get(row.tenant).id.clone();
    News::of(event_type, tenant, data).at(row.scope.as_str().into())
}

fn standing(figures: Figures, status: LedgerStatus) -> BudgetState {
    let mut state = BudgetState::new();
    state.allocated = Some(figures.allocated);
    state.remaining = Some(figures.remaining());
    state.reserved = Some(figures.reserved);
    state.spent = Some(figures.spent);
    state.debt = Some(figures.debt);
    state.status = Some(status.as_str().to_owned());
    state
}

fn threshold(ledger: &Ledger, figures: Figures) -> BudgetThreshold {
    let mut data = BudgetThreshold::new();
    data.scope = Some(ledger.scope.as_str().to_owned());
    data.unit = Some(ledger.unit.into());
    data.threshold = Some(1.0);
    data.utilization = share(figures.spent.saturating_add(figures.reserved), figures.allocated);
    data.allocated = Some(figures.allocated);
    data.remaining = Some(figures.remaining());
    data.spent = Some(figures.spent);
    data.reserved = Some(figures.reserved);
    data.direction = Some("rising".to_owned());
    data
}

fn over_limit(ledger: &Ledger, figures: Figures) -> BudgetOverLimit {
    let mut data = BudgetOverLimit::new();
    data.scope = Some(ledger.scope.as_str().to_owned());
    data.unit = Some(ledger.unit.into());
    data.debt = Some(figures.debt);
    data.overdraft_limit = Some(figures.overdraft_limit);
    data.is_over_limit = Some(figures.over_limit);
    data.debt_utilization = share(figures.debt, figures.overdraft_limit);
    data
}

#[expect(clippy::cast_precision_loss, reason = "a share is for the eye")]
fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

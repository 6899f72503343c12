//! Requests of a client in the same process, which nobody writes down.

use std::collections::BTreeMap;

use http::HeaderMap;
use runcycles::__direct::{DirectAnswer, DirectBalance, DirectBudgets, DirectCommit, DirectHold};
use runcycles::models::{Amount, CommitRequest, CyclesMetrics, ReservationCreateRequest, ReservationId, Subject};
use uuid::Uuid;

use super::decode::{ActionBody, AmountBody, CommitBody, MetricsBody, ReserveBody, SubjectBody};
use super::object::{Integer, Text};
use super::router::Router;
use crate::engine::{BalanceLine, Committed, Reserved};

impl Router {
    /// Holds budget; nothing where a request has what no client of this version sends to every server, or what takes more than
    /// a hold.
    pub(crate) fn hold_directly(
        &self,
        headers: &HeaderMap,
        request: &ReservationCreateRequest,
    ) -> Option<DirectAnswer<(ReservationId, DirectHold)>> {
        let body = reserve_body(request)?;
        self.reserve_directly(headers, body).map(hold).transpose()
    }

    /// Settles a reservation.
    pub(crate) fn settle_directly(
        &self,
        headers: &HeaderMap,
        id: &ReservationId,
        request: &CommitRequest,
    ) -> Option<DirectAnswer<DirectCommit>> {
        let body = commit_body(request)?;
        Some(self.commit_directly(headers, id.as_str(), body).map(commit))
    }
}

fn text(text: &str) -> Text<'_> {
    Text(text.into())
}

fn integer(number: u64) -> Option<Integer> {
    i64::try_from(number).ok().map(Integer)
}

/// A member that may be absent, and nothing where it does not fit.
#[expect(clippy::option_option, reason = "absent is one thing, and not to be asked for here another")]
fn optional<T, U>(member: Option<T>, body: impl FnOnce(T) -> Option<U>) -> Option<Option<U>> {
    match member {
        None => Some(None),
        Some(member) => body(member).map(Some),
    }
}

fn reserve_body(request: &ReservationCreateRequest) -> Option<ReserveBody<'_>> {
    if request.dry_run.is_some() || request.observe_mode.is_some() || request.action.policy_keys.is_some() {
        return None;
    }
    let tags = &request.action.tags;
    let action = ActionBody {
        kind: Some(text(&request.action.kind)),
        name: Some(text(&request.action.name)),
        tags: (!tags.is_empty()).then(|| tags.iter().map(|tag| text(tag)).collect()),
        ..ActionBody::default()
    };
    Some(ReserveBody {
        idempotency_key: Some(text(request.idempotency_key.as_str())),
        subject: Some(subject_body(&request.subject)),
        action: Some(action),
        estimate: Some(amount_body(&request.estimate)?),
        ttl_ms: optional(request.ttl_ms, integer)?,
        grace_period_ms: optional(request.grace_period_ms, integer)?,
        overage_policy: request.overage_policy.as_ref().map(|policy| text(policy.as_str())),
        metadata: (!request.metadata.is_empty()).then(|| request.metadata.clone()),
        ..ReserveBody::default()
    })
}

fn subject_body(subject: &Subject) -> SubjectBody<'_> {
    let dimensions = &subject.dimensions;
    SubjectBody {
        tenant: subject.tenant.as_deref().map(text),
        workspace: subject.workspace.as_deref().map(text),
        app: subject.app.as_deref().map(text),
        workflow: subject.workflow.as_deref().map(text),
        agent: subject.agent.as_deref().map(text),
        toolset: subject.toolset.as_deref().map(text),
        dimensions: (!dimensions.is_empty())
            .then(|| dimensions.iter().map(|(name, value)| (text(name), text(value))).collect::<BTreeMap<_, _>>()),
        ..SubjectBody::default()
    }
}

fn amount_body(amount: &Amount) -> Option<AmountBody<'_>> {
    let (unit, value) = (text(amount.unit().as_str()), integer(amount.value())?);
    Some(AmountBody { unit: Some(unit), amount: Some(value), ..AmountBody::default() })
}

fn commit_body(request: &CommitRequest) -> Option<CommitBody<'_>> {
    Some(CommitBody {
        idempotency_key: Some(text(request.idempotency_key.as_str())),
        actual: Some(amount_body(&request.actual)?),
        metrics: optional(request.metrics.as_ref(), metrics_body)?,
        metadata: (!request.metadata.is_empty()).then(|| request.metadata.clone()),
        ..CommitBody::default()
    })
}

fn metrics_body(metrics: &CyclesMetrics) -> Option<MetricsBody<'_>> {
    Some(MetricsBody {
        tokens_input: optional(metrics.tokens_input, integer)?,
        tokens_output: optional(metrics.tokens_output, integer)?,
        latency_ms: optional(metrics.latency_ms, integer)?,
        model_version: metrics.model_version.as_deref().map(text),
        custom: (!metrics.custom.is_empty()).then(|| metrics.custom.clone()),
        ..MetricsBody::default()
    })
}

/// What is held, unless nothing is.
fn hold(reserved: Reserved) -> Option<(ReservationId, DirectHold)> {
    let (allowed, lease) = (reserved.verdict.ok()?, reserved.lease?);
    let id = lease.id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).parse().ok()?;
    let hold = DirectHold {
        expires_at_ms: lease.expires_at,
        remaining_ttl_ms: lease.remaining_ttl_ms,
        caps: allowed.caps,
        budgets: DirectBudgets { scope_path: reserved.scope.shared().clone(), lines: lines(allowed.balances) },
    };
    Some((id, hold))
}

fn commit(committed: Committed) -> DirectCommit {
    DirectCommit {
        charged: committed.charged.unsigned_abs(),
        released: committed.released.unsigned_abs(),
        lines: lines(committed.balances),
    }
}

fn lines(balances: Vec<BalanceLine>) -> Vec<DirectBalance> {
    let line = |BalanceLine { scope, unit, figures }: BalanceLine| DirectBalance {
        remaining: figures.remaining(),
        reserved: figures.reserved.unsigned_abs(),
        spent: figures.spent.unsigned_abs(),
        allocated: figures.allocated.unsigned_abs(),
        debt: figures.debt.unsigned_abs(),
        overdraft_limit: figures.overdraft_limit.unsigned_abs(),
        is_over_limit: figures.over_limit,
        scope_path: scope,
        unit: unit.into(),
    };
    balances.into_iter().map(line).collect()
}

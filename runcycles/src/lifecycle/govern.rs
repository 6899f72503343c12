//! Reserve, run, settle.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::admission::{Admitted, Terms, admit};
use super::context::{Context, context};
use super::nesting::warn_of_double_counting;
use super::pinned::PinnedBody;
use crate::client::{CallPolicies, CyclesClient, HeartbeatPolicy, OnUnsettled};
use crate::error::Error;
use crate::guard::{DropReason, ReservationGuard};
use crate::protocol::{Amount, CommitRequest, CyclesMetrics, ReservationCreateRequest, ValidationError};
use crate::settlement::Settlement;

/// How an action ended.
pub(crate) enum Outcome<T, E> {
    /// It succeeded; what it cost, if that was computed from its value.
    Done {
        value: T,
        actual: Option<Result<Amount, ValidationError>>,
        /// What it cost in other units, in their order.
        also: Vec<Result<Amount, ValidationError>>,
    },
    /// It failed with an error of its own.
    Failed(E),
}

/// Reserves, runs an action, and settles by what is known: `judge` says how the action ended. The inner result is the action's
/// own, whatever becomes of the settlement. The outer error says that the action did not run, or that a policy of the call puts
/// an error in place of its value.
///
/// Dropping the future in the middle of the action drops the guard, which settles in the background.
///
/// Implementation rationale: the action's future is pinned here and passed on by reference, since every async function that
/// takes a future by value has room for it twice.
pub(crate) async fn govern<T, E, F, Fut>(
    client: &CyclesClient,
    request: ReservationCreateRequest,
    policies: CallPolicies,
    terms: &Terms,
    metrics: Option<Box<CyclesMetrics>>,
    action: F,
    judge: impl FnOnce(Fut::Output) -> Outcome<T, E>,
) -> Result<Result<T, E>, Error>
where
    F: FnOnce(Context) -> Fut,
    Fut: Future,
{
    let Admitted { mut guard, mut also } = admit(client, request, terms).await?;
    for guard in std::iter::once(&mut guard).chain(&mut also) {
        guard.dropped_means(DropReason::Cancelled);
        guard.set_unknown_spend(policies.unknown_spend(client.config()));
    }
    guard.reservation().report().metrics = metrics;
    let outer = context();
    if let (Some(outer), Some(site)) = (&outer, terms.site) {
        warn_of_double_counting(outer, &guard, site);
    }
    let context = Context::new(Arc::clone(guard.reservation()), guard.lease_ref()).beside(&also);
    if let Some(planned) = policies.planned {
        warn_of_a_long_plan(&guard, planned);
    }
    let heartbeat = policies.heartbeat(client.config());
    let watched = guard.lease_ref().filter(|_| heartbeat == HeartbeatPolicy::Cancel);
    let started = Instant::now();
    let action = pin!(Some(action(context.clone())));
    let output = {
        let mut running = pin!(context.enter(PinnedBody::new(action)));
        let mut lost = watched.map(|lease| Box::pin(async move { lease.lost().await }));
        let span = &guard.reservation().span;
        poll_fn(|cx| match (span.in_scope(|| running.as_mut().poll(cx)), &mut lost) {
            (Poll::Ready(output), _) => Poll::Ready(Ok(output)),
            (Poll::Pending, Some(lost)) => lost.as_mut().poll(cx).map(Err),
            (Poll::Pending, None) => Poll::Pending,
        })
        .await
    };
    let latency = started.elapsed();
    let output = match output {
        Ok(output) => output,
        Err(reason) => {
            let reservation_id = guard.reservation_id().clone();
            tracing::warn!(%reservation_id, reason, "the reservation was lost; its action is cancelled and settled by what it told");
            if let Some(settling) = guard.abandon(DropReason::Cancelled) {
                tell(settling.await);
            }
            return Err(Error::LeaseLost { reservation_id, reason });
        }
    };
    match judge(output) {
        Outcome::Done { value, actual, also: also_actual } => {
            commit_also(also, also_actual);
            let mut commit = commit_after_success(&guard, actual);
            let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX).min(i32::MAX as u64);
            commit.metrics.get_or_insert_default().latency_ms.get_or_insert(latency_ms);
            if let Some(outer) = &outer {
                outer.charge_inside(&commit.actual);
            }
            let reservation = Arc::clone(guard.reservation());
            let lease = guard.lease();
            guard.settles_unseen();
            let settlement = guard.commit(commit).await;
            let reservation_id = || reservation.id.clone();
            if lease.is_lost() && heartbeat == HeartbeatPolicy::FailOnFinalize {
                tell(settlement);
                let reason = lease.stopped_because.unwrap_or_default();
                return Err(Error::LeaseLost { reservation_id: reservation_id(), reason });
            }
            match (settlement, policies.on_unsettled(client.config())) {
                (Ok(Settlement::Pending), OnUnsettled::Error) => {
                    Err(Error::Unsettled { reservation_id: reservation_id(), refusal: None })
                }
                (Err(error), OnUnsettled::Error) => {
                    Err(Error::Unsettled { reservation_id: reservation_id(), refusal: Some(Box::new(error)) })
                }
                (settlement, _) => {
                    tell(settlement);
                    Ok(Ok(value))
                }
            }
        }
        Outcome::Failed(error) => {
            for guard in &mut also {
                guard.dropped_means(DropReason::Failed);
            }
            drop(also);
            if let Some(settling) = guard.abandon(DropReason::Failed) {
                tell(settling.await);
            }
            Ok(Err(error))
        }
    }
}

/// Commits what an action that succeeded cost in other units, in the background.
fn commit_also(also: Vec<ReservationGuard>, actual: Vec<Result<Amount, ValidationError>>) {
    let mut actual = actual.into_iter();
    for guard in also {
        let commit = commit_after_success(&guard, actual.next());
        drop(guard.commit(commit));
    }
}

/// Tells operators of an action that will take longer than its reservation can live.
pub(super) fn warn_of_a_long_plan(guard: &ReservationGuard, planned: Duration) {
    let longest = guard.lease_ref().and_then(|lease| lease.longest());
    if let Some(longest) = longest.filter(|longest| planned > *longest) {
        tracing::warn!(
            reservation_id = %guard.reservation_id(),
            ?planned,
            ?longest,
            "the action is planned to take longer than its reservation lives with ten extensions; ask for a longer ttl"
        );
    }
}

/// The commit of an action that succeeded: what was computed from its value, else what it reported, else the estimate.
fn commit_after_success(guard: &ReservationGuard, actual: Option<Result<Amount, ValidationError>>) -> CommitRequest {
    let reservation = guard.reservation();
    let report = reservation.report().clone();
    let checked = actual.map(|actual| {
        let actual = actual?;
        reservation.check_actual(&actual).map(|()| actual)
    });
    match checked {
        Some(Ok(actual)) => reservation.commit_of(actual, report),
        Some(Err(error)) => {
            tracing::warn!(reservation_id = %reservation.id, %error, "the actual amount is unusable; committing what is known");
            reservation.commit_of_known()
        }
        None => reservation.commit_of_known(),
    }
}

/// Tells of a settlement whose caller gets the action's result instead. The settlement itself reports refusals; what is left
/// to say here is that the client could not even ask.
pub(crate) fn tell(settlement: Result<Settlement, Error>) {
    match settlement {
        Ok(settlement) => tracing::debug!(?settlement, "guarded call settled"),
        Err(error) => tracing::debug!(%error, "guarded call not settled"),
    }
}

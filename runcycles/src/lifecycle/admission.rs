//! Whether an action may run, and what holds budget for it then.

use std::panic::Location;
use std::time::Duration;

use super::priority::Priority;
use super::unheld::{self, hold_or_allow};
use crate::client::{CyclesClient, Mode};
use crate::error::Error;
use crate::guard::ReservationGuard;
use crate::lease::Lease;
use crate::protocol::{
    Amount, Balance, Decision, DecisionRequest, IdempotencyKey, Level, ReasonCode, ReservationCreateRequest,
    ReservationCreateResponse, ReservationId, ValidationError,
};
use crate::reservation::{Hold, Reservation};
use crate::shadow::Verdict;
use crate::telemetry::{self, Asked, CallSpan, TurnedDown};
use crate::transport::BoxFuture;

/// How long an action waits for the answer of an authority that it does not depend on.
const SHADOW_PATIENCE: Duration = Duration::from_secs(1);

/// Why a hold is returned that did not meet the call's own conditions.
const NOT_ADMITTED: &str = "conditions_not_met";

/// What a call asks beside its reservation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// The mode of the call's own.
    pub(crate) mode: Option<Mode>,
    /// Levels that must have a budget of their own.
    pub(crate) require: Vec<Level>,
    /// The tier of the call.
    pub(crate) priority: Option<Priority>,
    /// What the action may cost in other units.
    pub(crate) also: Vec<Amount>,
    /// What the call takes from where it can, in place of reserving.
    pub(crate) lease: Option<Lease>,
    /// Whether the call never runs by the allowance for times without the authority.
    pub(crate) needs_authority: bool,
    /// The place in the program.
    pub(crate) site: Option<&'static Location<'static>>,
}

/// An action that may run.
pub(crate) struct Admitted {
    pub(crate) guard: ReservationGuard,
    /// What is held in other units.
    pub(crate) also: Vec<ReservationGuard>,
}

/// Asks for everything that a call needs, or for nothing of it: what is held is returned where something is denied.
///
/// # Errors
///
/// What [`CyclesClient::reserve`] says, [`Error::AllowanceExhausted`], [`Error::UnbudgetedScope`], and [`Error::BudgetExceeded`] for a tier's floor; only where
/// the mode is to enforce.
pub(crate) async fn admit(
    client: &CyclesClient,
    request: ReservationCreateRequest,
    terms: &Terms,
) -> Result<Admitted, Error> {
    let mode = client.config().mode.min(terms.mode.unwrap_or_default());
    note(client, &request, terms);
    let is_plain = terms.also.is_empty() && terms.lease.is_none() && unheld::allowance(client, terms).is_none();
    if mode == Mode::Enforce && is_plain {
        let guard = client.reserve_as_it_is(request).await?;
        return match unmet(terms, &guard) {
            None => Ok(Admitted { guard, also: Vec::new() }),
            Some(error) => {
                return_holds(vec![guard]).await;
                Err(error)
            }
        };
    }
    // Other units, other modes, a lease and an allowance take more, and are kept out of every other call's future.
    Box::pin(admit_otherwise(client, request, terms, mode)).await
}

async fn admit_otherwise(
    client: &CyclesClient,
    request: ReservationCreateRequest,
    terms: &Terms,
    mode: Mode,
) -> Result<Admitted, Error> {
    let mut requests = vec![request];
    requests.extend(terms.also.iter().map(|amount| request_of(&requests[0], amount)).collect::<Vec<_>>());
    let mut held = Vec::with_capacity(requests.len());
    for request in requests {
        let admitted = match mode {
            Mode::Enforce => enforced(client, request, terms).await,
            Mode::Off | Mode::Shadow | Mode::ShadowMetered => unenforced(client, request, mode).await,
        };
        let problem = match admitted {
            Ok(guard) => {
                let problem = unmet(terms, &guard);
                held.push(guard);
                problem
            }
            Err(error) => Some(error),
        };
        if let Some(error) = problem {
            return_holds(held).await;
            return Err(error);
        }
    }
    let also = held.split_off(1);
    match held.pop() {
        Some(guard) => Ok(Admitted { guard, also }),
        None => Err(ValidationError::new("estimate", "no amount", "at least one").into()),
    }
}

/// A guard of a call that runs only where budget is held for it: by its lease, by itself, or by the allowance.
async fn enforced(
    client: &CyclesClient,
    request: ReservationCreateRequest,
    terms: &Terms,
) -> Result<ReservationGuard, Error> {
    if let Some(lease) = &terms.lease {
        if let Some(guard) = lease.admit(client, &request).await? {
            return Ok(guard);
        }
    }
    let by_itself = async |request| match unheld::allowance(client, terms) {
        None => client.reserve_as_it_is(request).await,
        Some(allowance) => hold_or_allow(client, request, allowance).await,
    };
    match &terms.lease {
        Some(lease) => lease.by_itself(request, by_itself).await,
        None => by_itself(request).await,
    }
}

/// Notes the call for an audit, in each of its units.
fn note(client: &CyclesClient, request: &ReservationCreateRequest, terms: &Terms) {
    let Some(site) = terms.site else { return };
    for amount in std::iter::once(&request.estimate).chain(&terms.also) {
        client.shared.sites.note(site, request, amount.unit());
    }
}

/// Returns holds, the latest first, before the call is refused: whoever asks next finds their budget.
fn return_holds(held: Vec<ReservationGuard>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        for guard in held.into_iter().rev() {
            // What is open of it goes on in the background, and what was refused has been told.
            drop(guard.release(NOT_ADMITTED).await);
        }
    })
}

/// The same call in another unit.
fn request_of(request: &ReservationCreateRequest, amount: &Amount) -> ReservationCreateRequest {
    let key = format!("{}:{}", request.idempotency_key, amount.unit().as_str());
    let mut other = request.clone();
    other.estimate = amount.clone();
    other.idempotency_key = IdempotencyKey::new(key).unwrap_or_else(|_| IdempotencyKey::random());
    other
}

/// What the call's own conditions say against a guard, which is told where the decision was.
fn unmet(terms: &Terms, guard: &ReservationGuard) -> Option<Error> {
    if guard.is_observed() {
        return None;
    }
    let error = unbudgeted(terms, guard).or_else(|| below_floor(terms, guard))?;
    let call = TurnedDown {
        reservation: guard.reservation_id().as_str(),
        action_kind: &guard.action().kind,
        subject: guard.subject(),
        estimate: guard.reserved(),
        span: &guard.reservation().span,
        scopes: guard.client().config().metric_scopes,
    };
    telemetry::turned_down(call, &error);
    Some(error)
}

/// What says that a level which must have a budget has none.
fn unbudgeted(terms: &Terms, guard: &ReservationGuard) -> Option<Error> {
    let has_budget = |scope: &str| guard.balances().iter().any(|balance| balance.scope_path == scope);
    let missing = terms.require.iter().filter_map(|level| {
        let value = guard.subject().level(*level);
        let Some(value) = value else { return Some(format!("{level} (not in the subject)")) };
        // Servers may write the values of levels in lower case.
        let last = format!("{level}:{value}").to_lowercase();
        let scope = guard
            .affected_scopes()
            .iter()
            .find(|scope| scope.rsplit('/').next().is_some_and(|segment| segment.to_lowercase() == last));
        match scope {
            Some(scope) if has_budget(scope) => None,
            Some(scope) => Some(scope.clone()),
            None => Some(last),
        }
    });
    let scopes: Vec<_> = missing.collect();
    (!scopes.is_empty()).then_some(Error::UnbudgetedScope { scopes })
}

/// What says that a budget is too low for the call's tier. A budget that does not tell its allocation is not judged.
fn below_floor(terms: &Terms, guard: &ReservationGuard) -> Option<Error> {
    let priority = terms.priority.as_ref()?;
    let own = i64::try_from(guard.reserved().value()).unwrap_or(i64::MAX);
    let (balance, left, allocated) = guard.balances().iter().find_map(|balance| {
        let Balance { remaining, allocated: Some(allocated), .. } = balance else { return None };
        let left = remaining.value().saturating_add(own);
        let is_own_unit = remaining.unit() == guard.reserved().unit();
        (is_own_unit && priority.is_below_floor(left, allocated.value())).then_some((balance, left, allocated.value()))
    })?;
    let scope = &balance.scope_path;
    let (left, floor) = (percent(left, allocated), priority.floor_percent());
    let message = format!("{scope} is at {left} %, and the tier {priority} leaves {floor} % of it to others");
    Some(Error::below_floor(message, scope, guard.affected_scopes()).raised_for(guard.reserved()))
}

fn percent(left: i64, allocated: u64) -> i128 {
    i128::from(left) * 100 / i128::from(allocated.max(1))
}

/// A guard of a call that runs whatever the authority says.
async fn unenforced(
    client: &CyclesClient,
    request: ReservationCreateRequest,
    mode: Mode,
) -> Result<ReservationGuard, Error> {
    request.validate()?;
    let mut answer = ReservationCreateResponse::new(Decision::Allow, Vec::new());
    match mode {
        Mode::Off | Mode::Enforce => {}
        Mode::Shadow | Mode::ShadowMetered => {
            let asked = tokio::time::timeout(SHADOW_PATIENCE, ask(client, &request, mode)).await;
            let verdict = match &asked {
                Ok(Ok(given)) => {
                    tell(&request, given);
                    verdict_of(given)
                }
                Ok(Err(error)) => match error.refusal().filter(|_| !error.is_retryable() && !error.is_auth()) {
                    Some(refusal) => {
                        tracing::info!(action = %request.action.name, estimate = %request.estimate, %error, "shadow: this call would have been refused");
                        Verdict::Denied {
                            reason: refusal.reason().map_or("REFUSED", ReasonCode::as_str),
                            scope: refusal.scope(),
                            affected_scopes: refusal.affected_scopes(),
                            balances: &[],
                        }
                    }
                    None => {
                        tracing::warn!(%error, "shadow: no decision; the action runs");
                        Verdict::Unknown
                    }
                },
                Err(_) => {
                    tracing::warn!("shadow: no decision in time; the action runs");
                    Verdict::Unknown
                }
            };
            let is_metered = mode == Mode::ShadowMetered;
            client.shared.shadow.decided(&request.subject, &request.estimate, is_metered, &verdict);
            if let Ok(Ok(given)) = asked {
                answer = given;
            }
        }
    }
    let key: String = request.idempotency_key.as_str().chars().take(100).collect();
    let id = ReservationId::new(format!("shadow-{key}"))
        .map_err(|error| ValidationError::new("idempotency_key", error.to_string(), "a plain key"))?;
    // What is not enforced narrows nothing either.
    (answer.decision, answer.caps) = (Decision::Allow, None);
    let hold = match mode {
        Mode::Off | Mode::Enforce => Hold::Nothing,
        Mode::Shadow | Mode::ShadowMetered => Hold::Shadow { is_metered: mode == Mode::ShadowMetered },
    };
    let span = CallSpan::open(&request);
    let asked = Asked { request: &request, span: &span, scopes: client.config().metric_scopes };
    telemetry::allowed(asked, &answer.decision, answer.reason_code.as_ref(), id.as_str(), None);
    let trace = client.shared.connection.current_trace();
    client.without_hold(Reservation::new(id, hold, request, answer.into()).told(span, trace))
}

/// What the authority would say.
async fn ask(
    client: &CyclesClient,
    request: &ReservationCreateRequest,
    mode: Mode,
) -> Result<ReservationCreateResponse, Error> {
    if mode == Mode::Shadow {
        let mut request = request.clone();
        request.dry_run = Some(true);
        return client.create_reservation(&request).await;
    }
    let question = DecisionRequest::builder()
        .action(request.action.clone())
        .estimate(request.estimate.clone())
        .subject(request.subject.clone())
        .metadata(request.metadata.clone())
        .build();
    let decision = client.decide(&question).await?;
    let mut answer = ReservationCreateResponse::new(decision.decision, decision.affected_scopes);
    (answer.caps, answer.reason_code, answer.extra) = (decision.caps, decision.reason_code, decision.extra);
    Ok(answer)
}

/// What an answer says of a call.
fn verdict_of(answer: &ReservationCreateResponse) -> Verdict<'_> {
    if answer.decision.is_allowed() {
        return Verdict::Allowed;
    }
    Verdict::Denied {
        reason: answer.reason_code.as_ref().map_or("DENY", ReasonCode::as_str),
        scope: answer.extra.get("scope").and_then(|scope| scope.as_str()),
        affected_scopes: &answer.affected_scopes,
        balances: &answer.balances,
    }
}

/// Tells operators what the authority would have said.
fn tell(request: &ReservationCreateRequest, answer: &ReservationCreateResponse) {
    let (action, estimate) = (&request.action.name, &request.estimate);
    if answer.decision.is_allowed() {
        tracing::debug!(%action, %estimate, decision = %answer.decision, "shadow: this call would have been allowed");
    } else {
        let reason = answer.reason_code.as_ref().map_or("none given", |reason| reason.as_str());
        tracing::info!(%action, %estimate, reason, "shadow: this call would have been denied");
    }
}

//! Calls while the authority cannot be reached.

use tokio::runtime::Handle;

use super::admission::Terms;
use crate::client::{Allowance, CyclesClient};
use crate::error::Error;
use crate::guard::ReservationGuard;
use crate::protocol::{
    Decision, IdempotencyKey, ReservationCreateRequest, ReservationCreateResponse, ReservationId, ValidationError,
};
use crate::reservation::{Hold, Reservation, UNHELD};
use crate::telemetry::{self, Asked, CallSpan};

/// What a call may spend without the authority.
pub(super) fn allowance<'a>(client: &'a CyclesClient, terms: &Terms) -> Option<&'a Allowance> {
    client.config().on_unavailable.allowance().filter(|_| !terms.needs_authority)
}

/// Holds budget, or takes from the allowance where the authority cannot be reached.
///
/// A reservation that was made and whose answer was lost is found by its key and given back, as after any such error: what the
/// action costs is recorded by an event with a key of its own, and so it is charged once.
pub(super) async fn hold_or_allow(
    client: &CyclesClient,
    request: ReservationCreateRequest,
    allowance: &Allowance,
) -> Result<ReservationGuard, Error> {
    let held = client.reserve_as_it_is(request.clone()).await;
    match held {
        Err(error) if error.is_unavailable() => {
            client.shared.allowance.note_out_of_reach();
            allow(client, request, allowance, error)
        }
        held => {
            // An error of this side says nothing of the authority.
            let has_answered = held.as_ref().err().is_none_or(|error| error.refusal().is_some());
            if has_answered && client.shared.allowance.is_back() {
                tracing::info!("the authority is back; recording what was spent without it");
                client.shared.resume_settling(&Handle::current());
            }
            held
        }
    }
}

/// The guard of a call that runs by the allowance.
fn allow(
    client: &CyclesClient,
    request: ReservationCreateRequest,
    allowance: &Allowance,
    error: Error,
) -> Result<ReservationGuard, Error> {
    let taken = client.shared.allowance.take(allowance, &request.estimate).map_err(|left| {
        let (asked, limit) = (request.estimate.clone(), allowance.limit(request.estimate.unit()));
        Error::AllowanceExhausted { asked, left, limit, window: allowance.window(), source: Box::new(error) }
    })?;
    let (action, estimate) = (&request.action.name, &request.estimate);
    tracing::warn!(%action, %estimate, %allowance, "the authority cannot be reached; the action runs by the allowance");
    // Not from the request's key, which others may use for the same work: every spend has a record of its own.
    let id = ReservationId::new(format!("{UNHELD}{}", IdempotencyKey::random()))
        .map_err(|error| ValidationError::new("reservation_id", error.to_string(), "a plain id"))?;
    let answer = ReservationCreateResponse::new(Decision::Allow, Vec::new());
    let span = CallSpan::open(&request);
    let asked = Asked { request: &request, span: &span, scopes: client.config().metric_scopes };
    telemetry::allowed(asked, &answer.decision, answer.reason_code.as_ref(), id.as_str(), None);
    let trace = client.shared.connection.current_trace();
    client
        .without_hold(Reservation::new(id, Hold::Allowance(Box::new(taken)), request, answer.into()).told(span, trace))
}

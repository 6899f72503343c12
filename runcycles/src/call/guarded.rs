//! What `#[cycles]` expands to a call of.

use super::opened::Opened;
use super::{Amounts, Call};
use crate::error::Error;
use crate::lifecycle::{Outcome, govern};

/// Reserves what a call asks for, runs a body, and settles what `actual` makes of its value.
///
/// A call that could not be collected, a missing client and a denial are errors of the caller's own type; the body has not
/// been polled then.
pub(super) async fn guarded<T, E, F, A>(call: Result<Call, Error>, actual: Option<A>, body: F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: From<Error>,
    A: FnOnce(&T) -> Amounts,
{
    let Opened { client, request, policies, terms } = call?.open()?;
    govern(
        &client,
        request,
        policies,
        &terms,
        None,
        |_context| body,
        |result| match result {
            Ok(value) => {
                let amounts = actual.map(|actual| actual(&value));
                let (actual, also) = amounts.map_or((None, Vec::new()), |Amounts { first, also }| (Some(first), also));
                Outcome::Done { value, actual, also }
            }
            Err(error) => Outcome::Failed(error),
        },
    )
    .await?
}

//! What `#[cycles]` expands to a call of.

use super::Call;
use super::opened::Opened;
use crate::error::Error;
use crate::lifecycle::{Outcome, govern};
use crate::protocol::{Amount, ValidationError};

/// Reserves what a call asks for, runs a body, and settles what `actual` makes of its value.
///
/// A call that could not be collected, a missing client and a denial are errors of the caller's own type; the body has not
/// been polled then.
pub(super) async fn guarded<T, E, F, A>(call: Result<Call, Error>, actual: Option<A>, body: F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: From<Error>,
    A: FnOnce(&T) -> Result<Amount, ValidationError>,
{
    let Opened { client, request, policies } = call?.open()?;
    govern(
        &client,
        request,
        policies,
        None,
        |_context| body,
        |result| match result {
            Ok(value) => {
                let actual = actual.map(|actual| actual(&value));
                Outcome::Done { value, actual }
            }
            Err(error) => Outcome::Failed(error),
        },
    )
    .await?
}

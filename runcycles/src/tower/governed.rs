//! How a governed request ended.

use super::cost::Cost;
use crate::lifecycle::Outcome;

/// How a request ended that did not succeed.
pub(super) enum Ended<Res, E> {
    /// With a response that says so.
    Answered(Res),
    /// With an error of the service's own.
    Failed(E),
}

/// How a request ended that has a response.
pub(super) fn outcome<Res, E>(cost: Cost, response: Res) -> Outcome<Res, Ended<Res, E>> {
    let actual = match cost {
        Cost::Told => None,
        Cost::Exactly(amount) => Some(Ok(amount)),
        Cost::Failed => return Outcome::Failed(Ended::Answered(response)),
    };
    Outcome::Done { value: response, actual, also: Vec::new() }
}

//! What a commit of a reservation says.

use crate::protocol::{Amount, CommitRequest, ValidationError};
use crate::reservation::{Report, Reservation};

/// The metadata member that says where a commit's amount comes from, and its value where that is the estimate.
const ACTUAL_SOURCE: (&str, &str) = ("actual_source", "estimate");

impl Reservation {
    /// Checks a commit against the protocol's limits and the reservation's unit.
    pub(crate) fn check_commit(&self, request: &CommitRequest) -> Result<(), ValidationError> {
        request.validate()?;
        self.check_actual(&request.actual)
    }

    /// Checks an actual amount's range and unit.
    pub(crate) fn check_actual(&self, actual: &Amount) -> Result<(), ValidationError> {
        CommitRequest::check_actual(actual)?;
        if actual.unit() == self.unit() {
            return Ok(());
        }
        let expected = format!("{}, the unit of the reservation", self.unit());
        Err(ValidationError::new("actual.unit", actual.unit().to_string(), expected))
    }

    /// A commit of an amount, with what the action reported. Measurements out of range are left out with a warning: the spend
    /// matters more.
    pub(crate) fn commit_of(&self, actual: Amount, report: Report) -> CommitRequest {
        let mut request = CommitRequest::new(actual);
        request.metadata = report.metadata;
        request.metrics = report.metrics.map(|metrics| *metrics).filter(|metrics| match metrics.validate() {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(reservation_id = %self.id, %error, "metrics left out of the commit");
                false
            }
        });
        request
    }

    /// A commit of the estimate, marked as such: the action has run, and its cost is not known.
    pub(crate) fn commit_of_estimate(&self, report: Report) -> CommitRequest {
        let mut request = self.commit_of(self.estimate.clone(), report);
        mark_estimate(&mut request);
        request
    }

    /// A commit of what the action reported, and otherwise of the estimate, marked as such.
    pub(crate) fn commit_of_known(&self) -> CommitRequest {
        let report = self.report().clone();
        match report.spend.clone().known() {
            Some(spent) => self.commit_of(spent, report),
            None => self.commit_of_estimate(report),
        }
    }

    /// The estimate in place of a commit that cannot be sent, under the same key.
    pub(crate) fn commit_estimate_instead(&self, mut request: CommitRequest) -> CommitRequest {
        let actual_is_usable = self.check_actual(&request.actual).is_ok();
        request.metrics = None;
        if !actual_is_usable {
            request.actual = self.estimate.clone();
            mark_estimate(&mut request);
        }
        request
    }
}

fn mark_estimate(request: &mut CommitRequest) {
    request.metadata.insert(ACTUAL_SOURCE.0.to_owned(), ACTUAL_SOURCE.1.into());
}

//! A call that knows its client and its subject.

use super::Call;
use crate::client::{CallPolicies, CyclesClient, current_client};
use crate::error::Error;
use crate::guard::ReservationGuard;
use crate::protocol::ReservationCreateRequest;

/// A call with its client, and with a subject from where it was made.
pub(crate) struct Opened {
    pub(crate) client: CyclesClient,
    pub(crate) request: ReservationCreateRequest,
    pub(crate) policies: CallPolicies,
}

impl Call {
    /// Finds the client, and fills the subject.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] where there is no client, and [`Error::Validation`] for a run without a free level.
    pub(crate) fn open(mut self) -> Result<Opened, Error> {
        let client = match self.client.take() {
            Some(client) => client,
            None => current_client()?,
        };
        let policies = self.policies;
        let request = self.into_request(&client)?;
        Ok(Opened { client, request, policies })
    }
}

impl Opened {
    /// Reserves what the call asks for.
    pub(crate) async fn reserve(self) -> Result<ReservationGuard, Error> {
        let mut guard = self.client.reserve_as_it_is(self.request).await?;
        guard.set_unknown_spend(self.policies.unknown_spend(self.client.config()));
        Ok(guard)
    }
}

//! A call that knows its client and its subject.

use super::Call;
use crate::client::{CallPolicies, CyclesClient, current_client};
use crate::error::Error;
use crate::guard::ReservationGuard;
use crate::lifecycle::{Terms, admit};
use crate::protocol::ReservationCreateRequest;

/// A call with its client, and with a subject from where it was made.
pub(crate) struct Opened {
    pub(crate) client: CyclesClient,
    pub(crate) request: ReservationCreateRequest,
    pub(crate) policies: CallPolicies,
    pub(crate) terms: Terms,
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
        let (policies, terms) = (self.policies, std::mem::take(&mut self.terms));
        let request = self.into_request(&client, terms.site)?;
        Ok(Opened { client, request, policies, terms })
    }
}

impl Opened {
    /// Reserves what the call asks for.
    pub(crate) async fn reserve(mut self) -> Result<ReservationGuard, Error> {
        // A stream may cost more than it estimates, which nothing would stop without the authority.
        self.terms.needs_authority = true;
        let mut guard = admit(&self.client, self.request, &self.terms).await?.guard;
        guard.set_unknown_spend(self.policies.unknown_spend(self.client.config()));
        Ok(guard)
    }
}

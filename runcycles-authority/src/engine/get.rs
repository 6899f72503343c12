//! One reservation, and who may see it.

use uuid::Uuid;

use super::{Command, Refusal};
use crate::clock::Millis;
use crate::state::{Phase, Reservation, State, TenantId};

/// Reads a reservation.
#[derive(Debug)]
pub(crate) struct GetReservation<'a> {
    /// The tenant whose key was used; none for the admin key, which sees every tenant's.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) id: &'a str,
}

impl Command for GetReservation<'_> {
    type Outcome = Result<Reservation, Refusal>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let reservation = find_owned(state, self.tenant, self.id)?;
        match reservation.phase {
            Phase::Expired { .. } => Err(Refusal::Expired),
            Phase::Active | Phase::Committed(_) | Phase::Released(_) => Ok(reservation.clone()),
        }
    }
}

/// The reservation of an id, if the tenant owns it.
pub(super) fn find_owned<'s>(state: &'s State, tenant: Option<TenantId>, id: &str) -> Result<&'s Reservation, Refusal> {
    let reservation = parse_id(id).and_then(|uuid| state.reservations().get(uuid));
    let reservation = reservation.ok_or_else(|| Refusal::NotFound { id: id.to_owned() })?;
    match tenant {
        Some(tenant) if tenant != reservation.tenant => Err(Refusal::OtherTenant),
        _ => Ok(reservation),
    }
}

/// Reads an id in the one form in which ids are given out.
fn parse_id(id: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(id).ok()?;
    let mut buffer = Uuid::encode_buffer();
    (uuid.hyphenated().encode_lower(&mut buffer) == id).then_some(uuid)
}

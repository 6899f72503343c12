//! Guarded calls inside of guarded calls.

use std::panic::Location;

use super::context::Context;
use super::told::ToldPlaces;
use crate::guard::ReservationGuard;

/// The calls that operators have been warned of.
static WARNED: ToldPlaces = ToldPlaces::new();

/// Warns of a call in another for the same action of the same subject, once for each place in the program: one spend is
/// reserved twice there, and most likely charged twice.
pub(super) fn warn_of_double_counting(outer: &Context, guard: &ReservationGuard, site: &'static Location<'static>) {
    if outer.action() != guard.action() || outer.subject() != guard.subject() {
        return;
    }
    if WARNED.is_new(site) {
        tracing::warn!(
            action = %guard.action().name,
            subject = %guard.subject(),
            %site,
            "a guarded call inside of one for the same action and subject is charged beside it; guard one of them, or leave \
             what the inner one is charged out of the outer one's actual amount by Context::charged_inside"
        );
    }
}

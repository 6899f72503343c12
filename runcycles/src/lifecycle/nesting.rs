//! Guarded calls inside of guarded calls.

use std::collections::HashSet;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use super::context::Context;
use crate::guard::ReservationGuard;

/// The calls that operators have been warned of.
///
/// A lock because calls nest on any thread; held for one insertion, and only where a call is in another like it.
static WARNED: Mutex<Option<HashSet<&'static Location<'static>>>> = Mutex::new(None);

/// Warns of a call in another for the same action of the same subject, once for each place in the program: one spend is
/// reserved twice there, and most likely charged twice.
pub(super) fn warn_of_double_counting(outer: &Context, guard: &ReservationGuard, site: &'static Location<'static>) {
    if outer.action() != guard.action() || outer.subject() != guard.subject() {
        return;
    }
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    if warned.get_or_insert_default().insert(site) {
        tracing::warn!(
            action = %guard.action().name,
            subject = %guard.subject(),
            %site,
            "a guarded call inside of one for the same action and subject is charged beside it; guard one of them, or leave \
             what the inner one is charged out of the outer one's actual amount by Context::charged_inside"
        );
    }
}

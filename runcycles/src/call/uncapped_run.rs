//! Runs that nothing caps.

use std::collections::HashSet;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use crate::protocol::Subject;

/// The calls that operators have been warned of.
///
/// A lock because calls are made on any thread; held for one insertion, and only where a call has such a dimension.
static WARNED: Mutex<Option<HashSet<&'static Location<'static>>>> = Mutex::new(None);

/// Warns of a call that names its run in a dimension alone, once for each place in the program: it looks like a cap, and is none
/// (protocol: Subject, dimensions).
pub(super) fn warn_of_uncapped_run(subject: &Subject, site: Option<&'static Location<'static>>) {
    let (Some(run), Some(site)) = (subject.dimensions.get("run"), site) else { return };
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    if warned.get_or_insert_default().insert(site) {
        tracing::warn!(
            run,
            %site,
            "dimensions are not enforced by authorities of protocol v0, so that nothing caps the run: write `run = …`, which is a \
             level with a budget of its own"
        );
    }
}

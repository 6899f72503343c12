//! Runs that nothing caps.

use std::panic::Location;

use crate::lifecycle::ToldPlaces;
use crate::protocol::{Level, Subject};

/// The calls that operators have been warned of.
static WARNED: ToldPlaces = ToldPlaces::new();

/// Warns of a call that names its run in a dimension alone, once for each place in the program: it looks like a cap, and is none
/// (protocol: Subject, dimensions). A run that is a level too has its cap there.
pub(super) fn warn_of_uncapped_run(subject: &Subject, site: Option<&'static Location<'static>>) {
    let (Some(run), Some(site)) = (subject.dimensions.get("run"), site) else { return };
    let is_a_level = Level::ALL.iter().any(|level| subject.level(*level) == Some(run));
    if !is_a_level && WARNED.is_new(site) {
        tracing::warn!(
            run,
            %site,
            "dimensions are not enforced by authorities of protocol v0, so that nothing caps the run: write `run = …`, which is a \
             level with a budget of its own"
        );
    }
}

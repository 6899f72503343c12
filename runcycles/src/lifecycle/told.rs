//! Places in the program that operators have been told of.

use std::collections::HashSet;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

/// Places in the program that operators have been told of.
///
/// A lock because calls are made on any thread; held for one insertion, and only where there is something to tell.
#[derive(Debug)]
pub(crate) struct ToldPlaces(Mutex<Option<HashSet<&'static Location<'static>>>>);

impl ToldPlaces {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Whether a place has not been told of yet; from now on it has.
    pub(crate) fn is_new(&self, site: &'static Location<'static>) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.get_or_insert_default().insert(site)
    }
}

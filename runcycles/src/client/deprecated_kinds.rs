//! Action kinds that servers ask not to use any more.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;

/// The most kinds that operators are told of: whatever a server writes, its words do not fill the memory.
const MOST_KINDS: usize = 100;

/// The kinds that operators have been told of.
///
/// A lock because answers arrive on any thread; held for one look, and only where a server has something to say.
static TOLD: Mutex<Option<HashSet<Box<str>>>> = Mutex::new(None);

/// Warns where an answer says that the kind of its action is on its way out, once for each kind (protocol v0.1.26:
/// `X-Cycles-Deprecated-Kind`).
pub(super) fn notice(headers: &HeaderMap) {
    let Some(kind) = headers.get("x-cycles-deprecated-kind").and_then(|kind| kind.to_str().ok()) else { return };
    let is_new = {
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        let told = told.get_or_insert_default();
        told.len() < MOST_KINDS && !told.contains(kind) && told.insert(kind.into())
    };
    if is_new {
        tracing::warn!(
            kind,
            "this kind of action is on its way out; the registry of action kinds says what takes its place"
        );
    }
}

//! What holds budget for calls to come.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Something that holds budget for calls to come, and can let go of it.
pub(crate) trait Holder: Send + Sync {
    /// Settles what it holds, and returns the rest; what calls have taken of it is settled when they end. It holds nothing new
    /// where this is `for_good`.
    fn let_go(&self, for_good: bool);
}

/// All of a client that hold budget for calls to come.
#[derive(Default)]
pub(crate) struct Holders {
    /// A lock because they are made on any thread; held for one look.
    all: Mutex<Vec<Weak<dyn Holder>>>,
}

impl Holders {
    /// Has a holder let go when the client asks for it.
    pub(crate) fn add(&self, holder: Weak<dyn Holder>) {
        // The list is whole between any two operations on it.
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|holder| holder.strong_count() > 0);
        all.push(holder);
    }

    /// Has all of them let go.
    pub(crate) fn let_go(&self, for_good: bool) {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let living: Vec<Arc<dyn Holder>> = all.iter().filter_map(Weak::upgrade).collect();
        drop(all);
        for holder in living {
            holder.let_go(for_good);
        }
    }
}

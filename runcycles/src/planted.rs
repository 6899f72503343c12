//! Bugs that are planted on purpose, to show that the simulation of this crate finds them.
//!
//! Nobody but the project's own tests plants any, by the feature `__simulation` and for one thread. In every other build
//! [`planted`] is the constant `false`, so that neither the bugs nor the questions for them are compiled.

use bytes::Bytes;

/// A bug that can be planted.
#[cfg_attr(not(feature = "__simulation"), expect(unreachable_pub, reason = "only simulations name bugs"))]
#[cfg_attr(not(feature = "journal"), expect(dead_code, reason = "some are in the journal"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A repeated settlement has a key of its own.
    NewKeyOnRetry,
    /// A settlement that goes on in the background is released as well.
    ReleaseAfterKnownSpend,
    /// The first request leaves before the record is on disk.
    JournalAfterSend,
    /// A throttled settlement is repeated as if nobody had asked to wait.
    RetryAfterIgnored,
    /// How long the authority asked to wait is in memory alone.
    FloorNotPersisted,
    /// That a settlement goes on by an event is in memory alone.
    EventModeNotPersisted,
    /// A guard that ends leaves its heartbeat behind.
    HeartbeatNotStopped,
    /// An extension that fails is repeated without a word.
    HeartbeatFailsSilently,
    /// A repeated extension has a key of its own.
    NewKeyOnExtendRetry,
    /// The record is removed when the request leaves, not when it is answered.
    RecordRemovedBeforeAnswer,
    /// A final refusal is asked about again.
    CommitRetriedAfterRejection,
    /// Every reservation replays the journal, this process's own records included.
    DoubleReplay,
    /// A panic loses the spend that the action has reported.
    PanicLosesSpend,
    /// A cancelled call is released, whatever it has spent.
    CancelReleasesKnownSpend,
    /// A settlement whose future is dropped is dropped with it.
    CancelLosesSettlement,
    /// Any 2xx settles.
    AnySuccessSettles,
    /// A key that is refused settles.
    AuthFailureIsFinal,
    /// A commit that comes too late is given up.
    LapsedCommitIsFinal,
    /// A hold whose answer was lost is left to its time to live.
    OrphanForgotten,
    /// The action runs although it was denied.
    DeniedActionRuns,
    /// A record is confirmed before its file is on the disk.
    FileNotSynced,
}

/// Whether a bug is planted here.
#[cfg(not(feature = "__simulation"))]
pub(crate) const fn planted(_bug: Bug) -> bool {
    false
}

#[cfg(feature = "__simulation")]
pub(crate) use self::soil::planted;
#[cfg(feature = "__simulation")]
pub use self::soil::{Planted, plant};

#[cfg(feature = "__simulation")]
mod soil {
    use std::cell::Cell;
    use std::marker::PhantomData;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    impl Bug {
        /// Every bug there is.
        pub const ALL: [Self; 21] = [
            Self::NewKeyOnRetry,
            Self::ReleaseAfterKnownSpend,
            Self::JournalAfterSend,
            Self::RetryAfterIgnored,
            Self::FloorNotPersisted,
            Self::EventModeNotPersisted,
            Self::HeartbeatNotStopped,
            Self::HeartbeatFailsSilently,
            Self::NewKeyOnExtendRetry,
            Self::RecordRemovedBeforeAnswer,
            Self::CommitRetriedAfterRejection,
            Self::DoubleReplay,
            Self::PanicLosesSpend,
            Self::CancelReleasesKnownSpend,
            Self::CancelLosesSettlement,
            Self::AnySuccessSettles,
            Self::AuthFailureIsFinal,
            Self::LapsedCommitIsFinal,
            Self::OrphanForgotten,
            Self::DeniedActionRuns,
            Self::FileNotSynced,
        ];
    }

    /// A planted bug, until this is dropped.
    #[derive(Debug)]
    #[must_use = "dropping it takes the bug away"]
    pub struct Planted(PhantomData<*const ()>);

    /// Plants a bug for this thread.
    pub fn plant(bug: Bug) -> Planted {
        PLANTED.set(Some(bug));
        Planted(PhantomData)
    }

    impl Drop for Planted {
        fn drop(&mut self) {
            PLANTED.set(None);
        }
    }

    pub(crate) fn planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

/// The body of [`Bug::NewKeyOnRetry`].
pub(crate) fn with_another_key(body: &Bytes) -> Bytes {
    let Ok(mut json) = serde_json::from_slice::<serde_json::Value>(body) else { return body.clone() };
    if let Some(key) = json.get_mut("idempotency_key") {
        *key = format!("{:032x}", fastrand::u128(..)).into();
    }
    json.to_string().into()
}

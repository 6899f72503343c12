//! What can go wrong with the disk.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A record that did not reach the disk, or records that cannot be read from it. The settlement goes on all the same.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// There is no place for a journal.
    #[error("no home directory to keep the commit journal in; set HOME, or name a directory by CYCLES_JOURNAL_DIR")]
    NoHome,

    /// The disk refuses.
    #[error(
        "cannot {step} {path}; make it readable and writable for this process, or name another directory by \
         CYCLES_JOURNAL_DIR"
    )]
    Disk {
        /// What the disk refused, as a verb.
        step: &'static str,
        path: Box<str>,
        /// Shared by all records of a group that is synchronised together.
        #[source]
        source: Arc<io::Error>,
    },

    /// The record is too large to be read again.
    #[error("the record has {found} bytes, and a journal takes at most {allowed}; put less into metrics and metadata")]
    TooLarge { found: usize, allowed: u64 },

    /// The disk did not answer in time. The write may still take place.
    #[error("the disk of the commit journal did not answer within {} s; check the file system", waited.as_secs())]
    Stalled { waited: Duration },

    /// The system gives no thread to write on.
    #[error("cannot start the thread of the commit journal; check the limit on threads")]
    NoThread(#[source] Arc<io::Error>),

    /// The work on the disk panicked, in a tracing subscriber or in the journal itself.
    #[error("the work on the disk of the commit journal panicked; look for the panic's message")]
    Panicked,
}

impl JournalError {
    pub(super) fn disk(step: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Disk { step, path: path.display().to_string().into(), source: Arc::new(source) }
    }
}

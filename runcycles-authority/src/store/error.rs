//! What can go wrong with a store.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a store cannot be opened, or does not write any more.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else has the directory open.
    #[error(
        "{} is in use by another process, or by another authority in this one: stop that one, or give this one a directory of its own",
        dir.display()
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was to be done, such as `write`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: Arc<io::Error>,
    },
    /// A file is not as it was written. Nothing was read from the store, and nothing was changed.
    #[error("{} is damaged at byte {at}: {problem}: {remedy}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where in it.
        at: u64,
        /// What was found.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A file that must be there is not. Nothing was read from the store, and nothing was changed.
    #[error("{} is missing: {because}; restore the directory from a backup", file.display())]
    Missing {
        /// The file.
        file: PathBuf,
        /// How that is known.
        because: String,
    },
    /// A later version of this crate wrote the file.
    #[error("{} has format {found}, expected {expected}: open it with the version of runcycles-authority that wrote it", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// The file's format.
        found: u32,
        /// The latest format that this version reads.
        expected: u32,
    },
    /// The authority was closed.
    #[error("the store was closed")]
    Closed,
}

impl StoreError {
    /// What to do about a damaged file that cannot be done without.
    pub(super) const FROM_BACKUP: &str = "restore the directory from a backup";

    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source: Arc::new(source) }
    }
}

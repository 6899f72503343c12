//! Directories for journals.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where a directory is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    /// On the disk that this program was built on.
    OfTheTarget,
    /// In a file system in memory, where there is one: synchronising costs nothing there.
    Memory,
}

/// A directory that is removed again.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn on(disk: Disk) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let shared_memory = Path::new("/dev/shm");
        let parent = match disk {
            Disk::Memory if shared_memory.is_dir() => shared_memory,
            Disk::Memory | Disk::OfTheTarget => Path::new(env!("CARGO_TARGET_TMPDIR")),
        };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(parent.join(format!("runcycles-benchmark-{}-{number}", std::process::id())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

//! The file operations that a store is made of.

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// A directory of files, held by nobody else.
///
/// What a crash leaves is what was written and named before it; what a power cut leaves is what was synchronised. A file's
/// content and its name are synchronised separately.
pub(super) trait Disk: Debug + Send + Sync {
    /// Where a file is, for people.
    fn path(&self, name: &str) -> PathBuf;

    /// The names of the files.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Reads a file from a position on.
    fn read(&self, name: &str, from: u64) -> io::Result<Box<dyn io::Read + Send>>;

    /// Makes an empty file, in place of one that has the name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file to be written on at its end, after cutting it to a length where one is given.
    fn append(&self, name: &str, length: Option<u64>) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name, in place of a file that has it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Synchronises the names.
    fn sync_names(&self) -> io::Result<()>;
}

/// A file that is written at its end.
pub(super) trait DiskFile: Debug + Send + Sync {
    /// Writes all of the bytes, or fails with any number of them written.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;

    /// Synchronises what was written.
    fn sync(&self) -> io::Result<()>;
}

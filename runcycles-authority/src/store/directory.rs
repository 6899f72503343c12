//! A directory of the operating system.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StoreError;
use super::disk::{Disk, DiskFile};

/// The file whose lock says that the directory is in use. The operating system gives the lock back when the process ends,
/// however it ends.
const LOCK: &str = "lock";

/// A directory that this value holds the lock of.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: File,
}

impl Directory {
    /// Opens a directory, which is made if it does not exist.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        make(path).map_err(StoreError::io("make the directory", path))?;
        let lock_path = path.join(LOCK);
        let opened = private(OpenOptions::new().create(true).truncate(false).write(true)).open(&lock_path);
        let lock = opened.map_err(StoreError::io("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { dir: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(StoreError::io("lock", &lock_path)(error)),
        }
    }
}

impl Drop for Directory {
    /// Gives the lock back itself: closing the file would not while a process that another thread is just starting still has a
    /// copy of the descriptor, and whoever opens the directory again at once would be told that it is in use.
    fn drop(&mut self) {
        // What cannot be given back here goes with the descriptor.
        drop(self.lock.unlock());
    }
}

impl Disk for Directory {
    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(&self.path)?;
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        // A name that is not UTF-8 is not one of ours.
        names.filter_map(Result::transpose).collect()
    }

    fn read(&self, name: &str, from: u64) -> io::Result<Box<dyn io::Read + Send>> {
        let mut file = File::open(self.path(name))?;
        file.seek(SeekFrom::Start(from))?;
        Ok(Box::new(file))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = private(OpenOptions::new().create(true).truncate(true).write(true)).open(self.path(name))?;
        Ok(Arc::new(file))
    }

    fn append(&self, name: &str, length: Option<u64>) -> io::Result<Arc<dyn DiskFile>> {
        let mut file = OpenOptions::new().write(true).open(self.path(name))?;
        length.map_or(Ok(()), |length| file.set_len(length))?;
        file.seek(SeekFrom::End(0))?;
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }
}

impl DiskFile for File {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        (&*self).write_all(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Makes a directory and those above it that do not exist, for this user alone, and synchronises their names.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make(parent)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_directory(parent.unwrap_or(Path::new(".")))
}

/// Files that only this user reads.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Where the operating system has no way to synchronise names, it keeps them in order by itself.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

//! The file system, as far as the journal uses it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::SystemTime;

/// The file system, as far as the journal uses it: one method for each step that can fail or be the last before a crash.
#[cfg_attr(not(feature = "__simulation"), expect(unreachable_pub, reason = "only simulations name it"))]
pub trait Disk: Send + Sync + 'static {
    /// Makes one directory, which only its owner may enter.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Makes an empty file, which only its owner may read. A file, or anything else, of that name is an error.
    fn create_file(&self, path: &Path) -> io::Result<Box<dyn OpenFile>>;

    /// Gives a file a name in the same directory, in place of a file that has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Brings the names in a directory to the disk.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// What a directory holds, in no order.
    fn entries(&self, path: &Path) -> io::Result<Vec<Entry>>;

    /// When a file was changed last.
    fn modified(&self, path: &Path) -> io::Result<SystemTime>;

    /// What a file holds. More than `limit` bytes are an error, [`io::ErrorKind::FileTooLarge`].
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;
}

/// A file that is being written.
#[cfg_attr(not(feature = "__simulation"), expect(unreachable_pub, reason = "only simulations name it"))]
pub trait OpenFile: Send {
    /// Writes everything, in one call where the system takes it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Brings what was written to the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "__simulation"), expect(unreachable_pub, reason = "only simulations name it"))]
pub struct Entry {
    /// The name, without the directory's.
    pub name: OsString,
    /// Whether it is a file itself: not a link to one, a directory, a pipe.
    pub is_file: bool,
}

/// The operating system's file system.
#[derive(Debug)]
pub(crate) struct SystemDisk;

impl Disk for SystemDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn create_file(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        // Elsewhere a directory cannot be opened as a file, and its names are the file system's own care.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }

    fn entries(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            entries.push(Entry { name: entry.file_name(), is_file });
        }
        Ok(entries)
    }

    fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        fs::symlink_metadata(path)?.modified()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(4_096);
        File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("the file has more than {limit} bytes")));
        }
        Ok(bytes)
    }
}

impl OpenFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

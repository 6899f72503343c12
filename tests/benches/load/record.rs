//! A journal's record without a journal: what the disk itself takes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use runcycles::Durability;

use super::directory::Directory;
use super::kind::Caller;

/// As many bytes as the record of a usual call has.
const TEXT: [u8; 900] = [b'x'; 900];

/// Keeps a record as a journal does, and removes it.
#[derive(Clone)]
pub(crate) struct PlainRecord {
    path: PathBuf,
    durability: Durability,
    count: Arc<AtomicU64>,
}

impl PlainRecord {
    pub(crate) fn new(directory: &Directory, durability: Durability) -> Self {
        fs::create_dir(directory.path()).expect("a directory");
        Self { path: directory.path().to_owned(), durability, count: Arc::default() }
    }

    fn keep(&self) -> io::Result<()> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let record = self.path.join(format!("v2-{number:064x}.json"));
        let unfinished = self.path.join(format!("v2-{number:064x}.json.{}.{number:08x}.tmp", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
        file.write_all(&TEXT)?;
        if self.durability == Durability::PowerLoss {
            file.sync_data()?;
        }
        drop(file);
        fs::rename(&unfinished, &record)?;
        if self.durability == Durability::PowerLoss {
            File::open(&self.path)?.sync_all()?;
        }
        fs::remove_file(&record)
    }
}

impl Caller for PlainRecord {
    async fn call(&self) {
        self.keep().expect("a disk that works");
    }
}

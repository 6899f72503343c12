//! A disk that outlives processes, and what one process sees of it: a view that fails, stalls and ends in the middle of a step.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use fastrand::Rng;
use runcycles::__simulation::{Disk, Entry, OpenFile};
use serde_json::Value;

use crate::clock::WorldClock;
use crate::life::Life;

/// What a disk holds. Clones are the same disk.
#[derive(Clone)]
pub(crate) struct Platter(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    /// What is under each path, as processes see it.
    names: BTreeMap<PathBuf, Node>,
    /// What is under each path after a loss of power.
    durable: BTreeMap<PathBuf, Node>,
    files: Vec<File>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Directory,
    File(usize),
}

#[derive(Clone)]
struct File {
    written: Vec<u8>,
    durable: Vec<u8>,
    modified: SystemTime,
}

impl Platter {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// What was not made durable is gone.
    pub(crate) fn lose_power(&self) {
        let mut content = self.content();
        let durable = content.durable.clone();
        let is_reachable =
            |path: &Path| path.ancestors().skip(1).all(|above| is_root(above) || durable.contains_key(above));
        content.names = durable.iter().filter(|(path, _)| is_reachable(path)).map(|(p, n)| (p.clone(), *n)).collect();
        for file in &mut content.files {
            file.written.clone_from(&file.durable);
        }
    }

    /// The records of settlements, by reservation.
    pub(crate) fn records(&self) -> BTreeMap<String, Value> {
        let content = self.content();
        let mut records = BTreeMap::new();
        for (_, text) in
            content.texts().filter(|(path, _)| path.extension().is_some_and(|extension| extension == "json"))
        {
            let Ok(record) = serde_json::from_slice::<Value>(text) else { continue };
            records.insert(record["reservation_id"].as_str().unwrap_or_default().to_owned(), record);
        }
        records
    }

    /// The names of files that end in an extension.
    pub(crate) fn names(&self, extension: &str) -> Vec<String> {
        let content = self.content();
        let ends = |path: &&PathBuf| path.extension().is_some_and(|found| found == extension);
        let files = content.names.iter().filter(|(_, node)| matches!(node, Node::File(_))).map(|(path, _)| path);
        files.filter(ends).map(|path| path.display().to_string()).collect()
    }

    /// Whether a text is anywhere on the disk.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let content = self.content();
        content.files.iter().any(|file| file.written.windows(text.len()).any(|window| window == text.as_bytes()))
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn texts(&self) -> impl Iterator<Item = (&PathBuf, &[u8])> {
        self.names.iter().filter_map(|(path, node)| match node {
            Node::File(file) => Some((path, &*self.files[*file].written)),
            Node::Directory => None,
        })
    }

    fn require_directory(&self, path: &Path) -> io::Result<()> {
        match self.names.get(path) {
            _ if is_root(path) => Ok(()),
            Some(Node::Directory) => Ok(()),
            Some(Node::File(_)) => Err(ErrorKind::NotADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            self.require_directory(parent)?;
        }
        if self.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.names.insert(path.to_owned(), node);
        Ok(())
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(file)) => Ok(*file),
            Some(Node::Directory) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }
}

fn is_root(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.parent().is_none()
}

/// What one process sees of a disk, under a directory that no other process has: the library knows directories by their paths.
#[derive(Clone)]
pub(crate) struct ProcessDisk {
    pub(crate) platter: Platter,
    pub(crate) mount: PathBuf,
    pub(crate) life: Life,
    pub(crate) clock: WorldClock,
    pub(crate) health: Arc<Mutex<Health>>,
}

/// How often steps on a disk fail.
pub(crate) struct Health {
    pub(crate) rng: Rng,
    /// The share of steps that fail.
    pub(crate) failing: f64,
    /// How many have failed.
    pub(crate) failed: usize,
}

impl ProcessDisk {
    /// Takes a step, which may be the process's last, or fail.
    fn step(&self) -> io::Result<()> {
        if !self.life.step() {
            return Err(io::Error::other("the process has ended"));
        }
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if health.rng.f64() < health.failing {
            health.failed += 1;
            let kinds =
                [ErrorKind::StorageFull, ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem, ErrorKind::Other];
            return Err(kinds[health.rng.usize(..kinds.len())].into());
        }
        Ok(())
    }

    /// A path on the platter.
    fn place(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.mount).unwrap_or(path).to_owned()
    }
}

impl Disk for ProcessDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        self.platter.content().add(&self.place(path), Node::Directory)
    }

    fn create_file(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        self.step()?;
        let mut content = self.platter.content();
        let file = content.files.len();
        content.add(&self.place(path), Node::File(file))?;
        let modified = self.clock.time_of_day();
        content.files.push(File { written: Vec::new(), durable: Vec::new(), modified });
        Ok(Box::new(ProcessFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        let mut content = self.platter.content();
        let (from, to) = (self.place(from), self.place(to));
        let file = content.file(&from)?;
        content.names.remove(&from);
        content.names.insert(to, Node::File(file));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        let mut content = self.platter.content();
        let path = self.place(path);
        content.file(&path)?;
        content.names.remove(&path);
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        let mut content = self.platter.content();
        let path = self.place(path);
        content.require_directory(&path)?;
        let Content { names, durable, .. } = &mut *content;
        let is_inside = |name: &Path| name.parent() == Some(&*path);
        durable.retain(|name, _| !is_inside(name));
        durable.extend(names.iter().filter(|(name, _)| is_inside(name)).map(|(name, node)| (name.clone(), *node)));
        Ok(())
    }

    fn entries(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.step()?;
        let content = self.platter.content();
        let path = self.place(path);
        content.require_directory(&path)?;
        let inside = content.names.iter().filter(|(name, _)| name.parent() == Some(&*path));
        let entry = |(name, node): (&PathBuf, &Node)| Entry {
            name: name.file_name().unwrap_or_default().to_owned(),
            is_file: matches!(node, Node::File(_)),
        };
        Ok(inside.map(entry).collect())
    }

    fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        self.step()?;
        let content = self.platter.content();
        let file = content.file(&self.place(path))?;
        Ok(content.files[file].modified)
    }

    fn read(&self, path: &Path, _limit: u64) -> io::Result<Vec<u8>> {
        self.step()?;
        let content = self.platter.content();
        let file = content.file(&self.place(path))?;
        Ok(content.files[file].written.clone())
    }
}

struct ProcessFile {
    disk: ProcessDisk,
    file: usize,
}

impl OpenFile for ProcessFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let was_alive = !self.disk.life.is_over();
        let result = self.disk.step();
        // A write that fails, or that the process does not survive, leaves a half.
        let written = if result.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        if was_alive {
            self.disk.platter.content().files[self.file].written.extend_from_slice(written);
        }
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.step()?;
        let mut content = self.disk.platter.content();
        let file = &mut content.files[self.file];
        file.durable.clone_from(&file.written);
        Ok(())
    }
}

//! A disk in memory that fails, crashes and loses power at any step.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use crate::journal::disk::{Disk, Entry, OpenFile};

/// A disk in memory that fails, crashes and loses power at any step.
#[derive(Clone)]
pub(super) struct MemoryDisk {
    /// A directory that no other disk has, since the process knows directories by their paths.
    pub(super) base: PathBuf,
    state: Arc<Mutex<State>>,
    /// What happens before a file is made.
    before_create: Arc<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    /// What is under each name, as processes see it.
    names: BTreeMap<PathBuf, Node>,
    /// What is under each name after a loss of power.
    durable: BTreeMap<PathBuf, Node>,
    files: Vec<Content>,
    steps: usize,
    directory_syncs: usize,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Directory,
    File(usize),
}

#[derive(Clone, Default)]
struct Content {
    written: Vec<u8>,
    durable: Vec<u8>,
}

/// What goes wrong.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    /// One step fails.
    At(usize, ErrorKind),
    /// The process ends at a step, half-way through it where it is a write.
    CrashAt(usize),
}

impl MemoryDisk {
    pub(super) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let base = PathBuf::from(format!("/disk-{}/journal", COUNT.fetch_add(1, Ordering::Relaxed)));
        Self { base, state: Arc::default(), before_create: Arc::new(|| {}) }
    }

    /// A disk that does something before it makes a file: waits, panics.
    pub(super) fn before_create(before_create: impl Fn() + Send + Sync + 'static) -> Self {
        Self { before_create: Arc::new(before_create), ..Self::new() }
    }

    /// Has something go wrong, counted in steps from now, which is step zero.
    pub(super) fn plan(&self, fault: Fault) {
        let mut state = self.state();
        state.steps = 0;
        state.fault = Some(fault);
    }

    /// Nothing goes wrong from now on: a process that starts after a crash.
    pub(super) fn recover(&self) {
        self.state().fault = None;
    }

    /// A file as another program leaves it.
    pub(super) fn put(&self, path: &Path, text: &str) {
        let mut state = self.state();
        for above in path.ancestors().skip(1).filter(|above| !is_root(above)) {
            state.names.insert(above.to_owned(), Node::Directory);
        }
        let content = Content { written: text.into(), durable: text.into() };
        let file = state.files.len();
        state.files.push(content);
        state.names.insert(path.to_owned(), Node::File(file));
    }

    /// What was not made durable is gone, and nothing goes wrong from now on.
    pub(super) fn lose_power(&self) {
        let mut state = self.state();
        state.fault = None;
        let durable = state.durable.clone();
        // A name is found through the directories above it alone.
        let is_reachable =
            |path: &Path| path.ancestors().skip(1).all(|above| is_root(above) || durable.contains_key(above));
        state.names = durable.iter().filter(|(path, _)| is_reachable(path)).map(|(p, n)| (p.clone(), *n)).collect();
        for file in &mut state.files {
            file.written.clone_from(&file.durable);
        }
    }

    /// Whether the fault has happened.
    pub(super) fn has_failed(&self) -> bool {
        let state = self.state();
        match state.fault {
            Some(Fault::At(step, _) | Fault::CrashAt(step)) => state.steps > step,
            None => false,
        }
    }

    /// The names of all files.
    pub(super) fn file_names(&self) -> Vec<String> {
        let state = self.state();
        let files = state.names.iter().filter(|(_, node)| matches!(node, Node::File(_)));
        files.filter_map(|(path, _)| path.file_name()?.to_str().map(str::to_owned)).collect()
    }

    /// How often a directory was synchronised.
    pub(super) fn directory_syncs(&self) -> usize {
        self.state().directory_syncs
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic under the lock")
    }
}

impl State {
    /// Counts a step, which may fail.
    fn step(&mut self) -> io::Result<()> {
        let step = self.steps;
        self.steps += 1;
        match self.fault {
            Some(Fault::At(at, kind)) if at == step => Err(kind.into()),
            Some(Fault::CrashAt(at)) if at <= step => Err(io::Error::other("the process has ended")),
            _ => Ok(()),
        }
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
        self.require_directory(path.parent().expect("a parent"))?;
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
    path.parent().is_none()
}

impl Disk for MemoryDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.add(path, Node::Directory)
    }

    fn create_file(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        (self.before_create)();
        let mut state = self.state();
        state.step()?;
        let file = state.files.len();
        state.add(path, Node::File(file))?;
        state.files.push(Content::default());
        Ok(Box::new(MemoryFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let file = state.file(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), Node::File(file));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.file(path)?;
        state.names.remove(path);
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.require_directory(path)?;
        state.directory_syncs += 1;
        let State { names, durable, .. } = &mut *state;
        durable.retain(|name, _| name.parent() != Some(path));
        durable
            .extend(names.iter().filter(|(name, _)| name.parent() == Some(path)).map(|(n, node)| (n.clone(), *node)));
        Ok(())
    }

    fn entries(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut state = self.state();
        state.step()?;
        state.require_directory(path)?;
        let inside = state.names.iter().filter(|(name, _)| name.parent() == Some(path));
        let entry = |(name, node): (&PathBuf, &Node)| Entry {
            name: name.file_name().expect("a name").to_owned(),
            is_file: matches!(node, Node::File(_)),
        };
        Ok(inside.map(entry).collect())
    }

    fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        let mut state = self.state();
        state.step()?;
        state.file(path)?;
        Ok(SystemTime::now())
    }

    fn read(&self, path: &Path, _limit: u64) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        state.step()?;
        let file = state.file(path)?;
        Ok(state.files[file].written.clone())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    file: usize,
}

impl OpenFile for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let result = state.step();
        let written = if result.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        state.files[self.file].written.extend_from_slice(written);
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.step()?;
        let file = &mut state.files[self.file];
        file.durable.clone_from(&file.written);
        Ok(())
    }
}

//! A disk whose power can be cut.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use super::Random;
use super::compaction::Gate;
use crate::store::disk::{Disk, DiskFile};
use crate::store::files::StoreFile;

/// What a disk keeps or loses at a time.
const SECTOR: usize = 512;

/// A disk in memory.
///
/// Files and names have what was written and what was synchronised. At a chosen operation the power goes: that operation and
/// all later ones fail, and [`after_power_cut`](Self::after_power_cut) is what the next start finds.
#[derive(Clone, Debug)]
pub(super) struct SimulatedDisk {
    world: Arc<Mutex<World>>,
}

#[derive(Clone, Debug, Default)]
struct World {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    /// Changes of names since they were synchronised.
    name_changes: Vec<NameChange>,
    /// Operations until the power goes.
    left: Option<u64>,
    /// What part of the write that was under way reached the file, in sectors of 1,024.
    torn_at: usize,
    sync: Sync,
    /// Holds back whoever writes a snapshot.
    gate: Option<Arc<Gate>>,
}

/// What synchronising does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sync {
    #[default]
    Works,
    /// Nothing, as if it had worked: to see that the tests notice.
    Forgets,
    Fails,
}

#[derive(Clone, Debug)]
enum NameChange {
    Set(String, usize),
    Remove(String),
}

#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// Changes since it was synchronised: pieces written, or a length it was cut to.
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut(usize),
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

impl World {
    /// Counts an operation; fails where the power goes with it.
    fn step(&mut self) -> io::Result<()> {
        match &mut self.left {
            None => Ok(()),
            Some(0) => Err(power_is_off()),
            Some(left) => {
                *left -= 1;
                if *left == 0 { Err(power_is_off()) } else { Ok(()) }
            }
        }
    }

    fn file(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, name.to_owned()))
    }

    fn change_name(&mut self, change: NameChange) {
        apply_name(&mut self.names, &change);
        self.name_changes.push(change);
    }
}

fn apply_name(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Set(name, file) => drop(names.insert(name.clone(), *file)),
        NameChange::Remove(name) => drop(names.remove(name)),
    }
}

impl SimulatedDisk {
    pub(super) fn new() -> Self {
        Self::of(World::default())
    }

    fn of(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)) }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no test panics while it holds this")
    }

    /// Cuts the power at one of the next operations.
    pub(super) fn cut_after(&self, operations: u64, random: &mut Random) {
        let mut world = self.world();
        world.left = Some(operations.max(1));
        world.torn_at = random.below(1024);
    }

    pub(super) fn power_on(&self) {
        self.world().left = None;
    }

    pub(super) fn forget_to_sync(&self) {
        self.world().sync = Sync::Forgets;
    }

    pub(super) fn fail_to_sync(&self) {
        self.world().sync = Sync::Fails;
    }

    pub(super) fn hold_snapshots_at(&self, gate: Arc<Gate>) {
        self.world().gate = Some(gate);
    }

    /// What is there after the process was killed: all that was written, and a part of what was being written.
    pub(super) fn after_kill(&self) -> Self {
        let world = self.world();
        let content = |file: &usize| Content { bytes: world.files[*file].bytes.clone(), ..Content::default() };
        Self::image(world.names.iter().map(|(name, file)| (name.clone(), content(file).bytes)))
    }

    /// What is there after the power was cut: what was synchronised, and of everything since any part, in any order.
    pub(super) fn after_power_cut(&self, random: &mut Random) -> Self {
        let world = self.world();
        let mut names = world.synced_names.clone();
        for change in &world.name_changes {
            if random.below(2) == 0 {
                apply_name(&mut names, change);
            }
        }
        Self::image(names.into_iter().map(|(name, file)| (name, world.files[file].after_power_cut(random))))
    }

    fn image(files: impl Iterator<Item = (String, Vec<u8>)>) -> Self {
        let mut world = World::default();
        for (name, bytes) in files {
            world.names.insert(name, world.files.len());
            world.files.push(Content { synced: bytes.clone(), bytes, changes: Vec::new() });
        }
        world.synced_names = world.names.clone();
        Self::of(world)
    }

    /// The files by name.
    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let world = self.world();
        world.names.iter().map(|(name, file)| (name.clone(), world.files[*file].bytes.clone())).collect()
    }

    /// The name of the latest log.
    pub(super) fn last_log(&self) -> Option<String> {
        self.files().into_keys().rfind(|name| matches!(StoreFile::parse(name), Some(StoreFile::Log(_))))
    }

    /// A disk with these files.
    pub(super) fn with(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self::image(files.into_iter())
    }
}

impl Content {
    fn after_power_cut(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for change in &self.changes {
            match change {
                Change::Cut(length) => {
                    if random.below(2) == 0 {
                        bytes.truncate(*length);
                    }
                }
                Change::Write { at, bytes: written } => {
                    let kept_of_1024 = random.below(1025);
                    let mut from = 0;
                    while from < written.len() {
                        // To the end of the disk's sector.
                        let to = written.len().min(from + SECTOR - (at + from) % SECTOR);
                        if random.below(1024) < kept_of_1024 {
                            let end = at + to;
                            if bytes.len() < end {
                                bytes.resize(end, 0);
                            }
                            bytes[at + from..end].copy_from_slice(&written[from..to]);
                        }
                        from = to;
                    }
                }
            }
        }
        bytes
    }
}

impl Disk for SimulatedDisk {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("/simulated").join(name)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut world = self.world();
        world.step()?;
        Ok(world.names.keys().cloned().collect())
    }

    fn read(&self, name: &str, from: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut world = self.world();
        world.step()?;
        let file = world.file(name)?;
        let mut input = Cursor::new(world.files[file].bytes.clone());
        input.set_position(from);
        Ok(Box::new(input))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let gate = self.world().gate.clone().filter(|_| name.contains("snapshot"));
        if let Some(gate) = gate {
            gate.pass();
        }
        let mut world = self.world();
        world.step()?;
        let number = world.files.len();
        world.files.push(Content::default());
        world.change_name(NameChange::Set(name.to_owned(), number));
        Ok(Arc::new(SimulatedFile { disk: self.clone(), number }))
    }

    fn append(&self, name: &str, length: Option<u64>) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.world();
        world.step()?;
        let number = world.file(name)?;
        if let Some(length) = length {
            let length = usize::try_from(length).expect("a short file");
            let file = &mut world.files[number];
            file.bytes.resize(length, 0);
            file.changes.push(Change::Cut(length));
        }
        Ok(Arc::new(SimulatedFile { disk: self.clone(), number }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.world();
        world.step()?;
        let file = world.file(from)?;
        world.change_name(NameChange::Set(to.to_owned(), file));
        world.change_name(NameChange::Remove(from.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut world = self.world();
        world.step()?;
        world.file(name)?;
        world.change_name(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut world = self.world();
        world.step()?;
        if world.sync == Sync::Works {
            world.synced_names = world.names.clone();
            world.name_changes.clear();
        }
        Ok(())
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    number: usize,
}

impl DiskFile for SimulatedFile {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.disk.world();
        let is_off = world.left == Some(0);
        let stepped = world.step();
        let written = match &stepped {
            Ok(()) => bytes,
            Err(_) if is_off => &[],
            Err(_) => &bytes[..bytes.len() * world.torn_at / 1024],
        };
        let file = &mut world.files[self.number];
        file.changes.push(Change::Write { at: file.bytes.len(), bytes: written.to_vec() });
        file.bytes.extend_from_slice(written);
        stepped
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.disk.world();
        world.step()?;
        match world.sync {
            Sync::Works => {
                let file = &mut world.files[self.number];
                file.synced = file.bytes.clone();
                file.changes.clear();
                Ok(())
            }
            Sync::Forgets => Ok(()),
            Sync::Fails => Err(io::Error::other("the disk is worn out")),
        }
    }
}

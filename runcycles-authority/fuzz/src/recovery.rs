//! A store whose files were changed in any way, opened again.
//!
//! An input is a list of changes, each of eight bytes, to the files of stores that were filled with a known sequence of calls.
//! Opening what comes of it must refuse, or give one of the states that were answered for. Where checksums are made right
//! again, the store cannot know; it must open or refuse, and give answers that can be read.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use runcycles_authority::{Authority, AuthorityBuilder, Durability, ManualClock, StartError};
use serde_json::{Value, json};

use crate::caller::{ADMIN_KEY, API_KEY, NOW_MS, ask, block_on};

/// Bytes before the first frame of a file, and before the payload of a frame.
const FILE_HEAD: usize = 24;
const FRAME_HEAD: usize = 32;
/// Bytes of a change.
const CHANGE: usize = 8;

type Files = BTreeMap<String, Vec<u8>>;

/// Stores as they were left, and everything that was ever answered for.
struct Stores {
    files: [Files; 3],
    states: HashSet<String>,
}

static STORES: LazyLock<Stores> = LazyLock::new(|| {
    let mut states = HashSet::new();
    let files = [
        // A log, without and with synchronisation; a snapshot and what came after it.
        fill(Durability::ProcessCrash, u64::MAX, &mut states),
        fill(Durability::PowerLoss, u64::MAX, &mut states),
        fill(Durability::PowerLoss, 6_000, &mut states),
    ];
    Stores { files, states }
});

/// A directory in memory where there is one, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let shared = Path::new("/dev/shm");
        let parent = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        let name = format!("cycles-fuzz-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self(parent.join(name))
    }

    fn read(&self) -> Files {
        let entries = fs::read_dir(&self.0).expect("the directory").map(|entry| entry.expect("a file"));
        let named = |entry: fs::DirEntry| (entry.file_name().into_string().expect("a name of text"), entry.path());
        entries.map(named).map(|(name, path)| (name, fs::read(path).expect("the file"))).collect()
    }

    fn write(&self, files: &Files) {
        fs::create_dir_all(&self.0).expect("a directory");
        for (name, bytes) in files {
            fs::write(self.0.join(name), bytes).expect("a file");
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What stays is in a directory for temporary files.
        drop(fs::remove_dir_all(&self.0));
    }
}

fn builder(dir: &Directory) -> AuthorityBuilder {
    let builder = Authority::builder().clock(ManualClock::at_epoch_ms(NOW_MS)).admin_key(ADMIN_KEY);
    builder.api_key(API_KEY, "acme").path(&dir.0)
}

/// What can be read of a state.
fn describe(authority: &Authority) -> String {
    let paths = [
        "/v1/balances?tenant=acme&limit=200",
        "/v1/reservations?limit=200&include=metadata,committed_metadata",
        "/v1/admin/budgets?tenant_id=acme&limit=100&sort_by=scope",
    ];
    paths.map(|path| ask(authority, "GET", path, "")).map(|(status, body)| format!("{status} {body}")).join("\n")
}

/// Fills a store, one call after another, and keeps every state on the way.
fn fill(durability: Durability, compact_at: u64, states: &mut HashSet<String>) -> Files {
    let dir = Directory::new();
    let authority = block_on(builder(&dir).durability(durability).compact_at(compact_at).start()).expect("a new store");
    states.insert(describe(&authority));
    let mut ids: Vec<String> = Vec::new();
    for (path, body) in calls() {
        let latest = ids.last().map_or("none", String::as_str);
        let (_, answer) = ask(&authority, "POST", &path.replace("$ID", latest), &body.to_string());
        ids.extend(answer["reservation_id"].as_str().map(str::to_owned));
        states.insert(describe(&authority));
    }
    block_on(authority.close()).expect("a disk that works");
    drop(authority);
    let mut files = dir.read();
    files.retain(|name, _| name != "lock");
    files
}

/// The calls that stores are filled with.
fn calls() -> Vec<(String, Value)> {
    let tokens = |amount: u64| json!({"unit": "TOKENS", "amount": amount});
    let mut calls = Vec::new();
    for scope in ["tenant:acme", "tenant:acme/agent:a", "tenant:acme/agent:b"] {
        let body = json!({"tenant_id": "acme", "scope": scope, "unit": "TOKENS", "allocated": tokens(10_000)});
        calls.push(("/v1/admin/budgets".to_owned(), body));
    }
    for number in 0..10_u64 {
        let agent = if number % 2 == 0 { "a" } else { "b" };
        let subject = json!({"tenant": "acme", "agent": agent});
        let action = json!({"kind": "k", "name": "n"});
        let reserve = json!({
            "idempotency_key": format!("r{number}"), "subject": subject, "action": action, "estimate": tokens(number * 7 + 1),
            "metadata": {"number": number},
        });
        calls.push(("/v1/reservations".to_owned(), reserve));
        let (operation, body) = match number % 4 {
            0 => ("commit", json!({"idempotency_key": "s", "actual": tokens(number)})),
            1 => ("release", json!({"idempotency_key": "s"})),
            2 => ("extend", json!({"idempotency_key": "s", "extend_by_ms": 5_000})),
            _ => continue,
        };
        calls.push((format!("/v1/reservations/$ID/{operation}"), body));
        let event = json!({"idempotency_key": format!("e{number}"), "subject": subject, "action": action, "actual": tokens(number)});
        calls.push(("/v1/events".to_owned(), event));
    }
    calls
}

/// Applies the changes of an input to the files of a store, and opens what comes of it.
///
/// # Panics
///
/// Where the store is opened with another state than one that was answered for.
pub fn run(data: &[u8]) {
    let Some((first, changes)) = data.split_first() else { return };
    let stores = &*STORES;
    let mut files = stores.files[usize::from(*first) % stores.files.len()].clone();
    let mut is_sealed = false;
    for bytes in changes.chunks_exact(CHANGE).take(16) {
        is_sealed |= change(&mut files, bytes);
    }
    let dir = Directory::new();
    dir.write(&files);
    match block_on(builder(&dir).start()) {
        Ok(authority) => {
            let state = describe(&authority);
            // What a forged row says is believed.
            assert!(is_sealed || stores.states.contains(&state), "nobody was answered for\n{state}");
        }
        Err(StartError::Store(_)) => {}
        // Rows that were changed and sealed may be of tenants or keys that contradict the builder.
        Err(error) => assert!(is_sealed, "{error}"),
    }
}

/// Makes a change: what, which file, where (two bytes), how much (two bytes), with what (two bytes). Returns whether a checksum
/// was made right again.
fn change(files: &mut Files, bytes: &[u8]) -> bool {
    let number = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let Some(name) = files.keys().nth(usize::from(bytes[1]) % files.len().max(1)).cloned() else { return false };
    let file = files.get_mut(&name).expect("a file of this name");
    let at = number(2) % (file.len() + 1);
    let end = (at + number(4)).min(file.len());
    match bytes[0] % 10 {
        0 => file.truncate(at),
        1 => drop(files.remove(&name)),
        2 => drop(file.splice(at..at, [bytes[6], bytes[7]].repeat(number(4) % 64))),
        3 => file[at..end].fill(bytes[6]),
        4 => drop(file.drain(at..end)),
        5 => {
            let piece = file[at..end].to_vec();
            let to = number(6) % (file.len() + 1);
            drop(file.splice(to..to, piece));
        }
        6 => {
            // Under another name, or under that of another file.
            let names: Vec<String> = files.keys().cloned().collect();
            let content = files.remove(&name).expect("a file of this name");
            let other = names[usize::from(bytes[6]) % names.len()].replace('1', &(bytes[7] % 4).to_string());
            files.insert(other, content);
        }
        7 => {
            if let Some(byte) = file.get_mut(at) {
                *byte ^= bytes[6] | 1;
            }
        }
        8 => file.extend(std::iter::repeat_n(bytes[6], number(4))),
        _ => return reseal(file, at, bytes[6], bytes[7]),
    }
    false
}

/// Changes a byte of the frame at a position, and makes its checksum right again.
fn reseal(file: &mut [u8], at: usize, value: u8, offset: u8) -> bool {
    let mut frame = FILE_HEAD;
    while let Some(length) = file.get(frame + 4..frame + 8) {
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let Some(end) = (frame + FRAME_HEAD).checked_add(length).filter(|end| *end <= file.len()) else { return false };
        if at < end {
            let changed = at.max(frame + 8) + usize::from(offset) % (end - at.max(frame + 8));
            file[changed] = value;
            let checksum = crc32fast::hash(&file[frame + 4..end]);
            file[frame..frame + 4].copy_from_slice(&checksum.to_le_bytes());
            return true;
        }
        frame = end;
    }
    false
}

/// Each store as it is, and with each kind of change in a few places.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![0], vec![1], vec![2]];
    for store in 0..3 {
        for what in 0..10 {
            for (file, at) in [(0, 0_u16), (0, 300), (1, 60), (1, 1_500)] {
                let [low, high] = at.to_le_bytes();
                seeds.push(vec![store, what, file, low, high, 9, 0, 3, 1]);
            }
        }
    }
    seeds
}

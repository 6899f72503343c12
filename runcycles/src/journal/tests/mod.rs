//! The journal as the settlement engine sees it, on disks that are whole, slow, broken, and shared with other clients.

mod cost;
mod crash;
mod files;
mod memory_disk;
mod replay;
mod stall;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use self::memory_disk::MemoryDisk;
use super::{Body, Identity, Journal, Place, Record, Replay, Step};
use crate::client::{Durability, JournalConfig};

const BASE_URL: &str = "http://localhost";

/// The directory of the identity of these tests.
const FINGERPRINT: &str = "8baba538fb970da4";

fn identity() -> Identity {
    Identity::new(BASE_URL, Some("acme"), "a-key")
}

fn body(text: impl Into<Bytes>) -> Body {
    Body::new(text.into()).expect("a body")
}

/// A record of 42 tokens, or of another amount.
fn record(reservation_id: &str, amount: u64) -> Record {
    let commit = format!(r#"{{"idempotency_key":"k-{amount}","actual":{{"unit":"TOKENS","amount":{amount}}}}}"#);
    let event = format!(r#"{{"idempotency_key":"k-{amount}","subject":{{"tenant":"acme"}}}}"#);
    Record::commit(reservation_id, body(commit), Some(body(event)), SystemTime::now())
}

/// A journal whose orders are carried out at once.
fn journal_on(disk: &MemoryDisk, durability: Durability) -> Journal {
    let config = JournalConfig::in_directory(&disk.base).durability(durability);
    Journal::on(Arc::new(disk.clone()), Place::Caller, &config, identity())
}

/// A journal in a temporary directory, and the directory of its identity.
fn journal_in(directory: &tempfile::TempDir) -> (Journal, PathBuf) {
    let base = directory.path().join("journal");
    (Journal::new(&JournalConfig::in_directory(&base), identity()), base.join(FINGERPRINT))
}

/// Everything that a replay gives.
async fn all(mut replay: Replay) -> Vec<Record> {
    let mut records = Vec::new();
    loop {
        let batch = replay.next().await.expect("a batch");
        if batch.is_empty() {
            return records;
        }
        records.extend(batch);
    }
}

/// What a journal finds of earlier processes.
async fn load(journal: &Journal) -> Vec<Record> {
    all(journal.load().await.expect("a list").expect("the right to replay")).await
}

/// The amounts that are left to settle, by reservation.
fn amounts(records: &[Record]) -> Vec<(&str, u64)> {
    let amount = |record: &Record| match &record.step {
        Step::Commit { commit, .. } => {
            let commit: serde_json::Value = serde_json::from_slice(commit.bytes()).expect("JSON");
            commit["actual"]["amount"].as_u64().expect("an amount")
        }
        Step::Event { .. } => 0,
    };
    records.iter().map(|record| (record.reservation_id.as_str(), amount(record))).collect()
}

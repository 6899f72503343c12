//! What a process finds of earlier ones, and of other clients.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::{BASE_URL, all, amounts, identity, journal_in, load, record};
use crate::client::JournalConfig;
use crate::journal::replay::ReplaySummary;
use crate::journal::{Journal, Origin};

/// A record as an earlier version of any client may have left it.
fn early(id: &str, amount: u64) -> String {
    format!(
        r#"{{"version": 1, "reservation_id": "{id}", "base_url": "{BASE_URL}", "mode": "commit",
            "commit_body": {{"idempotency_key": "k", "actual": {{"unit": "TOKENS", "amount": {amount}}}}},
            "event_fallback_body": null, "recorded_at_ms": 0, "not_before_ms": null}}"#
    )
}

/// A directory with files as earlier processes left them.
fn with_files(files: &[(&str, &str)]) -> (TempDir, Journal, std::path::PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let (journal, place) = journal_in(&directory);
    fs::create_dir_all(&place).expect("a directory");
    for (name, text) in files {
        fs::write(place.join(name), text).expect("a file");
    }
    (directory, journal, place)
}

fn exists(place: &Path, name: &str) -> bool {
    fs::symlink_metadata(place.join(name)).is_ok()
}

#[tokio::test]
async fn records_outlive_the_client_that_wrote_them_with_their_bodies_to_the_byte() {
    let directory = TempDir::new().expect("a directory");
    let (journal, _) = journal_in(&directory);
    let mut waiting = record("rsv_2", 2);
    waiting.wait(Duration::from_secs(60), SystemTime::now());
    let mut lapsed = record("rsv_3", 3);
    assert!(lapsed.switch_to_event(SystemTime::now()));
    let written = [record("rsv_1", 1), waiting, lapsed];
    for record in &written {
        journal.write(record).await.expect("written");
    }
    drop(journal);
    let mut found = load(&journal_in(&directory).0).await;
    found.sort_by(|a, b| a.reservation_id.cmp(&b.reservation_id));
    assert_eq!(found, written);
}

#[tokio::test]
async fn a_directory_that_does_not_exist_holds_nothing_and_is_not_made() {
    let directory = TempDir::new().expect("a directory");
    let (journal, place) = journal_in(&directory);
    assert!(load(&journal).await.is_empty());
    assert!(!place.exists());
}

#[tokio::test]
async fn one_living_client_of_a_process_replays_a_directory() {
    let (directory, journal, _) = with_files(&[("a.json", &early("rsv_1", 1))]);
    assert_eq!(load(&journal).await.len(), 1);
    let second = journal_in(&directory).0;
    assert!(second.load().await.expect("a directory").is_none());
    assert!(journal.load().await.expect("a directory").is_none());
    drop(journal);
    assert_eq!(load(&second).await.len(), 1);
}

#[tokio::test]
async fn what_is_no_record_is_put_aside_and_the_others_are_replayed() {
    let (_directory, journal, place) = with_files(&[
        ("broken.json", "{\"version\":1,"),
        ("empty.json", ""),
        ("future.json", &early("rsv_f", 1).replace("\"version\": 1", "\"version\": 2")),
        ("valid.json", &early("rsv_1", 1)),
        ("notes.txt", "not ours"),
        ("earlier.corrupt", "put aside before"),
    ]);
    let mut replay = journal.load().await.expect("a list").expect("the right to replay");
    let found = replay.next().await.expect("a batch");
    assert_eq!(amounts(&found), [("rsv_1", 1)]);
    assert!(replay.next().await.expect("a batch").is_empty());
    assert_eq!(replay.summary(), ReplaySummary { records: 1, quarantined: 3, ..ReplaySummary::default() });
    for aside in ["broken.corrupt", "empty.corrupt", "future.corrupt", "earlier.corrupt", "notes.txt"] {
        assert!(exists(&place, aside), "{aside}");
    }
    assert!(!exists(&place, "broken.json"));
}

#[tokio::test]
async fn what_cannot_be_read_stays_where_it_is() {
    let (_directory, journal, place) = with_files(&[("valid.json", &early("rsv_1", 1)), ("huge.json", "")]);
    let huge = fs::File::options().write(true).open(place.join("huge.json")).expect("a file");
    huge.set_len(17 * 1_024 * 1_024).expect("a length");
    fs::create_dir(place.join("directory.json")).expect("a directory");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/dev/zero", place.join("endless.json")).expect("a link");
    let mut replay = journal.load().await.expect("a list").expect("the right to replay");
    assert_eq!(amounts(&replay.next().await.expect("a batch")), [("rsv_1", 1)]);
    assert!(replay.next().await.expect("a batch").is_empty());
    assert_eq!(replay.summary(), ReplaySummary { records: 1, unreadable: 1, ..ReplaySummary::default() });
    for left in ["huge.json", "directory.json"] {
        assert!(exists(&place, left), "{left}");
    }
    #[cfg(unix)]
    assert!(exists(&place, "endless.json"));
}

#[tokio::test]
async fn a_record_of_another_authority_stays_for_its_client() {
    let (_directory, journal, place) = with_files(&[
        ("a.json", &early("rsv_1", 1).replace(BASE_URL, "http://localhost/")),
        ("b.json", &early("rsv_2", 2).replace(&format!("\"base_url\": \"{BASE_URL}\", "), "")),
    ]);
    let mut replay = journal.load().await.expect("a list").expect("the right to replay");
    assert!(replay.next().await.expect("a batch").is_empty());
    assert_eq!(replay.summary(), ReplaySummary { foreign: 2, ..ReplaySummary::default() });
    assert_eq!(fs::read_dir(&place).expect("a directory").count(), 2);
}

#[tokio::test]
async fn early_names_become_standard_ones_and_colliding_ids_stay_apart() {
    let standard_of_a = "v2-e3edb9ca022de3c9c90c5667d47fa66448cee1f254e488a761313faee34141d7.json";
    let standard_of_underscore = "v2-80bbb4b84643293ad96bc2381b863301591d0acc7afb0858cd7bcdee5f698099.json";
    let (_directory, journal, place) = with_files(&[("rsv_a.json", &early("rsv_a", 1))]);
    journal.write(&record("rsv/a", 2)).await.expect("written");
    assert_eq!(super::super::file_name::legacy("rsv/a").next().as_deref(), Some("rsv_a.json"));
    // The early file of another reservation has the early name of this one, and stays.
    journal.remove("rsv/a", Origin::Found);
    journal.drained().await.expect("drained");
    assert!(exists(&place, "rsv_a.json") && !exists(&place, standard_of_a));
    assert_eq!(amounts(&load(&journal).await), [("rsv_a", 1)]);
    assert!(exists(&place, standard_of_underscore) && !exists(&place, "rsv_a.json"));
}

#[tokio::test]
async fn a_removal_takes_the_early_file_of_the_same_reservation_with_it() {
    for (id, names) in [("rsv/a", &["rsv_a.json"][..]), ("rsv-😀", &["rsv-_.json", "rsv-__.json"])] {
        for name in names {
            let (_directory, journal, place) = with_files(&[(name, &early(id, 1))]);
            journal.write(&record(id, 1)).await.expect("written");
            journal.remove(id, Origin::Found);
            journal.drained().await.expect("drained");
            assert_eq!(fs::read_dir(&place).expect("a directory").count(), 0, "{name}");
        }
    }
}

#[tokio::test]
async fn an_early_copy_of_a_record_is_dropped_and_one_in_doubt_is_replayed() {
    let standard = "v2-228a13c45c8ee9206cbfaed7b632dd9245a4706eab19b19b41a3b8b71152d9ab.json";
    let (_directory, journal, place) =
        with_files(&[("rsv_1.json", &early("rsv_1", 1)), (standard, &early("rsv_1", 2))]);
    assert_eq!(amounts(&load(&journal).await), [("rsv_1", 2)]);
    assert!(!exists(&place, "rsv_1.json"));

    let (_directory, journal, place) = with_files(&[("rsv_1.json", &early("rsv_1", 1)), (standard, "{")]);
    assert_eq!(amounts(&load(&journal).await), [("rsv_1", 1)]);
    assert!(exists(&place, "rsv_1.json") && exists(&place, &standard.replace(".json", ".corrupt")));
    journal.remove("rsv_1", Origin::Found);
    journal.drained().await.expect("drained");
    assert!(!exists(&place, "rsv_1.json"));
}

#[tokio::test]
async fn writes_that_a_crash_cut_short_are_removed_after_an_hour_and_not_before() {
    let hour = Duration::from_secs(3_600);
    let now = SystemTime::now();
    let (_directory, journal, place) = with_files(&[]);
    for (name, modified) in [
        ("old.json.1.00000000.tmp", now - hour - Duration::from_secs(60)),
        ("young.json.1.00000000.tmp", now - hour + Duration::from_secs(60)),
        // The clock was set back since.
        ("future.json.1.00000000.tmp", now + 24 * hour),
    ] {
        let file = fs::File::create(place.join(name)).expect("a file");
        file.set_modified(modified).expect("a time");
    }
    assert!(load(&journal).await.is_empty());
    assert!(!exists(&place, "old.json.1.00000000.tmp"));
    assert!(exists(&place, "young.json.1.00000000.tmp") && exists(&place, "future.json.1.00000000.tmp"));
}

#[tokio::test]
async fn two_workers_on_one_directory_do_not_disturb_each_other() {
    let directory = TempDir::new().expect("a directory");
    let (first, place) = journal_in(&directory);
    let second = Journal::new(&JournalConfig::in_directory(directory.path().join("journal")), identity());
    for n in 0..50 {
        let record = record("rsv_1", n);
        let (a, b) = (first.write(&record), second.write(&record));
        a.await.expect("written");
        b.await.expect("written");
        first.remove("rsv_1", Origin::Found);
        second.remove("rsv_1", Origin::Found);
    }
    first.drained().await.expect("drained");
    second.drained().await.expect("drained");
    assert_eq!(fs::read_dir(&place).expect("a directory").count(), 0);
}

#[tokio::test]
async fn ten_thousand_records_are_replayed_a_few_at_a_time() {
    let (_directory, journal, place) = with_files(&[]);
    for n in 0..10_000_u64 {
        fs::write(place.join(format!("rsv_{n:05}.json")), early(&format!("rsv_{n:05}"), n)).expect("a file");
    }
    let mut replay = journal.load().await.expect("a list").expect("the right to replay");
    let mut next = 0;
    loop {
        let batch = replay.next().await.expect("a batch");
        if batch.is_empty() {
            break;
        }
        assert!(batch.len() <= 32);
        for (_, amount) in amounts(&batch) {
            assert_eq!(amount, next);
            next += 1;
        }
    }
    assert_eq!(next, 10_000);
}

#[tokio::test]
async fn a_few_large_records_fill_a_batch() {
    let padded = |id: &str| early(id, 1).replace("\"k\"", &format!("\"{}\"", "k".repeat(900_000)));
    let (_directory, journal, _) = with_files(&[
        ("rsv_1.json", &padded("rsv_1")),
        ("rsv_2.json", &padded("rsv_2")),
        ("rsv_3.json", &padded("rsv_3")),
    ]);
    let mut replay = journal.load().await.expect("a list").expect("the right to replay");
    assert_eq!(replay.next().await.expect("a batch").len(), 2);
    assert_eq!(all(replay).await.len(), 1);
}

#[tokio::test]
async fn a_record_that_is_settled_meanwhile_is_not_replayed() {
    let (_directory, journal, place) = with_files(&[("a.json", &early("rsv_1", 1))]);
    let replay = journal.load().await.expect("a list").expect("the right to replay");
    fs::remove_file(place.join("a.json")).expect("a file");
    assert!(all(replay).await.is_empty());
}

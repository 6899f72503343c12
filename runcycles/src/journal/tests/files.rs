//! What lies on a real disk, and who may read it.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{body, identity, journal_in, load, record};
use crate::client::{Durability, JournalConfig};
use crate::journal::{Journal, JournalError, Origin, Record};

/// The standard name of the record of `rsv_1`.
const RSV_1: &str = "v2-228a13c45c8ee9206cbfaed7b632dd9245a4706eab19b19b41a3b8b71152d9ab.json";

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_record_lies_under_its_identity_and_its_digest_until_it_is_removed() {
    let directory = TempDir::new().expect("a directory");
    let (journal, place) = journal_in(&directory);
    let record = record("rsv_1", 42);
    journal.write(&record).await.expect("written");
    assert_eq!(names(&place), [RSV_1]);
    let text = fs::read_to_string(place.join(RSV_1)).expect("a record");
    assert!(
        text.starts_with(r#"{"version":1,"reservation_id":"rsv_1","base_url":"http://localhost","mode":"commit","#)
    );
    journal.remove("rsv_1", Origin::Written);
    journal.drained().await.expect("drained");
    assert!(names(&place).is_empty());
    // Somebody else was faster.
    journal.remove("rsv_1", Origin::Written);
    journal.drained().await.expect("drained");
}

#[tokio::test]
async fn a_later_write_takes_the_place_of_an_earlier_one() {
    let directory = TempDir::new().expect("a directory");
    let (journal, place) = journal_in(&directory);
    for durability in [Durability::ProcessCrash, Durability::PowerLoss] {
        let base = directory.path().join("journal");
        let journal = Journal::new(&JournalConfig::in_directory(base).durability(durability), identity());
        journal.write(&record("rsv_1", 1)).await.expect("written");
        journal.write(&record("rsv_1", 2)).await.expect("written");
        assert_eq!(names(&place), [RSV_1]);
    }
    let found = load(&journal).await;
    assert_eq!(super::amounts(&found), [("rsv_1", 2)]);
}

#[test]
fn making_a_journal_touches_nothing() {
    let directory = TempDir::new().expect("a directory");
    let (journal, _) = journal_in(&directory);
    drop(journal);
    assert!(names(directory.path()).is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_what_the_journal_makes_and_nothing_else_is_changed() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    let directory = TempDir::new().expect("a directory");
    let shared = directory.path().join("shared");
    fs::create_dir(&shared).expect("a directory");
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).expect("permissions");
    let base = shared.join("made").join("journal");
    let journal = Journal::new(&JournalConfig::in_directory(&base), identity());
    journal.write(&record("rsv_1", 1)).await.expect("written");
    assert_eq!(mode(&shared), 0o755);
    for made in [shared.join("made"), base.clone(), base.join(super::FINGERPRINT)] {
        assert_eq!(mode(&made), 0o700, "{}", made.display());
    }
    assert_eq!(mode(&base.join(super::FINGERPRINT).join(RSV_1)), 0o600);
}

#[tokio::test]
async fn a_journal_directory_that_is_a_file_is_told_with_its_path_and_what_to_do() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("journal");
    fs::write(&file, "").expect("a file");
    let journal = Journal::new(&JournalConfig::in_directory(&file), identity());
    let error = journal.write(&record("rsv_1", 1)).await.expect_err("no directory");
    assert!(matches!(error, JournalError::Disk { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(&file.display().to_string()) && message.contains("CYCLES_JOURNAL_DIR"), "{message}");
    assert!(journal.load().await.is_err());
}

#[tokio::test]
async fn a_record_that_could_not_be_read_again_is_refused() {
    let directory = TempDir::new().expect("a directory");
    let (journal, place) = journal_in(&directory);
    let large = format!(r#"{{"metadata":"{}"}}"#, "x".repeat(17 * 1_024 * 1_024));
    let large = Record::commit("rsv_1", body(large), None, std::time::SystemTime::now());
    let error = journal.write(&large).await.expect_err("too large");
    assert!(matches!(error, JournalError::TooLarge { .. }), "{error:?}");
    assert!(!place.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn links_in_the_way_of_a_record_are_replaced_and_not_followed() {
    let directory = TempDir::new().expect("a directory");
    let (journal, place) = journal_in(&directory);
    let target = directory.path().join("precious");
    fs::write(&target, "precious").expect("a file");
    fs::create_dir_all(&place).expect("a directory");
    std::os::unix::fs::symlink(&target, place.join(RSV_1)).expect("a link");
    journal.write(&record("rsv_1", 1)).await.expect("written");
    assert_eq!(fs::read_to_string(&target).expect("a file"), "precious");
    assert!(!fs::symlink_metadata(place.join(RSV_1)).expect("metadata").is_symlink());
}

#[cfg(unix)]
#[tokio::test]
async fn a_base_directory_may_be_a_link() {
    let directory = TempDir::new().expect("a directory");
    let elsewhere = directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    std::os::unix::fs::symlink(&elsewhere, directory.path().join("journal")).expect("a link");
    let (journal, _) = journal_in(&directory);
    journal.write(&record("rsv_1", 1)).await.expect("written");
    assert_eq!(names(&elsewhere.join(super::FINGERPRINT)), [RSV_1]);
}

#[tokio::test]
async fn no_key_reaches_the_disk() {
    let directory = TempDir::new().expect("a directory");
    let base = directory.path().join("journal");
    let identity = crate::journal::Identity::new("http://localhost", None, "cyc_live_secret");
    let journal = Journal::new(&JournalConfig::in_directory(&base), identity);
    journal.write(&record("rsv_1", 1)).await.expect("written");
    let place = base.join(&names(&base)[0]);
    let text = fs::read_to_string(place.join(RSV_1)).expect("a record");
    assert!(!text.contains("secret") && !place.display().to_string().contains("secret"));
}

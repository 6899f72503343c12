//! Whose journal it is, and where it lies.

use std::fmt;
use std::path::{Path, PathBuf, absolute};

use super::error::JournalError;
use super::fingerprint;

/// Whose journal it is: an authority, and a tenant or else a key. It decides the directory, so that one process never replays
/// what belongs to another principal.
///
/// `Debug` does not show the key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    principal: String,
    /// The address as configured, since `http://host` and `http://host/` are two identities to all clients.
    base_url: String,
}

impl Identity {
    /// `tenant` is the one of the client's settings, not of a call. With a tenant the journal outlives a change of the key.
    pub(crate) fn new(base_url: &str, tenant: Option<&str>, api_key: &str) -> Self {
        let principal = match tenant {
            Some(tenant) if !tenant.trim().is_empty() => format!("tenant\n{tenant}"),
            _ => format!("key\n{api_key}"),
        };
        Self { principal, base_url: base_url.to_owned() }
    }

    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The directory of this identity's records. It takes some milliseconds of computation the first time.
    pub(super) fn directory(&self, configured: Option<&Path>) -> Result<PathBuf, JournalError> {
        // The home directory of the environment, else of the user database; on Windows that of the profile.
        Ok(base(configured, std::env::home_dir)?.join(fingerprint::of(&self.principal, &self.base_url)))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// The directory that holds the directories of all identities.
fn base(configured: Option<&Path>, home: impl FnOnce() -> Option<PathBuf>) -> Result<PathBuf, JournalError> {
    let is_blank = |path: &Path| path.to_str().is_some_and(|text| text.trim().is_empty());
    let base = match configured {
        Some(directory) if !is_blank(directory) => directory.to_owned(),
        _ => match home() {
            Some(home) if !is_blank(&home) => home.join(".runcycles").join("commit-journal"),
            _ => return Err(JournalError::NoHome),
        },
    };
    // One place for the whole life of the client, wherever the process moves.
    absolute(&base).map_err(|error| JournalError::disk("find", &base, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(base_url: &str, api_key: &str, tenant: Option<&str>) -> String {
        let directory = Identity::new(base_url, tenant, api_key).directory(Some(Path::new("/base")));
        directory.expect("a directory").file_name().and_then(|name| name.to_str()).expect("a name").to_owned()
    }

    #[test]
    fn directories_are_named_as_the_other_clients_name_them() {
        for (base_url, api_key, tenant, expected) in [
            ("http://localhost", "test-key", None, "68c905017df7dbfc"),
            ("http://localhost", "k", Some("acme"), "8baba538fb970da4"),
            ("http://localhost", "another", Some("acme"), "8baba538fb970da4"),
            ("http://localhost/", "k", Some("acme"), "eda219e35f4cb55c"),
            ("http://localhost", "k", Some(" acme "), "44f607a3271b92a5"),
            ("http://localhost", "test-key", Some("   "), "68c905017df7dbfc"),
            ("http://localhost:7878", "cyc_live_abc123", None, "c3aaeecadc75af69"),
            ("http://localhost:7878", "k", Some("acme-corp"), "43fe9948c3c64529"),
            ("http://localhost", "k", Some("ténant-日本"), "5269673e868bb21a"),
        ] {
            assert_eq!(fingerprint(base_url, api_key, tenant), expected, "{base_url} {api_key} {tenant:?}");
        }
    }

    #[test]
    fn a_journal_lies_where_it_is_configured_or_else_in_the_home_directory() {
        let home = || Some(PathBuf::from("/home/ada"));
        let standard = PathBuf::from("/home/ada/.runcycles/commit-journal");
        assert_eq!(base(Some(Path::new("/var/lib/app")), home).expect("a base"), Path::new("/var/lib/app"));
        for not_configured in [None, Some(Path::new("")), Some(Path::new("  "))] {
            assert_eq!(base(not_configured, home).expect("a base"), standard);
        }
    }

    #[test]
    fn without_a_home_directory_the_error_says_what_to_set() {
        for home in [None, Some(PathBuf::new())] {
            let error = base(None, || home).expect_err("no place");
            assert!(error.to_string().contains("CYCLES_JOURNAL_DIR"), "{error}");
        }
    }

    #[test]
    fn an_identity_never_shows_its_key() {
        let identity = Identity::new("http://localhost", None, "cyc_live_secret");
        assert!(!format!("{identity:?}").contains("secret"));
    }
}

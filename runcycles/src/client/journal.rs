//! Settings of the commit journal.

use std::path::PathBuf;

use crate::error::ConfigError;

/// Settings of the commit journal, which keeps known spend on disk from before the first request that settles it until the
/// authority has confirmed it. Clients in other languages read and write the same files.
///
/// Nothing is touched when a client is made: the directory is found and made when the first record is written.
///
/// ```no_run
/// use runcycles::{CyclesClient, Durability, JournalConfig};
///
/// let journal = JournalConfig::in_directory("/var/lib/agent/cycles").durability(Durability::PowerLoss);
/// let client = CyclesClient::builder("cyc_live_example", "https://cycles.example.com").journal(journal).build();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalConfig {
    /// Whether to keep a journal. Yes by default where the feature `journal` is on; without the feature it cannot be.
    pub enabled: bool,
    /// The directory that holds a directory for each authority and tenant. By default, or where it is blank,
    /// `.runcycles/commit-journal` in the home directory. A relative one starts at the directory that is current when the first
    /// record is written.
    pub directory: Option<PathBuf>,
    /// What a record survives once it is written; [`Durability::ProcessCrash`] by default.
    pub durability: Durability,
}

#[cfg_attr(
    not(feature = "journal"),
    expect(clippy::derivable_impls, reason = "the default is another with the feature")
)]
impl Default for JournalConfig {
    fn default() -> Self {
        Self { enabled: cfg!(feature = "journal"), directory: None, durability: Durability::default() }
    }
}

impl JournalConfig {
    /// No journal: spend that is known and not settled is lost when the process ends.
    pub fn disabled() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    /// A journal in a directory.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()), ..Self::default() }
    }

    /// The same settings with another durability.
    pub fn durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// Checks what can be checked without a disk.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.enabled && !cfg!(feature = "journal") {
            let cure = "enable the feature journal of runcycles, or switch the journal off";
            return Err(ConfigError::new("journal.enabled", "it is true, and this build has no journal", cure));
        }
        Ok(())
    }
}

/// What a record in the commit journal survives, once its write is confirmed.
///
/// | | the process is killed or crashes | the machine loses power or its kernel crashes |
/// |---|---|---|
/// | [`ProcessCrash`](Self::ProcessCrash) | survives | the last seconds may be lost, as the file system decides |
/// | [`PowerLoss`](Self::PowerLoss) | survives | survives, as far as the disk keeps what it has confirmed |
///
/// Either way a record is whole or absent: no reader ever finds half of one under its name. A removal is not made durable, since
/// a record that comes back is settled with the same key and takes effect once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The record is in the operating system's hands, which outlive the process.
    #[default]
    ProcessCrash,
    /// The record, its name and the directories made for it are on the disk: the file is synchronised before it gets its name,
    /// the directory afterwards, once for all records that are written together.
    PowerLoss,
}

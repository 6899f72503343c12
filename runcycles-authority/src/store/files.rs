//! The names of a store's files.

/// Explains the directory to who looks into it, and says that a store was made here: without it, a directory whose files
/// were deleted would look like a new one.
pub(super) const NOTE: &str = "README";

/// The text of [`NOTE`].
pub(super) const NOTE_TEXT: &str = "\
The state of a Cycles authority (runcycles-authority).

*.snapshot  every row at a moment
*.log       what changed since; the snapshot and all logs with its number or a higher one are the state
lock        locked while an authority has the directory open

Back up by copying the directory while no authority has it open. Do not edit or delete single files.
";

/// What is being written ends with this until it is complete.
const UNFINISHED: &str = ".unfinished";

/// A file of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreFile {
    /// Changes in their order. The first log has the number 1.
    Log(u64),
    /// What all logs with lower numbers come to.
    Snapshot(u64),
}

impl StoreFile {
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Log(number) | Self::Snapshot(number) => number,
        }
    }

    pub(super) fn name(self) -> String {
        match self {
            Self::Log(number) => format!("{number:010}.log"),
            Self::Snapshot(number) => format!("{number:010}.snapshot"),
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let (number, kind) = name.split_once('.')?;
        let number = number.parse().ok()?;
        let file = match kind {
            "log" => Self::Log(number),
            "snapshot" => Self::Snapshot(number),
            _ => return None,
        };
        (file.name() == name).then_some(file)
    }
}

pub(super) fn unfinished(name: &str) -> String {
    format!("{name}{UNFINISHED}")
}

pub(super) fn is_unfinished(name: &str) -> bool {
    name.ends_with(UNFINISHED)
}

//! What is known of one reservation.

use std::collections::BTreeMap;

use bytes::Bytes;

/// One reservation.
#[derive(Default)]
pub(crate) struct Case {
    /// What a call knows to have spent.
    pub(crate) known: Option<u64>,
    pub(crate) key: Option<String>,
    pub(crate) commit: Option<Bytes>,
    pub(crate) event: Option<Bytes>,
    /// An event has left, and its mode is on disk if the disk is sound.
    pub(crate) lapsed: bool,
    /// A process was told that the spend is refused for good.
    pub(crate) rejected: bool,
    /// The authority acted on a settlement.
    pub(crate) settled: bool,
    /// When a wait that a process was told of must be on disk, and until when it is.
    pub(crate) floor_due: Option<(u64, u64)>,
    pub(crate) seen: BTreeMap<usize, Seen>,
    pub(crate) owner: Owner,
}

/// Who has a reservation.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Owner {
    /// Its answer never reached a living process; the process that asked.
    Nobody(usize),
    /// A request that arrives long after its attempt was given up makes it.
    #[default]
    Ghost,
    Process,
}

/// What one process has seen of a reservation.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) floor_ms: u64,
    pub(crate) settled: bool,
    pub(crate) event_sent: bool,
    pub(crate) ended_at_ms: Option<u64>,
    pub(crate) in_flight: usize,
    pub(crate) extend_key: Option<String>,
    pub(crate) extend_failed: bool,
}

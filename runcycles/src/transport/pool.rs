//! How connections are kept, whichever library keeps them.

use std::time::Duration;

/// Idle connections are closed before servers do it: some close them after 5 seconds, and a request that is written at that
/// moment is lost.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The most idle connections kept for a host: enough for calls that overlap and whose requests leave together, as those of a
/// group of journal records do. With fewer, each group opens connections and closes them again.
pub(super) const MAX_IDLE: usize = 256;

/// How often an idle connection is probed, so that middleboxes keep it.
pub(super) const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

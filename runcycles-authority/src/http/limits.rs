//! How much a server takes from a client, and how long it waits for it.

use std::time::Duration;

/// How much a [`Server`](super::Server) takes from a client, and how long it waits for it. The defaults suit clients that mean
/// well and those that do not.
///
/// ```
/// use std::time::Duration;
///
/// use runcycles::usd;
/// use runcycles_authority::{Authority, ServerLimits};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let authority = Authority::builder().budget("tenant:acme", usd!(5)).start().await?;
/// let limits = ServerLimits::default().idle_timeout(Duration::from_secs(5)).connections(1_000);
/// let server = authority.serve_with("127.0.0.1:0", limits).await?;
/// # drop(server);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "limits do nothing until a server has them"]
pub struct ServerLimits {
    pub(super) body_bytes: usize,
    pub(super) idle_timeout: Duration,
    pub(super) body_timeout: Duration,
    pub(super) answer_timeout: Duration,
    pub(super) drain_timeout: Duration,
    pub(super) connections: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            idle_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
            connections: 16_384,
        }
    }
}

impl ServerLimits {
    /// The largest body that is taken, in bytes; 1 MiB by default. Larger ones are refused with a 413.
    pub fn body_bytes(mut self, bytes: usize) -> Self {
        self.body_bytes = bytes;
        self
    }

    /// How long a connection may be idle, and how long a client may take to send the head of a request; 30 seconds by
    /// default. The connection is closed then.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How long a client may take to send a request's body; 30 seconds by default. The request is refused with a 408 then.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// How long a client may take nothing of an answer that is waiting for it; 30 seconds by default. The connection is closed
    /// then.
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// How long requests in flight may take once the server is asked to stop; 10 seconds by default.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// How many connections are served at the same time, at least one; 16,384 by default. Others wait in the operating
    /// system's queue until one closes.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }
}

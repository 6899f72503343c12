//! The server under test.

use std::sync::Arc;

use super::provision::{AdminPlane, Provisioner, Seeding, Unseeded};
use super::time::{Time, Wall};
use super::wire::Endpoint;
use crate::Authority;

/// A server under test: where its runtime plane is, and how it is provisioned.
///
/// ```no_run
/// use runcycles_authority::conformance::{self, AdminPlane, Endpoint, Options, Target};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let runtime = Endpoint::connect("http://127.0.0.1:7878")?;
/// let admin = AdminPlane::new(Endpoint::connect("http://127.0.0.1:7979")?, "an admin key");
/// let report = conformance::run(&Target::governed(runtime, admin), Options::default()).await?;
/// println!("{report}");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Target {
    pub(super) runtime: Endpoint,
    pub(super) provisioner: Arc<dyn Provisioner>,
    pub(super) admin: Option<AdminPlane>,
    pub(super) seeding: Arc<dyn Seeding>,
    pub(super) time: Arc<dyn Time>,
}

impl Target {
    /// A server that is provisioned in a way of its own. The checks of the admin plane are skipped.
    pub fn new(runtime: Endpoint, provisioner: impl Provisioner) -> Self {
        Self {
            runtime,
            provisioner: Arc::new(provisioner),
            admin: None,
            seeding: Arc::new(Unseeded),
            time: Arc::new(Wall),
        }
    }

    /// A server with the reference admin plane, by which it is provisioned.
    pub fn governed(runtime: Endpoint, admin: AdminPlane) -> Self {
        Self { admin: Some(admin.clone()), ..Self::new(runtime, admin) }
    }

    /// An authority in this process, reached without a socket. Where it runs on a [`ManualClock`](crate::ManualClock), give
    /// the clock to [`time`](Self::time).
    pub fn embedded(authority: &Authority) -> Self {
        let runtime = Endpoint::new(authority.transport(), "http://authority.invalid");
        Self::new(runtime, authority.clone()).seeding(authority.clone())
    }

    /// Reaches states that no operation leads to.
    #[must_use]
    pub fn seeding(mut self, seeding: impl Seeding) -> Self {
        self.seeding = Arc::new(seeding);
        self
    }

    /// Lets the server's time pass in another way than by waiting.
    #[must_use]
    pub fn time(mut self, time: impl Time) -> Self {
        self.time = Arc::new(time);
        self
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("runtime", &self.runtime).field("admin", &self.admin).finish_non_exhaustive()
    }
}

//! Checks whether a server keeps the Cycles protocol: any server, over HTTP or in this process.
//!
//! The checks speak plain HTTP and look only at what a client can see. They come in [levels](Level), from what every server
//! must do to what the reference server happens to do. Each makes budgets of its own, below tenants made for the run, so they
//! run side by side and leave other tenants alone.
//!
//! [`run`] is the library; the program `cycles-conformance` is a shell around it.
//!
//! ```
//! use runcycles_authority::conformance::{self, Filter, Options, Target};
//! use runcycles_authority::{Authority, ManualClock};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let clock = ManualClock::new();
//! let authority = Authority::builder().clock(clock.clone()).start().await?;
//! let target = Target::embedded(&authority).time(clock);
//!
//! let report = conformance::run(&target, Options::default().filter("C-4x".parse::<Filter>()?)).await?;
//! assert_eq!(report.failures().count(), 0, "{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod checks;
mod filter;
mod level;
mod options;
mod provision;
mod report;
mod runner;
mod scene;
mod target;
mod time;
mod wire;

pub use self::filter::{Filter, InvalidFilter};
pub use self::level::{Level, UnknownLevel};
pub use self::options::Options;
pub use self::provision::{AdminPlane, ApiKey, LedgerSpec, ProvisionError, Provisioned, Provisioner, Seeding};
pub use self::report::{Entry, Outcome, Report, Tally};
pub use self::runner::run;
pub use self::scene::SetUpError;
pub use self::target::Target;
pub use self::time::{Time, Wall};
pub use self::wire::{ConnectError, Endpoint, Failure};

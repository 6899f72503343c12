//! Calls to model providers that nobody guards.

mod hosts;
mod origin;
mod report;

use std::backtrace::Backtrace;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::hosts::{HostPattern, model_providers};
pub use self::report::{HostCalls, TripwireReport};
use crate::lifecycle::context;

/// How many hosts are told apart; calls to further ones are counted as one.
const MOST_HOSTS: usize = 256;

/// What further hosts are counted as.
const OTHERS: &str = "other hosts";

/// Sees calls to the hosts of model providers, and reports or refuses those outside of any guarded call: what is spent there no
/// budget stops.
///
/// A call is guarded where [`context()`](crate::context()) has one: in functions with `#[cycles]`, in
/// [`with_cycles`](crate::with_cycles), below a `BudgetLayer`, and in [`ReservationGuard::run`](crate::ReservationGuard::run).
/// A call that costs nothing is guarded by an estimate of zero.
///
/// Something has to ask it: `runcycles::tower::TripwireLayer` for services that make HTTP requests, or a line before a request is
/// sent. Clones count together.
///
/// ```
/// use runcycles::{Tripwire, UnguardedCall};
///
/// let tripwire = Tripwire::refusing().host("models.internal");
/// let send = |host: &str| -> Result<(), UnguardedCall> {
///     tripwire.check(host)?;
///     Ok(()) // send the request here
/// };
///
/// assert!(send("example.com").is_ok());
/// assert_eq!(send("api.openai.com").unwrap_err().host(), "api.openai.com");
/// assert_eq!(tripwire.report().hosts()[0].unguarded, 1);
/// println!("{}", tripwire.report());
/// ```
///
/// # Hosts
///
/// [`Tripwire::HOSTS`] are the hosts of model providers that are known; [`host`](Self::host) adds others, such as a gateway's. A
/// host is matched by its last labels, so that `openai.com` matches `eu.api.openai.com`, and `*` stands for any part of one
/// label.
#[derive(Clone)]
pub struct Tripwire {
    refuses: bool,
    hosts: Arc<Vec<HostPattern>>,
    /// A lock because calls are made on any thread; held to count one.
    calls: Arc<Mutex<BTreeMap<String, Counted>>>,
}

/// What has been counted of a host.
#[derive(Clone, Debug, Default)]
struct Counted {
    seen: u64,
    unguarded: u64,
    /// Where the first unguarded call came from.
    first: Option<Arc<Backtrace>>,
}

impl Tripwire {
    /// The hosts of model providers that a tripwire sees from the start.
    pub const HOSTS: &'static [&'static str] = hosts::MODEL_PROVIDERS;

    /// Counts calls outside of any guarded call, tells operators of the first one to each host, and lets all pass.
    pub fn reporting() -> Self {
        Self { refuses: false, hosts: Arc::new(model_providers()), calls: Arc::default() }
    }

    /// Refuses calls outside of any guarded call, and counts them.
    pub fn refusing() -> Self {
        Self { refuses: true, ..Self::reporting() }
    }

    /// Sees calls to further hosts: a name such as `models.internal`, which stands for all hosts below it too, an address, or a
    /// pattern such as `inference-*.example.com`. A port plays no part.
    pub fn host(mut self, pattern: &str) -> Self {
        Arc::make_mut(&mut self.hosts).push(HostPattern::new(pattern));
        self
    }

    /// Whether calls to a host are seen.
    pub fn sees(&self, host: &str) -> bool {
        self.hosts.iter().any(|pattern| pattern.matches(host))
    }

    /// Counts a call that is about to be made to a host, by the context of the place that makes it.
    ///
    /// # Errors
    ///
    /// [`UnguardedCall`] where a [refusing](Self::refusing) tripwire sees the host and no guarded call is under way here: the
    /// call must not be made.
    pub fn check(&self, host: &str) -> Result<(), UnguardedCall> {
        if !self.sees(host) {
            return Ok(());
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let is_guarded = context().is_some();
        let is_first = self.count(&host, is_guarded);
        if is_guarded {
            return Ok(());
        }
        if is_first {
            tracing::warn!(
                host,
                refused = self.refuses,
                "a call to a model provider was made outside of any guarded call, where no budget stops it; make it in a function \
                 with #[cycles], or in ReservationGuard::run"
            );
        }
        if self.refuses { Err(UnguardedCall { host }) } else { Ok(()) }
    }

    /// What has been seen so far.
    pub fn report(&self) -> TripwireReport {
        let counted = self.calls().clone();
        TripwireReport::new(self.refuses, counted)
    }

    /// Counts a call; whether it is the first unguarded one to its host.
    fn count(&self, host: &str, is_guarded: bool) -> bool {
        let mut calls = self.calls();
        let known = if calls.len() < MOST_HOSTS || calls.contains_key(host) { host } else { OTHERS };
        if !calls.contains_key(known) {
            calls.insert(known.to_owned(), Counted::default());
        }
        let Some(counted) = calls.get_mut(known) else { return false };
        counted.seen += 1;
        if is_guarded {
            return false;
        }
        counted.unguarded += 1;
        let is_first = counted.first.is_none();
        if is_first {
            // Once for a host: walking the stack takes microseconds, and finding its names is left to the report.
            counted.first = Some(Arc::new(Backtrace::force_capture()));
        }
        is_first
    }

    fn calls(&self) -> MutexGuard<'_, BTreeMap<String, Counted>> {
        // A count is whole after every change.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tripwire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tripwire").field("refuses", &self.refuses).finish_non_exhaustive()
    }
}

/// A call to a model provider that was refused, since no guarded call was under way: no budget would have stopped it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a call to {host} outside of any guarded call was refused; make it in a function with #[cycles], or in ReservationGuard::run"
)]
pub struct UnguardedCall {
    host: String,
}

impl UnguardedCall {
    /// The host.
    pub fn host(&self) -> &str {
        &self.host
    }
}

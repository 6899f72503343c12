//! The client: settings, operations, lists, what calls inherit.

mod action_kinds;
mod allowance;
mod ambient;
mod answer;
mod api_key;
mod bounds;
mod builder;
mod config;
mod connection;
mod deprecated_kinds;
mod duration;
mod endpoint;
mod env;
mod holders;
mod journal;
mod metadata;
mod operation;
mod operations;
mod pages;
mod policy;
mod unbudgeted;
mod view;
mod watch;

use std::fmt;
use std::sync::Arc;

use crate::error::ConfigError;
use crate::heartbeat::Heartbeat;
use crate::protocol::Subject;
#[cfg(feature = "admin")]
use crate::protocol::{Unit, ValidationError};
#[cfg(feature = "journal")]
use crate::settlement::KeptJournal;
use crate::settlement::{Keys, Observer, Queue};
use crate::shadow::ShadowBook;
use crate::sites::CallSites;

use self::action_kinds::KindRegistry;
pub(crate) use self::allowance::{AllowanceUse, Taken};
pub(crate) use self::ambient::carry_ambient;
pub(crate) use self::answer::read as read_answer;
#[cfg(feature = "admin")]
pub(crate) use self::api_key::ApiKey;
#[cfg(feature = "admin")]
pub(crate) use self::bounds::Bounds;
pub(crate) use self::connection::Connection;
pub(crate) use self::connection::default_transport;
#[cfg(feature = "admin")]
pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::holders::{Holder, Holders};
pub(crate) use self::operation::{Prepared, encode};
#[cfg(feature = "admin")]
pub(crate) use self::pages::paged;
pub(crate) use self::pages::{Page, Paged};
pub(crate) use self::policy::CallPolicies;
pub(crate) use self::unbudgeted::Unbudgeted;
use self::view::View;
pub(crate) use self::watch::Watch;

pub use self::action_kinds::ActionKinds;
pub use self::allowance::{Allowance, OnUnavailable};
pub use self::ambient::{current_client, set_default_client};
pub use self::answer::Answer;
pub use self::builder::CyclesClientBuilder;
pub use self::config::{CyclesConfig, RetryConfig};
pub use self::journal::{Durability, JournalConfig};
pub use self::metadata::{Response, ResponseMetadata};
pub use self::operation::Operation;
pub use self::pages::Pages;
pub use self::policy::{HeartbeatPolicy, Mode, ObservedDenial, OnUnsettled, UnknownSpend};

/// A client of an authority: cheap to clone, one for a process and a tenant.
///
/// ```no_run
/// use runcycles::{CyclesClient, Error, Reserve, usd};
///
/// # async fn example() -> Result<(), Error> {
/// let client = CyclesClient::builder("cyc_live_…", "https://cycles.example.com").tenant("acme").build();
///
/// let guard = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02))).await?;
/// // … call the model …
/// guard.commit(usd!(0.013)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CyclesClient {
    pub(crate) shared: Arc<Shared>,
    view: Arc<View>,
}

/// What all views of a client share.
pub(crate) struct Shared {
    pub(crate) config: CyclesConfig,
    pub(crate) connection: Arc<Connection>,
    pub(crate) heartbeat: Arc<Heartbeat>,
    pub(crate) settlements: Queue,
    pub(crate) observer: Observer,
    pub(crate) keys: Arc<Keys>,
    /// The guarded calls that were seen.
    pub(crate) sites: CallSites,
    /// What holds budget for calls to come.
    pub(crate) holders: Holders,
    /// What was spent while the authority could not be reached.
    pub(crate) allowance: AllowanceUse,
    /// Where operators know that nothing caps calls.
    pub(crate) unbudgeted: Unbudgeted,
    /// The registry of action kinds, as it was last seen.
    action_kinds: KindRegistry,
    /// What was seen of calls in shadow modes.
    pub(crate) shadow: ShadowBook,
    /// The journal of known spend, unless it is switched off.
    #[cfg(feature = "journal")]
    pub(crate) journal: Option<KeptJournal>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.heartbeat.close();
    }
}

impl CyclesClient {
    /// Starts a client for an authority.
    pub fn builder(api_key: impl Into<String>, base_url: impl Into<String>) -> CyclesClientBuilder {
        CyclesClientBuilder::from_config(CyclesConfig::new(api_key, base_url))
    }

    /// A client with settings made beforehand.
    ///
    /// # Panics
    ///
    /// On settings that can never work; [`CyclesClientBuilder::try_build`] says why instead.
    pub fn new(config: CyclesConfig) -> Self {
        CyclesClientBuilder::from_config(config).build()
    }

    /// A client with settings from variables that start with `CYCLES_`; [`CyclesConfig::from_env`] has the list.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] naming the variable, what it holds and what it may hold.
    pub fn from_env() -> Result<Self, ConfigError> {
        CyclesClientBuilder::from_config(CyclesConfig::from_env()?).try_build()
    }

    /// The settings.
    pub fn config(&self) -> &CyclesConfig {
        &self.shared.config
    }

    /// A view of this client with a scope, which calls are filled from: level by level, what the call itself leaves out comes
    /// from the view, then from the ambient scope, then from the client's defaults. Cheap: the client is shared.
    pub fn scoped(&self, scope: impl Into<Subject>) -> Self {
        let scope = Arc::new(scope.into().or(&self.view.scope));
        self.with_view(View { scope, ..View::clone(&self.view) })
    }

    /// The same view, of which a watch is told what answers say.
    #[cfg(feature = "admin")]
    pub(crate) fn watched_by(&self, watch: Arc<Watch>) -> Self {
        self.with_view(View { watch: Some(watch), ..View::clone(&self.view) })
    }

    /// A view of the scope that calls may not leave.
    #[cfg(feature = "admin")]
    pub(crate) fn bounded_by(&self, bounds: Bounds) -> Self {
        let scope = Arc::new(bounds.scope.clone());
        let limits = bounds::Limits { mandate: Some(Arc::new(bounds)), ..self.view.limits.clone() };
        self.with_view(View { scope, limits, ..View::clone(&self.view) })
    }

    /// A view of a run, which calls may not leave. It may not be wider than what this view and the place of this call are
    /// limited to.
    #[cfg(feature = "admin")]
    pub(crate) fn bounded_by_run(
        &self,
        run: Bounds,
        steps: Option<(&Subject, &Unit)>,
    ) -> Result<Self, ValidationError> {
        let scope = Arc::new(run.scope.clone().or(&self.view.scope));
        let limits = self.limits().narrowed_by(run, steps)?;
        Ok(self.with_view(View { scope, limits, ..View::clone(&self.view) }))
    }

    fn with_view(&self, view: View) -> Self {
        Self { shared: Arc::clone(&self.shared), view: Arc::new(view) }
    }

    /// Who is told what answers say.
    pub(crate) fn watch(&self) -> Option<&Arc<Watch>> {
        self.view.watch.as_ref()
    }
}

impl fmt::Debug for CyclesClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CyclesClient")
            .field("config", &self.shared.config)
            .field("scope", &self.view.scope)
            .finish_non_exhaustive()
    }
}

//! How a client is made.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;

use super::action_kinds::KindRegistry;
use super::allowance::{AllowanceUse, OnUnavailable};
use super::config::{CyclesConfig, RetryConfig};
use super::connection::{Connection, TraceHook, default_transport};
use super::endpoint::Endpoint;
use super::journal::JournalConfig;
use super::policy::{HeartbeatPolicy, Mode, ObservedDenial, OnUnsettled, UnknownSpend};
use super::{CyclesClient, Holders, Shared, Unbudgeted};
use crate::error::ConfigError;
use crate::heartbeat::Heartbeat;
use crate::protocol::Level;
#[cfg(feature = "journal")]
use crate::settlement::KeptJournal;
use crate::settlement::{Hook, Observer, Queue, SettlementEvent};
use crate::shadow::ShadowBook;
use crate::sites::CallSites;
use crate::telemetry::TraceContext;
use crate::transport::Transport;

/// Makes a [`CyclesClient`]. Making one touches neither network nor disk nor environment, and starts no thread or task.
#[must_use = "a builder makes no client until it is built"]
pub struct CyclesClientBuilder {
    config: CyclesConfig,
    transport: Option<Box<dyn Transport>>,
    hook: Option<Hook>,
    trace: Option<TraceHook>,
}

/// Declares a setter for each level of the default subject.
macro_rules! default_levels {
    ($( $level:ident = $variant:ident; )*) => {
        impl CyclesClientBuilder {
            $(
                #[doc = concat!("The `", stringify!($level), "` of calls that name none.")]
                pub fn $level(mut self, $level: impl Into<String>) -> Self {
                    *self.config.subject.level_mut(Level::$variant) = Some($level.into());
                    self
                }
            )*
        }
    };
}

default_levels! {
    tenant = Tenant;
    workspace = Workspace;
    app = App;
    workflow = Workflow;
    agent = Agent;
    toolset = Toolset;
}

impl CyclesClientBuilder {
    /// Starts from settings made beforehand.
    pub fn from_config(config: CyclesConfig) -> Self {
        Self { config, transport: None, hook: None, trace: None }
    }

    /// How long a connection may take to be made; 2 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.connect_timeout = timeout;
        self
    }

    /// How long an answer may take; 5 seconds by default. An attempt as a whole may take this and the connect timeout.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.config.read_timeout = timeout;
        self
    }

    /// How settlements that got no clear answer are repeated in the background.
    pub fn retry(mut self, retry: RetryConfig) -> Self {
        self.config.retry = retry;
        self
    }

    /// How known spend is kept on disk until it is settled.
    pub fn journal(mut self, journal: JournalConfig) -> Self {
        self.config.journal = journal;
        self
    }

    /// What becomes of a hold whose action ended early at an unknown cost, where the call does not say; it is released by default.
    pub fn unknown_spend(mut self, policy: UnknownSpend) -> Self {
        self.config.unknown_spend = policy;
        self
    }

    /// What becomes of guarded calls whose reservation is lost, where the call does not say; a warning by default.
    pub fn heartbeat(mut self, policy: HeartbeatPolicy) -> Self {
        self.config.heartbeat = policy;
        self
    }

    /// What guarded calls return whose settlement is not confirmed, where the call does not say; their value by default.
    pub fn on_unsettled(mut self, policy: OnUnsettled) -> Self {
        self.config.on_unsettled = policy;
        self
    }

    /// Calls a function with everything that becomes of settlements: for metrics, alerts, or a ledger of the application's own. The
    /// last function given counts.
    ///
    /// It is called by whichever task settles, with no lock held, and should be quick. Whatever it does, settlements go on: a
    /// panic is caught and told to operators.
    ///
    /// ```
    /// use runcycles::{CyclesClient, SettlementStep};
    ///
    /// let client = CyclesClient::builder("cyc_live_example", "https://cycles.example.com")
    ///     .on_settlement(|event| {
    ///         if let (SettlementStep::Rejected(error), Some(spend)) = (event.step, event.spend) {
    ///             eprintln!("{spend} of {} is in no ledger: {error}", event.reservation);
    ///         }
    ///     })
    ///     .build();
    /// assert_eq!(client.settlement_counters().rejected, 0);
    /// ```
    pub fn on_settlement(mut self, hook: impl Fn(&SettlementEvent<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Asks a function which trace a request belongs to, where it is made: what a tracing library has as its current context. The
    /// [ambient](TraceContext::scope) trace comes first. It is called for every request that the application makes, and should be
    /// quick.
    ///
    /// ```
    /// use runcycles::{CyclesClient, TraceContext};
    ///
    /// fn current_trace() -> Option<TraceContext> {
    ///     // With opentelemetry: inject the current context into a map, and read its `traceparent`.
    ///     TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    /// }
    ///
    /// let client = CyclesClient::builder("cyc_live_…", "https://cycles.example.com").trace_context(current_trace).build();
    /// ```
    pub fn trace_context(mut self, current: impl Fn() -> Option<TraceContext> + Send + Sync + 'static) -> Self {
        self.trace = Some(Box::new(current));
        self
    }

    /// The innermost level whose values labels of metrics may have; [`Level::App`] by default, since workflows and agents can be
    /// without number.
    #[cfg(feature = "metrics")]
    pub fn metric_scopes(mut self, innermost: Level) -> Self {
        self.config.metric_scopes = innermost;
        self
    }

    /// Whether guarded calls are held to what the authority says; yes by default.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.config.mode = mode;
        self
    }

    /// What becomes of calls that a tenant in observe mode is denied; they do not run by default.
    pub fn observed_denial(mut self, policy: ObservedDenial) -> Self {
        self.config.observed_denial = policy;
        self
    }

    /// What becomes of guarded calls while the authority cannot be reached; they are denied by default.
    pub fn on_unavailable(mut self, policy: OnUnavailable) -> Self {
        self.config.on_unavailable = policy;
        self
    }

    /// Carries requests in another way than by reqwest: the in-process transport of an embedded authority, or your own.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Box::new(transport));
        self
    }

    /// A client of one tenant, which refuses calls for others.
    pub(crate) fn for_tenant(mut self, tenant: &str) -> Self {
        self.config.subject.tenant = Some(tenant.to_owned());
        self.config.is_for_one_tenant = true;
        self
    }

    /// Carries requests in a way that clients share, unless this one has been given its own.
    pub(crate) fn sharing_transport(
        mut self,
        shared: impl FnOnce(&CyclesConfig) -> Result<Box<dyn Transport>, ConfigError>,
    ) -> Result<Self, ConfigError> {
        if self.transport.is_none() {
            self.transport = Some(shared(&self.config)?);
        }
        Ok(self)
    }

    /// The client.
    ///
    /// # Panics
    ///
    /// On settings that can never work, such as an empty key or an address without a host; [`try_build`](Self::try_build) says
    /// why instead.
    pub fn build(self) -> CyclesClient {
        match self.try_build() {
            Ok(client) => client,
            Err(error) => panic!("{error}"),
        }
    }

    /// The client, or what cannot work.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] naming the setting, what it holds and what to do.
    pub fn try_build(self) -> Result<CyclesClient, ConfigError> {
        self.config.validate()?;
        let endpoint = Endpoint::new(&self.config.base_url)?;
        let key = (HeaderName::from_static("x-cycles-api-key"), self.config.api_key.header_value()?);
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport(self.config.connect_timeout, &self.config.base_url)?,
        };
        let connection = Connection::new(endpoint, key, transport, self.config.attempt_timeout()).traced_by(self.trace);
        let shared = Shared {
            #[cfg(feature = "journal")]
            journal: KeptJournal::new(&self.config),
            config: self.config,
            connection: Arc::new(connection),
            heartbeat: Heartbeat::new(),
            settlements: Queue::default(),
            observer: Observer::new(self.hook),
            keys: Arc::default(),
            sites: CallSites::default(),
            holders: Holders::default(),
            allowance: AllowanceUse::default(),
            unbudgeted: Unbudgeted::default(),
            action_kinds: KindRegistry::default(),
            shadow: ShadowBook::default(),
        };
        Ok(CyclesClient { shared: Arc::new(shared), view: Arc::default() })
    }
}

impl std::fmt::Debug for CyclesClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CyclesClientBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

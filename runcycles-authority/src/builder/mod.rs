//! How an authority is set up.

mod start;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use runcycles::Transport;
use runcycles::models::{ActionKind, Caps, Unit as WireUnit};

use crate::budget::Budget;
use crate::clock::{Clock, SystemClock};
use crate::policy::Policy;
use crate::store::{Durability, Store};
use crate::tenant::Tenant;

/// Sets up an [`Authority`](crate::Authority). What is wrong with it is said by [`start`](Self::start).
///
/// ```
/// use runcycles::usd;
/// use runcycles_authority::Authority;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let authority = Authority::builder().budget("tenant:acme/agent:bot", usd!(5)).start().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[must_use = "a builder does nothing until it is started"]
pub struct AuthorityBuilder {
    tenants: Vec<Tenant>,
    budgets: Vec<(String, Budget)>,
    api_keys: Vec<(String, String)>,
    caps: Vec<(String, WireUnit, Caps)>,
    policies: Vec<(String, Policy)>,
    clock: Arc<dyn Clock>,
    admin_key: Option<String>,
    evaluate_policies: bool,
    enforce_permissions: bool,
    extensions: bool,
    action_kinds: Vec<ActionKind>,
    record_requests: bool,
    webhooks: Vec<(String, String, Vec<String>)>,
    webhook_transport: Option<Arc<dyn Transport>>,
    #[cfg(feature = "evidence")]
    evidence: Option<runcycles::evidence::EvidenceSigner>,
    path: Option<PathBuf>,
    durability: Durability,
    compact_at: u64,
}

impl AuthorityBuilder {
    pub(crate) fn new() -> Self {
        Self {
            tenants: Vec::new(),
            budgets: Vec::new(),
            api_keys: Vec::new(),
            caps: Vec::new(),
            policies: Vec::new(),
            clock: Arc::new(SystemClock),
            admin_key: None,
            evaluate_policies: false,
            enforce_permissions: false,
            extensions: false,
            action_kinds: Vec::new(),
            record_requests: false,
            webhooks: Vec::new(),
            webhook_transport: None,
            #[cfg(feature = "evidence")]
            evidence: None,
            path: None,
            durability: Durability::default(),
            compact_at: Store::COMPACT_AT,
        }
    }

    /// Adds a budget at a scope such as `tenant:acme/agent:bot`: an amount, or a [`Budget`] with options. The tenant is added
    /// with it. Where a [`path`](Self::path) holds such a budget already, that one is kept.
    pub fn budget(mut self, scope: impl Into<String>, budget: impl Into<Budget>) -> Self {
        self.budgets.push((scope.into(), budget.into()));
        self
    }

    /// Adds a tenant.
    pub fn tenant(mut self, tenant: impl Into<Tenant>) -> Self {
        let tenant = tenant.into();
        self.extensions |= tenant.observe_mode.is_some();
        self.tenants.push(tenant);
        self
    }

    /// Adds an API key of a tenant, which is added with it.
    pub fn api_key(mut self, key: impl Into<String>, tenant: impl Into<String>) -> Self {
        self.api_keys.push((key.into(), tenant.into()));
        self
    }

    /// Sets the limits that come with every reservation whose innermost scope is this budget's.
    pub fn caps(mut self, scope: impl Into<String>, unit: WireUnit, caps: Caps) -> Self {
        self.caps.push((scope.into(), unit, caps));
        self
    }

    /// Sets the admin key, which opens the admin plane; without one nothing does.
    pub fn admin_key(mut self, key: impl Into<String>) -> Self {
        self.admin_key = Some(key.into());
        self
    }

    /// Applies policies, and the overage policies of budgets, to reservations; off by default, as in the reference server,
    /// which keeps them and shows them.
    pub fn evaluate_policies(mut self) -> Self {
        self.evaluate_policies = true;
        self
    }

    /// Refuses what an API key's permissions and scope filter do not allow on the runtime plane too; off by default, as in
    /// the reference server. The admin plane always looks at them.
    pub fn enforce_permissions(mut self) -> Self {
        self.enforce_permissions = true;
        self
    }

    /// Speaks the extensions of protocol v0.1.26; off by default, as in the reference server: requests may carry `policy_keys` and
    /// `observe_mode`, denials tell their [detail](runcycles::models::DenyDetail), policies may list kinds of actions and limit how
    /// often they are done, and the registry of action kinds and the counters of quotas can be read. A request that uses none of it
    /// is answered as before.
    pub fn protocol_extensions(mut self) -> Self {
        self.extensions = true;
        self
    }

    /// Adds a kind to the registry of action kinds, or replaces the one of its name, and turns on the
    /// [extensions](Self::protocol_extensions). Kinds of an organisation's own, `custom.<org>.<operation>`, must be added; other
    /// kinds that are not registered count as side effects.
    ///
    /// ```
    /// use runcycles::models::{ActionKind, RiskClass};
    /// use runcycles_authority::Authority;
    ///
    /// let reindex = ActionKind::new("custom.acme.reindex".to_owned(), RiskClass::LocalMutation);
    /// let builder = Authority::builder().action_kind(reindex);
    /// ```
    pub fn action_kind(mut self, kind: ActionKind) -> Self {
        self.action_kinds.push(kind);
        self.protocol_extensions()
    }

    /// Keeps every request, for tests: see [`Authority::calls`](crate::Authority::calls) and
    /// [`Authority::requests`](crate::Authority::requests).
    pub fn record_requests(mut self) -> Self {
        self.record_requests = true;
        self
    }

    /// Adds a policy of a tenant, which is added with it, and turns on [`evaluate_policies`](Self::evaluate_policies).
    pub fn policy(mut self, tenant: impl Into<String>, policy: Policy) -> Self {
        self.extensions |= policy.rules.is_some();
        self.policies.push((tenant.into(), policy));
        self.evaluate_policies()
    }

    /// Tells a URL of events as they happen: by their types, such as `"budget.exhausted"`, or by categories, such as `"budget"`. The
    /// URL is told of every tenant's, and each body is signed with the secret; `runcycles::webhooks` verifies them. More
    /// subscriptions are made over the admin plane (`/v1/admin/webhooks`), and by tenants whose keys may (`/v1/webhooks`).
    ///
    /// A delivery that is not answered with a 2xx is tried again 1, 2, 4, 8 and 16 seconds later; after ten deliveries in a row
    /// that failed for good, the subscription is disabled until the next start. The URL is HTTPS and outside of the authority's
    /// own network, except that loopback addresses are fine while no other machine reaches the authority.
    ///
    /// Deliveries run on the runtime that the authority is started on, whose timer they need. The latest 10,000 events and what is
    /// still to be delivered are in memory, and gone with the process; subscriptions made over the admin plane are kept where the
    /// [state](Self::path) is, with their secrets. A reservation is seen to have lapsed when the authority looks at its budgets
    /// the next time.
    pub fn webhook<T: Into<String>>(
        mut self,
        url: impl Into<String>,
        secret: impl Into<String>,
        events: impl IntoIterator<Item = T>,
    ) -> Self {
        self.webhooks.push((url.into(), secret.into(), events.into_iter().map(Into::into).collect()));
        self
    }

    /// Carries deliveries of webhooks in another way than over HTTP by hyper, which speaks TLS with the feature `cli` alone.
    pub fn webhook_transport(mut self, transport: impl Transport) -> Self {
        self.webhook_transport = Some(Arc::new(transport));
        self
    }

    /// Attests answers: those to decisions, reservations, commits and releases, and refusals of them to tenants, refer to an
    /// envelope that the signer signs when it is asked for (`GET /v1/evidence/{id}`, and `/v1/.well-known/cycles-jwks.json` for
    /// the key). Off by default: an answer costs several times as much with it.
    ///
    /// The latest 16,384 envelopes are kept, in memory. An answer that is given again under its idempotency key has evidence of
    /// its own. Answers that the protocol has no envelope for have none.
    #[cfg(feature = "evidence")]
    #[cfg_attr(docsrs, doc(cfg(feature = "evidence")))]
    pub fn evidence(mut self, signer: runcycles::evidence::EvidenceSigner) -> Self {
        self.evidence = Some(signer);
        self
    }

    /// Keeps the state in a directory, which is made if it does not exist; in memory alone by default. One authority at a time
    /// has it open.
    ///
    /// What the directory holds comes back at the next start with it: budgets and what was spent of them, reservations,
    /// events, tenants, API keys, policies, idempotency keys. It comes before what the builder is given. A tenant, a budget,
    /// an API key or a policy of a name that is there already stays as it is, whatever happened to it since; those that are
    /// not are added. Where the amounts of a budget differ, the directory's count, and a warning is logged: change them with
    /// [`fund`](crate::Authority::fund). Caps of budgets are configuration and are not kept: those that the builder is given
    /// apply.
    pub fn path(mut self, dir: impl Into<PathBuf>) -> Self {
        self.path = Some(dir.into());
        self
    }

    /// What answers survive where the state is kept in a directory; [`Durability::PowerLoss`] by default.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets how many bytes of changes the directory gathers before they are replaced by what they come to. For tests.
    #[doc(hidden)]
    pub fn compact_at(mut self, bytes: u64) -> Self {
        self.compact_at = bytes;
        self
    }

    /// Sets the clock; the operating system's by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl fmt::Debug for AuthorityBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorityBuilder")
            .field("tenants", &self.tenants)
            .field("budgets", &self.budgets)
            .field("api_keys", &format_args!("{} <redacted>", self.api_keys.len()))
            .field("webhooks", &format_args!("{} <redacted>", self.webhooks.len()))
            .field("path", &self.path)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

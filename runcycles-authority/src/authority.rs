//! The authority as users hold it.

use std::fmt;
use std::sync::Arc;

use runcycles::{CyclesClient, JournalConfig};
use tokio::net::ToSocketAddrs;

use crate::builder::AuthorityBuilder;
use crate::engine::{
    AddApiKey, BudgetError, DescribeHolds, Engine, Fund, Funding, InvalidTenant, ReadLedgers, SetStatus,
};
use crate::faults::{Call, Fault, RecordedRequest};
use crate::front::Front;
use crate::http::{BindError, Server, ServerLimits, listen};
use crate::ids::{IdSource, random_api_key};
use crate::ledger::Ledger;
use crate::state::LedgerStatus;
use crate::store::StoreError;
use crate::testing::Ruling;
use crate::transport::InProcess;

/// Requests name a host, even where none is asked.
const IN_PROCESS_URL: &str = "http://in-process";

/// A Cycles authority in this process.
///
/// It answers the protocol's runtime plane, to clients in the same process without a socket and to others over HTTP. Clones
/// are the same authority.
///
/// Where it keeps its state on disk, the methods that change something return once that is kept, and wait for it on the
/// calling thread.
#[derive(Clone)]
pub struct Authority {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<Engine>,
    front: Arc<Front>,
    ids: IdSource,
    has_keys: bool,
}

/// Why there is no key for a tenant.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A text that cannot be a tenant's id.
    #[error(transparent)]
    Tenant(#[from] InvalidTenant),
    /// The key, or its tenant, cannot be kept where the authority keeps its state.
    #[error("the API key of tenant {tenant} cannot be kept")]
    NotKept {
        /// The tenant.
        tenant: String,
        /// What the store says.
        source: StoreError,
    },
}

impl KeyError {
    #[track_caller]
    fn raise(self) -> ! {
        match &self {
            Self::Tenant(error) => panic!("{error}"),
            Self::NotKept { source, .. } => panic!("{self}: {source}"),
        }
    }
}

impl Authority {
    /// Sets up an authority.
    pub fn builder() -> AuthorityBuilder {
        AuthorityBuilder::new()
    }

    pub(crate) fn new(engine: Arc<Engine>, front: Front, ids: IdSource, has_keys: bool) -> Self {
        Self { shared: Arc::new(Shared { engine, front: Arc::new(front), ids, has_keys }) }
    }

    /// A client of a tenant, in this process: with a fresh key, the tenant as its default scope, and no socket.
    ///
    /// The tenant is added if it does not exist.
    ///
    /// # Panics
    ///
    /// Where the text cannot be a tenant's id, or the tenant cannot be kept; [`try_client`](Self::try_client) says so instead.
    #[track_caller]
    pub fn client(&self, tenant: &str) -> CyclesClient {
        self.try_client(tenant).unwrap_or_else(|error| error.raise())
    }

    /// A client of a tenant, as [`client`](Self::client) gives.
    ///
    /// # Errors
    ///
    /// [`KeyError`] where the text cannot be a tenant's id, or the tenant cannot be kept.
    pub fn try_client(&self, tenant: &str) -> Result<CyclesClient, KeyError> {
        let builder = CyclesClient::builder(self.add_api_key(tenant, false)?, IN_PROCESS_URL);
        // This authority has a commit as soon as a journal would have it.
        Ok(builder.tenant(tenant).journal(JournalConfig::disabled()).transport(self.transport()).build())
    }

    /// The way in without a socket, for a client's builder.
    pub fn transport(&self) -> InProcess {
        InProcess::new(self.shared.front.clone())
    }

    /// A fresh API key of a tenant, which is added if it does not exist.
    ///
    /// # Panics
    ///
    /// Where the text cannot be a tenant's id, or the key cannot be kept; [`try_api_key`](Self::try_api_key) says so instead.
    #[track_caller]
    pub fn api_key(&self, tenant: &str) -> String {
        self.try_api_key(tenant).unwrap_or_else(|error| error.raise())
    }

    /// A fresh API key of a tenant, as [`api_key`](Self::api_key) gives.
    ///
    /// # Errors
    ///
    /// [`KeyError`] where the text cannot be a tenant's id, or the key cannot be kept.
    pub fn try_api_key(&self, tenant: &str) -> Result<String, KeyError> {
        self.add_api_key(tenant, true)
    }

    /// Serves the authority over HTTP on an address such as `127.0.0.1:7878`; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// [`BindError`] where the address cannot be listened on, or is not of this machine alone and the builder was given no
    /// API key.
    pub async fn serve(&self, addr: impl ToSocketAddrs + fmt::Debug) -> Result<Server, BindError> {
        self.serve_with(addr, ServerLimits::default()).await
    }

    /// Serves the authority over HTTP, with limits of its own on what clients may do.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    pub async fn serve_with(
        &self,
        addr: impl ToSocketAddrs + fmt::Debug,
        limits: ServerLimits,
    ) -> Result<Server, BindError> {
        listen(addr, self.shared.front.clone(), limits, self.shared.has_keys).await
    }

    /// The ledger at a scope; where the scope has budgets in several units, the first of [`ledgers`](Self::ledgers).
    pub fn ledger(&self, scope: &str) -> Option<Ledger> {
        self.ledgers(scope).into_iter().next()
    }

    /// The ledgers at a scope, one a unit, in the order USD, tokens, credits, risk points.
    pub fn ledgers(&self, scope: &str) -> Vec<Ledger> {
        let scope = scope.to_ascii_lowercase();
        let ledgers = self.shared.engine.execute(ReadLedgers { scope: &scope });
        ledgers.into_iter().map(Ledger::from).collect()
    }

    /// Freezes every budget at a scope: no new reservations, while work in flight still settles.
    ///
    /// # Errors
    ///
    /// [`BudgetError`] where there is none, or one is frozen or closed already.
    pub fn freeze(&self, scope: &str) -> Result<(), BudgetError> {
        self.set_status(scope, LedgerStatus::Frozen)
    }

    /// Unfreezes every budget at a scope.
    ///
    /// # Errors
    ///
    /// [`BudgetError`] where there is none, or one is not frozen.
    pub fn unfreeze(&self, scope: &str) -> Result<(), BudgetError> {
        self.set_status(scope, LedgerStatus::Active)
    }

    /// Changes a budget's allocation: an [`Amount`](runcycles::models::Amount) is added to it, [`Funding`] has the other
    /// ways. The budget is the one in the amount's unit.
    ///
    /// # Errors
    ///
    /// [`BudgetError`] where there is no such budget, it is frozen or closed, or it has too little to take.
    pub fn fund(&self, scope: &str, funding: impl Into<Funding>) -> Result<Ledger, BudgetError> {
        let scope = scope.to_ascii_lowercase();
        let funded = self.shared.engine.execute(Fund { scope: &scope, funding: funding.into() })?;
        self.shared.engine.wait_written()?;
        Ok(Ledger::from(funded))
    }

    /// Asserts that no reservation holds budget.
    ///
    /// # Panics
    ///
    /// Names every reservation that does.
    #[track_caller]
    pub fn assert_settled(&self) {
        let holds = self.shared.engine.execute(DescribeHolds);
        assert!(holds.is_empty(), "expected nothing to be held, found {}: {}", holds.len(), holds.join("; "));
    }

    /// Gives the directory back that the authority keeps its state in, once everything in it is written. What is asked for
    /// later is refused with a 500. An authority in memory stays as it is.
    ///
    /// Dropping the last of an authority, its transports, clients and servers does the same, on the dropping thread.
    ///
    /// # Errors
    ///
    /// Where the store failed, now or before.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.shared.engine.close().await
    }

    pub(crate) fn engine(&self) -> Arc<Engine> {
        self.shared.engine.clone()
    }

    fn add_api_key(&self, tenant: &str, is_kept: bool) -> Result<String, KeyError> {
        let key = random_api_key();
        let id = self.shared.ids.next_named("key_");
        self.shared.engine.execute(AddApiKey { id, key: &key, tenant, is_kept })?;
        match self.shared.engine.wait_written() {
            Ok(()) => Ok(key),
            Err(source) => Err(KeyError::NotKept { tenant: tenant.to_owned(), source }),
        }
    }

    /// Lets the next request go wrong, whatever it is. Faults wait in line, one for each request.
    ///
    /// ```
    /// use runcycles::usd;
    /// use runcycles_authority::{Authority, Call, Fault};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let authority = Authority::builder().budget("tenant:acme", usd!(5)).start().await?;
    /// authority.inject(Fault::LoseResponse);
    /// authority.inject_on(Call::Commit, Fault::Deny);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inject(&self, fault: Fault) {
        self.shared.front.inject(None, fault);
    }

    /// Lets the next request of an operation go wrong.
    pub fn inject_on(&self, call: Call, fault: Fault) {
        self.shared.front.inject(Some(call), fault);
    }

    /// How many faults still wait for a request.
    pub fn pending_faults(&self) -> usize {
        self.shared.front.pending_faults()
    }

    /// Rules on actions to come, whatever the budgets have. Rulings stay, in the order in which they were given; the first that
    /// applies to an action counts. See [`Ruling`].
    ///
    /// ```
    /// use runcycles::usd;
    /// use runcycles_authority::Authority;
    /// use runcycles_authority::testing::Ruling;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let authority = Authority::builder().budget("tenant:acme", usd!(5)).start().await?;
    /// authority.rule(Ruling::deny().kind("email.send").times(2));
    /// authority.rule(Ruling::freeze("tenant:acme").after(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// For a ruling that freezes a scope without a budget.
    #[track_caller]
    pub fn rule(&self, ruling: Ruling) {
        if let Some(scope) = ruling.freezes() {
            assert!(self.ledger(scope).is_some(), "expected a budget to freeze at {scope}, found none");
        }
        self.shared.front.rule(ruling);
    }

    /// Asserts that everything a test scripted has come to pass: each fault had its request, each ruling was applied as often as it
    /// says, and at least once.
    ///
    /// # Panics
    ///
    /// Names the rulings that were not, and how many faults wait.
    #[track_caller]
    pub fn assert_script_played(&self) {
        let mut left = self.shared.front.unplayed_rulings();
        let faults = self.pending_faults();
        if faults > 0 {
            left.push(format!("{faults} faults, whose requests never came"));
        }
        assert!(left.is_empty(), "expected the whole script to be played, found left of it: {}", left.join("; "));
    }

    /// Every request so far, in the order of their answers, if the builder was told to
    /// [record them](AuthorityBuilder::record_requests).
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.front.requests()
    }

    pub(crate) fn records(&self) -> bool {
        self.shared.front.records()
    }

    fn set_status(&self, scope: &str, status: LedgerStatus) -> Result<(), BudgetError> {
        let scope = scope.to_ascii_lowercase();
        self.shared.engine.execute(SetStatus { scope: &scope, status })?;
        Ok(self.shared.engine.wait_written()?)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

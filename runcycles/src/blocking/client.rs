//! The client.

use std::error::Error as StdError;
use std::future::IntoFuture;
use std::time::Duration;

use super::guard::ReservationGuard;
use super::pages::Pages;
use super::wait::{block_on, block_on_value};
use crate::client::{self, CyclesClientBuilder, CyclesConfig};
use crate::error::{ConfigError, Error};
use crate::guard::ShutdownReport;
use crate::lifecycle::{self, Context, WithCyclesConfig};
use crate::protocol::{
    Amount, Balance, BalanceParams, BalanceResponse, CommitRequest, CommitResponse, DecisionRequest, DecisionResponse,
    EventCreateRequest, EventCreateResponse, ExtendRequest, ExtendResponse, ListReservationsParams, ReleaseRequest,
    ReleaseResponse, ReservationCreateRequest, ReservationCreateResponse, ReservationDetail, ReservationId,
    ReservationListResponse, ReservationSummary, Subject,
};
use crate::settlement::FlushReport;

/// A client of an authority whose methods wait: [`runcycles::CyclesClient`](crate::CyclesClient) for code that is not async.
#[derive(Clone, Debug)]
pub struct CyclesClient(client::CyclesClient);

impl From<client::CyclesClient> for CyclesClient {
    fn from(client: client::CyclesClient) -> Self {
        Self(client)
    }
}

impl From<CyclesClient> for client::CyclesClient {
    fn from(client: CyclesClient) -> Self {
        client.0
    }
}

impl CyclesClientBuilder {
    /// The client for code that is not async.
    ///
    /// # Panics
    ///
    /// As [`build`](Self::build).
    pub fn build_blocking(self) -> CyclesClient {
        self.build().into()
    }
}

/// Declares the methods that wait for the async client's.
macro_rules! waiting {
    ($( $(#[$meta:meta])* $name:ident($($argument:ident: $ty:ty),*) -> $answer:ty; )*) => { $(
        $(#[$meta])*
        ///
        /// # Errors
        ///
        /// As there.
        pub fn $name(&self, $($argument: $ty),*) -> Result<$answer, Error> {
            block_on(self.0.$name($($argument),*).into_future())
        }
    )* };
}

impl CyclesClient {
    /// Starts a client for an authority; [`build_blocking`](CyclesClientBuilder::build_blocking) makes it.
    pub fn builder(api_key: impl Into<String>, base_url: impl Into<String>) -> CyclesClientBuilder {
        client::CyclesClient::builder(api_key, base_url)
    }

    /// A client with settings made beforehand.
    ///
    /// # Panics
    ///
    /// On settings that can never work.
    pub fn new(config: CyclesConfig) -> Self {
        client::CyclesClient::new(config).into()
    }

    /// A client with settings from variables that start with `CYCLES_`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] naming the variable, what it holds and what it may hold.
    pub fn from_env() -> Result<Self, ConfigError> {
        client::CyclesClient::from_env().map(Self)
    }

    /// The settings.
    pub fn config(&self) -> &CyclesConfig {
        self.0.config()
    }

    /// A view of this client with a scope; see [`scoped`](crate::CyclesClient::scoped).
    pub fn scoped(&self, scope: impl Into<Subject>) -> Self {
        Self(self.0.scoped(scope))
    }

    /// Runs a function under this client: guarded calls inside use it unless they name another, and inherit its scope.
    pub fn run<T>(&self, function: impl FnOnce() -> T) -> T {
        self.0.run_within(function)
    }

    /// Holds budget for an action, and keeps holding it until the guard is settled or dropped; see
    /// [`reserve`](crate::CyclesClient::reserve).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn reserve(&self, request: impl Into<ReservationCreateRequest>) -> Result<ReservationGuard, Error> {
        block_on(self.0.reserve(request.into())).map(ReservationGuard)
    }

    /// Reserves, runs an action on this thread, and settles; see [`execute`](crate::CyclesClient::execute).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn execute<T, E: From<Error>>(
        &self,
        config: WithCyclesConfig,
        action: impl FnOnce(Context) -> Result<T, E>,
    ) -> Result<T, E> {
        block_on(self.0.execute(config, async move |context| action(context)))
    }

    waiting! {
        /// Asks whether an action would be allowed, holding nothing; see [`decide`](crate::CyclesClient::decide).
        decide(request: &DecisionRequest) -> DecisionResponse;
        /// Holds budget, without a guard; see [`create_reservation`](crate::CyclesClient::create_reservation).
        create_reservation(request: &ReservationCreateRequest) -> ReservationCreateResponse;
        /// Lists reservations, a page at a time; see [`list_reservations`](crate::CyclesClient::list_reservations).
        list_reservations(params: &ListReservationsParams) -> ReservationListResponse;
        /// One reservation as it stands; see [`get_reservation`](crate::CyclesClient::get_reservation).
        get_reservation(id: &ReservationId) -> ReservationDetail;
        /// Settles a reservation; see [`commit_reservation`](crate::CyclesClient::commit_reservation).
        commit_reservation(id: &ReservationId, request: &CommitRequest) -> CommitResponse;
        /// Returns a reservation's hold; see [`release_reservation`](crate::CyclesClient::release_reservation).
        release_reservation(id: &ReservationId, request: &ReleaseRequest) -> ReleaseResponse;
        /// Makes a reservation live longer; see [`extend_reservation`](crate::CyclesClient::extend_reservation).
        extend_reservation(id: &ReservationId, request: &ExtendRequest) -> ExtendResponse;
        /// Lists budgets, a page at a time; see [`get_balances`](crate::CyclesClient::get_balances).
        get_balances(params: &BalanceParams) -> BalanceResponse;
        /// Records spend that was not reserved; see [`create_event`](crate::CyclesClient::create_event).
        create_event(request: &EventCreateRequest) -> EventCreateResponse;
    }

    /// All reservations a filter finds, page after page. An error ends the iterator.
    pub fn reservations(&self, params: ListReservationsParams) -> Pages<ReservationSummary> {
        Pages(self.0.reservations(params))
    }

    /// All budgets a filter finds, page after page. An error ends the iterator.
    pub fn balances(&self, params: BalanceParams) -> Pages<Balance> {
        Pages(self.0.balances(params))
    }

    /// Settles what is left in the background; see [`flush`](crate::CyclesClient::flush).
    ///
    /// # Errors
    ///
    /// [`Error::Config`] where the thread of the blocking clients cannot be started.
    pub fn flush(&self, deadline: Duration) -> Result<FlushReport, Error> {
        block_on_value(self.0.flush(deadline))
    }

    /// Ends the work of this client in good order; see [`shutdown`](crate::CyclesClient::shutdown).
    ///
    /// # Errors
    ///
    /// [`Error::Config`] where the thread of the blocking clients cannot be started.
    pub fn shutdown(&self, deadline: Duration) -> Result<ShutdownReport, Error> {
        block_on_value(self.0.shutdown(deadline))
    }
}

/// Makes a client the one that guarded functions use when they name none and none is ambient. A later call replaces it.
pub fn set_default_client(client: CyclesClient) {
    client::set_default_client(client.0);
}

/// Reserves, runs an action on this thread, and settles; see [`runcycles::with_cycles`](crate::with_cycles).
///
/// # Errors
///
/// As there.
pub fn with_cycles<T>(
    client: &CyclesClient,
    config: WithCyclesConfig,
    action: impl FnOnce(Context) -> Result<(T, Amount), Box<dyn StdError + Send + Sync>>,
) -> Result<T, Error> {
    block_on(lifecycle::with_cycles(&client.0, config, async move |context| action(context)))
}

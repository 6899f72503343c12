//! What calls inherit from where they run: a client and a scope.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};

use super::CyclesClient;
use super::bounds::Limits;
use super::view::View;
use crate::error::{ConfigError, Error};
use crate::protocol::Subject;
use crate::telemetry::carry_trace;

/// The client of the process, for calls that name none.
static DEFAULT_CLIENT: RwLock<Option<CyclesClient>> = RwLock::new(None);

tokio::task_local! {
    static AMBIENT: Ambient;
}

/// What [`CyclesClient::run`] runs a future under.
#[derive(Clone)]
struct Ambient {
    client: CyclesClient,
    /// The client's scope, filled from the ambient scope around it.
    scope: Arc<Subject>,
    /// The client's limits, or else those around it: no client leads out of them.
    limits: Limits,
}

/// Makes a client the one that guarded functions use when they name none and none is ambient. A later call replaces it.
pub fn set_default_client(client: CyclesClient) {
    // A poisoned lock holds a whole value: assignments do not panic half-way.
    *DEFAULT_CLIENT.write().unwrap_or_else(PoisonError::into_inner) = Some(client);
}

/// The client for a call that names none: the ambient one, or the default of the process.
///
/// # Errors
///
/// [`Error::Config`] where there is neither.
pub fn current_client() -> Result<CyclesClient, Error> {
    if let Ok(client) = AMBIENT.try_with(|ambient| ambient.client.clone()) {
        return Ok(client);
    }
    DEFAULT_CLIENT.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(|| {
        let cure = "call runcycles::set_default_client at start, run the code under client.run(…), or name one with client = …";
        ConfigError::new("client", "no client is set", cure).into()
    })
}

/// A future with the ambient client and scope of the place where this is called.
pub(crate) fn carry_ambient<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let ambient = AMBIENT.try_with(Clone::clone).ok();
    let future = carry_trace(future);
    async move {
        let future = pin!(future);
        match ambient {
            Some(ambient) => AMBIENT.scope(ambient, future).await,
            None => future.await,
        }
    }
}

/// The ambient scope.
pub(super) fn scope() -> Option<Arc<Subject>> {
    AMBIENT.try_with(|ambient| Arc::clone(&ambient.scope)).ok()
}

/// What calls may not leave where they are made.
pub(super) fn limits() -> Limits {
    AMBIENT.try_with(|ambient| ambient.limits.clone()).unwrap_or_default()
}

impl CyclesClient {
    /// Runs a future under this client: guarded calls inside use it unless they name another, and inherit its scope.
    ///
    /// Tasks spawned inside do not inherit it; [`carry`](crate::carry) takes it to them.
    ///
    /// ```
    /// # async fn plan() {}
    /// # async fn example(client: runcycles::CyclesClient) {
    /// use runcycles::Scope;
    ///
    /// client.scoped(Scope::workflow("run-42")).run(async { plan().await }).await;
    /// # }
    /// ```
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        AMBIENT.scope(self.as_ambient(), future).await
    }

    /// The same for a function.
    #[cfg(feature = "blocking")]
    pub(crate) fn run_within<T>(&self, function: impl FnOnce() -> T) -> T {
        AMBIENT.sync_scope(self.as_ambient(), function)
    }

    fn as_ambient(&self) -> Ambient {
        let View { scope: own, .. } = &*self.view;
        let scope = match scope() {
            Some(outer) => Arc::new(Subject::clone(own).or(&outer)),
            None => Arc::clone(own),
        };
        Ambient { client: self.clone(), scope, limits: self.limits() }
    }
}

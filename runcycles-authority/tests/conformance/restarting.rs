//! An authority that is started again on what it stored.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use runcycles::{BoxFuture, Transport, TransportError};
use runcycles_authority::conformance::{LedgerSpec, ProvisionError, Provisioned, Seeding};
use runcycles_authority::{Authority, AuthorityBuilder, Server};
use serde_json::Value;

/// An authority that is started again on what it stored, without a socket or on an address that stays the same.
#[derive(Clone)]
pub(crate) struct Restarting {
    builder: Arc<dyn Fn() -> AuthorityBuilder + Send + Sync>,
    running: Arc<Mutex<Option<Running>>>,
}

struct Running {
    authority: Authority,
    server: Option<Server>,
}

impl Restarting {
    pub(crate) async fn start(builder: impl Fn() -> AuthorityBuilder + Send + Sync + 'static, over_http: bool) -> Self {
        let authority = builder().start().await.expect("a valid set-up");
        let server = if over_http { Some(authority.serve("127.0.0.1:0").await.expect("a free port")) } else { None };
        let running = Arc::new(Mutex::new(Some(Running { authority, server })));
        Self { builder: Arc::new(builder), running }
    }

    /// The URL, where it is served.
    pub(crate) fn url(&self) -> Option<String> {
        self.with(|running| running.server.as_ref().map(Server::url))
    }

    fn authority(&self) -> Authority {
        self.with(|running| running.authority.clone())
    }

    fn with<T>(&self, look: impl FnOnce(&Running) -> T) -> T {
        look(self.running.lock().expect("a lock nobody panics under").as_ref().expect("no restart is under way"))
    }
}

impl Transport for Restarting {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let transport = self.authority().transport();
        Box::pin(async move { transport.call(request).await })
    }
}

impl Seeding for Restarting {
    fn close_ledger<'a>(&'a self, ledger: &'a LedgerSpec) -> Provisioned<'a> {
        Box::pin(async move { self.authority().close_ledger(ledger).await })
    }

    fn set_debt<'a>(&'a self, ledger: &'a LedgerSpec, debt: i64) -> Provisioned<'a> {
        Box::pin(async move { self.authority().set_debt(ledger, debt).await })
    }

    fn set_caps<'a>(&'a self, ledger: &'a LedgerSpec, caps: &'a Value) -> Provisioned<'a> {
        Box::pin(async move { self.authority().set_caps(ledger, caps).await })
    }

    fn restart(&self) -> Provisioned<'_> {
        Box::pin(async move {
            let failed = |found: String| ProvisionError::Failed { request: "restarting".to_owned(), found };
            let stopped = self.running.lock().expect("a lock nobody panics under").take();
            let Running { authority, server } = stopped.expect("one restart at a time");
            let addr = server.as_ref().map(Server::addr);
            if let Some(server) = server {
                server.shutdown().await;
            }
            authority.close().await.map_err(|error| failed(error.to_string()))?;
            drop(authority);
            let authority = (self.builder)().start().await.map_err(|error| failed(error.to_string()))?;
            let server = match addr {
                None => None,
                Some(addr) => Some(authority.serve(addr).await.map_err(|error| failed(error.to_string()))?),
            };
            *self.running.lock().expect("a lock nobody panics under") = Some(Running { authority, server });
            Ok(())
        })
    }
}

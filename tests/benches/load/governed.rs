//! The same governed call by the attribute and by hand, for ratios between them.

use std::future::ready;

use bytes::Bytes;
use http::{Request, Response};
use runcycles::models::CommitRequest;
use runcycles::{
    BoxFuture, CyclesClient, Error, JournalConfig, Reserve, Scope, Transport, TransportError, cycles, usd,
};

use super::answers::{COMMITTED, reserved};

/// Allows everything, with answers that were made before.
struct Canned {
    reserved: Bytes,
}

impl Transport for Canned {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let settles = request.uri().path().ends_with("/commit");
        let body = if settles { Bytes::from_static(COMMITTED.as_bytes()) } else { self.reserved.clone() };
        Box::pin(ready(Ok(Response::new(body))))
    }
}

/// A client that asks nobody.
pub(crate) fn canned_client() -> CyclesClient {
    let reserved = reserved("0a1b2c3d-4e5f-4a6b-8c7d-000000000001", 1_900_000_000_000, Some(60_000)).into();
    CyclesClient::builder("cyc_live_benchmark", "http://authority.test")
        .journal(JournalConfig::disabled())
        .tenant("acme")
        .transport(Canned { reserved })
        .build()
}

/// By the attribute.
#[cycles(usd!(0.02), "llm.completion", action_name = "gpt-4o", client = client, agent = user, actual = |spent| *spent)]
pub(crate) async fn by_attribute(client: &CyclesClient, user: &str) -> Result<u64, Error> {
    Ok(1_300_000)
}

/// By hand.
pub(crate) async fn by_guard(client: &CyclesClient, user: &str) -> Result<u64, Error> {
    let request = Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02)).subject(Scope::agent(user));
    let guard = client.reserve(request).await?;
    let spent = 1_300_000;
    let mut commit = CommitRequest::new(runcycles::models::Amount::usd_microcents(spent));
    commit.metrics.get_or_insert_default().latency_ms = Some(0);
    guard.commit(commit).await?;
    Ok(spent)
}

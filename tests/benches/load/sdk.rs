//! This project's client.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use runcycles::models::{Amount, CommitRequest, ReservationCreateRequest};
use runcycles::{
    CyclesClient, Durability, Error, HyperTransport, JournalConfig, Reserve, Scope, WithCyclesConfig, cycles, usd,
    with_cycles,
};

use super::kind::{Caller, Carrier};

const ESTIMATE: Amount = usd!(0.02);
const ACTUAL: Amount = usd!(0.013);
const TTL: Duration = Duration::from_secs(60);

/// A client with its requests carried in one of the ways there are.
pub(crate) fn client(server: SocketAddr, carrier: Carrier, journal: Option<(&Path, Durability)>) -> CyclesClient {
    let journal = match journal {
        Some((directory, durability)) => JournalConfig::in_directory(directory).durability(durability),
        None => JournalConfig::disabled(),
    };
    let builder =
        CyclesClient::builder("cyc_live_benchmark", format!("http://{server}")).tenant("acme").journal(journal);
    match carrier {
        Carrier::Hyper => builder.transport(HyperTransport::new()).build(),
        Carrier::Reqwest => builder.build(),
    }
}

fn reserve() -> Reserve<runcycles::models::Action, Amount> {
    Reserve::new("llm.completion", "gpt-4o").estimate(ESTIMATE).subject(Scope::agent("bot")).ttl(TTL)
}

/// By the operations alone.
#[derive(Clone)]
pub(crate) struct ByOperations(pub(crate) CyclesClient);

impl Caller for ByOperations {
    async fn call(&self) {
        let request: ReservationCreateRequest = reserve().into();
        let reserved = self.0.create_reservation(&request).await.expect("a reservation");
        let id = reserved.reservation_id.expect("an id");
        self.0.commit_reservation(&id, &CommitRequest::new(ACTUAL)).await.expect("a commit");
    }
}

/// By a guard.
#[derive(Clone)]
pub(crate) struct ByGuard(pub(crate) CyclesClient);

impl Caller for ByGuard {
    async fn call(&self) {
        let guard = self.0.reserve(reserve()).await.expect("a reservation");
        guard.commit(ACTUAL).await.expect("a commit");
    }
}

/// By a closure.
#[derive(Clone)]
pub(crate) struct ByClosure(pub(crate) CyclesClient);

impl Caller for ByClosure {
    async fn call(&self) {
        let config = WithCyclesConfig::new(ESTIMATE).action("llm.completion", "gpt-4o").subject(Scope::agent("bot"));
        with_cycles(&self.0, config.ttl(TTL), |_| async { Ok(((), ACTUAL)) }).await.expect("a governed call");
    }
}

/// By the attribute.
#[derive(Clone)]
pub(crate) struct ByAttribute(pub(crate) CyclesClient);

#[cycles(usd!(0.02), "llm.completion", action_name = "gpt-4o", client = client, agent = user, ttl = "60s", actual = |spent| spent.clone())]
async fn governed(client: &CyclesClient, user: &str) -> Result<Amount, Error> {
    Ok(ACTUAL)
}

impl Caller for ByAttribute {
    async fn call(&self) {
        governed(&self.0, "bot").await.expect("a governed call");
    }
}

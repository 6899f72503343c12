//! Calls that end long before their leases, at a server that grants short ones.

use std::net::SocketAddr;
use std::time::Duration;

use runcycles::{CyclesClient, JournalConfig, Scope, WithCyclesConfig, usd, with_cycles};
use tokio::task::JoinSet;

use super::placement::Placement;
use crate::load::{Arithmetic, Server, Told};

const TASKS: u32 = 64;
const CALLS_OF_EACH: u32 = 16;

/// How many extensions each call asks for.
pub(crate) fn extensions(arithmetic: Arithmetic) -> f64 {
    let server = Server::start(Placement::Split.server(), arithmetic);
    let status = Placement::Split.client().args(["as", "short-calls", &server.addr.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "a client failed");
    Told::by(server.addr).extensions as f64 / f64::from(TASKS * CALLS_OF_EACH)
}

/// The client's process.
pub(crate) fn play(server: SocketAddr) {
    Placement::Split.runtime().block_on(async {
        let client = CyclesClient::builder("cyc_live_benchmark", format!("http://{server}"))
            .tenant("acme")
            .journal(JournalConfig::disabled())
            .build();
        let tasks: JoinSet<()> = (0..TASKS)
            .map(|_| {
                let client = client.clone();
                async move {
                    for _ in 0..CALLS_OF_EACH {
                        let config = WithCyclesConfig::new(usd!(0.02)).action("llm.completion", "gpt-4o");
                        let config = config.subject(Scope::agent("bot")).ttl(Duration::from_secs(10));
                        let action = async |_| {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                            Ok(((), usd!(0.013)))
                        };
                        with_cycles(&client, config, action).await.expect("a governed call");
                    }
                }
            })
            .collect();
        tasks.join_all().await;
    });
}

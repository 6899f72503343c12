//! A process that holds many guards, and what their heartbeat does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use runcycles::{CyclesClient, JournalConfig, ReservationGuard, Reserve, Scope, usd};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::placement::Placement;
use super::usage::{Usage, resident_bytes};
use crate::load::{Arithmetic, Server, Told};

/// What was seen of guards that were held.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Held {
    /// Resident bytes of each, before any beat.
    pub(crate) bytes: f64,
    /// Extensions while they were watched.
    pub(crate) extensions: f64,
    /// Processor time while they were watched, in microseconds.
    pub(crate) cpu: f64,
    /// The most connections at a time.
    pub(crate) connections: f64,
    /// Extensions in the busiest second, and in a second on average.
    pub(crate) busiest: f64,
    pub(crate) mean: f64,
    /// Leases that ended while they were held.
    pub(crate) lapsed: f64,
}

/// Holds guards in a process of its own.
pub(crate) fn hold(guards: u32, ttl: Duration, watched: Duration, arithmetic: Arithmetic) -> Held {
    let server = Server::start(Placement::Split.server(), arithmetic);
    let numbers = [u64::from(guards), ttl.as_secs(), watched.as_secs()].map(|number| number.to_string());
    let output = Placement::Split.client().args(["as", "holder"]).args(numbers).arg(server.addr.to_string()).output();
    let output = output.expect("this program, once more");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("what was seen, as JSON")
}

/// The holder's process.
pub(crate) fn play(guards: u32, ttl_seconds: u64, watched_seconds: u64, server: SocketAddr) {
    let runtime = Placement::Split.runtime();
    runtime.block_on(async {
        let client = CyclesClient::builder("cyc_live_benchmark", format!("http://{server}"))
            .tenant("acme")
            .journal(JournalConfig::disabled())
            .build();
        let ttl = Duration::from_secs(ttl_seconds);
        // Connections, and what is made only once.
        drop(reserved(&client, 256, ttl).await);
        tokio::time::sleep(Duration::from_millis(50)).await;

        let bytes = resident_bytes();
        let held = reserved(&client, guards, ttl).await;
        let bytes = (resident_bytes() - bytes) / f64::from(guards);
        let (told_before, before) = (Told::by(server), Usage::now());
        tokio::time::sleep(Duration::from_secs(watched_seconds)).await;
        let (told, used) = (Told::by(server), Usage::now() - before);
        let seconds = told.seconds_since(&told_before);
        let all = seconds.iter().sum::<u64>() as f64;
        let seen = Held {
            bytes,
            extensions: (told.extensions - told_before.extensions) as f64,
            cpu: used.cpu.as_secs_f64() * 1e6,
            // Whoever asks is on a connection of its own.
            connections: told.most_open as f64 - 1.0,
            busiest: seconds.iter().max().map_or(0.0, |most| *most as f64),
            mean: all / (told.second - told_before.second - 1).max(1) as f64,
            lapsed: told.lapsed as f64,
        };
        println!("{}", serde_json::to_string(&seen).expect("what was seen, as JSON"));
        // Giving the guards back is not what is measured.
        drop(held.into_iter().map(std::mem::forget).collect::<Vec<_>>());
    });
    std::process::exit(0);
}

/// Guards, made by as many tasks as a pool has connections for.
async fn reserved(client: &CyclesClient, guards: u32, ttl: Duration) -> Vec<ReservationGuard> {
    const TASKS: u32 = 16;
    let left = Arc::new(AtomicU32::new(guards));
    let tasks: JoinSet<Vec<ReservationGuard>> = (0..TASKS)
        .map(|_| {
            let (client, left) = (client.clone(), Arc::clone(&left));
            async move {
                let mut held = Vec::new();
                while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let reserve = Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02));
                    held.push(client.reserve(reserve.subject(Scope::agent("bot")).ttl(ttl)).await.expect("a guard"));
                }
                held
            }
        })
        .collect();
    tasks.join_all().await.into_iter().flatten().collect()
}

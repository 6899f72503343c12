//! What a guard keeps in memory while it is held.

use allocation_counter::measure;
use runcycles::{CyclesClient, JournalConfig, ReservationGuard, Reserve, Scope, usd};

use crate::load::Server;
use crate::report::{Figure, Unit};

pub(crate) fn bytes(server: &Server) -> Vec<Figure> {
    [10_000, 100_000].into_iter().flat_map(|guards| of_each(server, guards)).collect()
}

fn of_each(server: &Server, guards: u32) -> [Figure; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = CyclesClient::builder("cyc_live_benchmark", format!("http://{}", server.addr))
        .tenant("acme")
        .journal(JournalConfig::disabled())
        .build();
    let reserved = async |guards: u32| -> Vec<ReservationGuard> {
        let mut held = Vec::with_capacity(guards as usize);
        for _ in 0..guards {
            let reserve = Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02)).subject(Scope::agent("bot"));
            held.push(client.reserve(reserve).await.expect("a reservation"));
        }
        held
    };
    let mut held = runtime.block_on(reserved(8));
    let kept = measure(|| held.extend(runtime.block_on(reserved(guards))));
    // Giving them back is not what is counted.
    held.into_iter().for_each(std::mem::forget);
    let each = |value: i64| value as f64 / f64::from(guards);
    [
        Figure::count(
            format!("live guards, heap bytes of each: {guards}"),
            Unit::Bytes,
            each(kept.bytes_current).round(),
            None,
        ),
        Figure::count(
            format!("live guards, heap blocks of each: {guards}"),
            Unit::Count,
            each(kept.count_current),
            None,
        ),
    ]
}

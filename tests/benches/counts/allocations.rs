//! What a governed call allocates.

use allocation_counter::{AllocationInfo, measure};
use runcycles::{CyclesClient, Error, usd};
use runcycles_authority::Authority;
use tokio::runtime::Runtime;

use crate::load::governed::{by_attribute, by_guard, canned_client};
use crate::load::{Caller, Carrier, Journal, Kind, Measurement, Server, Way};
use crate::report::{Figure, Unit};

const CALLS: u32 = 256;

/// Counts what calls allocate once everything is there that is made only once.
struct Counted;

impl Measurement for Counted {
    type Measured = Each;

    fn measure(self, runtime: &Runtime, caller: impl Caller) -> Each {
        let calls = async |times: u32| {
            for _ in 0..times {
                caller.call().await;
            }
        };
        runtime.block_on(calls(64));
        counted(runtime, calls(CALLS))
    }
}

/// What each call allocates: how often, and how much.
#[derive(Clone, Copy)]
struct Each {
    times: f64,
    bytes: f64,
}

fn counted(runtime: &Runtime, calls: impl Future<Output = ()>) -> Each {
    // The runtime boxes what is large.
    let calls = Box::pin(calls);
    let AllocationInfo { count_total, bytes_total, .. } = measure(|| runtime.block_on(calls));
    Each { times: count_total as f64 / f64::from(CALLS), bytes: bytes_total as f64 / f64::from(CALLS) }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

pub(crate) fn over_http(server: &Server) -> Vec<Figure> {
    let of = |kind: Kind| kind.measure(server.addr, &runtime(), Counted);
    let floor = of(Kind::Floor);
    let ours = Carrier::ALL.into_iter().flat_map(|carrier| {
        let with = move |way, journal| Kind::Sdk(way, carrier, journal);
        [
            with(Way::Operations, Journal::Off),
            with(Way::Guard, Journal::Off),
            with(Way::WithCycles, Journal::Off),
            with(Way::Macro, Journal::Off),
            with(Way::Guard, Journal::PROCESS_CRASH),
            with(Way::Guard, Journal::POWER_LOSS),
        ]
    });
    let counted: Vec<_> = [Kind::Typed, Kind::Reqwest].into_iter().chain(ours).map(|kind| (kind, of(kind))).collect();
    let times = counted.iter().map(|(kind, each)| count(&format!("allocations: {kind}"), each.times, floor.times));
    let bytes = counted.iter().map(|(kind, each)| {
        Figure::count(format!("allocated bytes: {kind}"), Unit::Bytes, each.bytes.round(), Some(floor.bytes.round()))
    });
    times.chain(bytes).collect()
}

fn count(name: &str, count: f64, floor: f64) -> Figure {
    Figure::count(name, Unit::Count, count, Some(floor))
}

pub(crate) fn in_process(_: &Server) -> Vec<Figure> {
    let runtime = runtime();
    let budget = Authority::builder().budget("tenant:acme/agent:bot", usd!(90_000_000_000));
    let authority = runtime.block_on(budget.start()).expect("a valid set-up");
    let (client, canned) = (authority.client("acme"), canned_client());
    let at_authority = each(&runtime, &client, by_attribute);
    let (attribute, guard) = (each(&runtime, &canned, by_attribute), each(&runtime, &canned, by_guard));
    // Queues that grow now and then are no part of a call.
    let extra = (attribute.times - guard.times).round();
    vec![
        Figure::count("allocations: macro in process", Unit::Count, at_authority.times, None),
        Figure::count("allocations: macro over the same by hand", Unit::Count, extra, None),
        Figure::count("allocations: guard by a transport from memory", Unit::Count, guard.times, None),
        Figure::count("allocated bytes: macro in process", Unit::Bytes, at_authority.bytes.round(), None),
    ]
}

fn each(
    runtime: &Runtime,
    client: &CyclesClient,
    call: impl AsyncFn(&CyclesClient, &str) -> Result<u64, Error>,
) -> Each {
    let calls = async |times: u32| {
        for _ in 0..times {
            call(client, "bot").await.expect("a governed call");
        }
    };
    runtime.block_on(calls(64));
    counted(runtime, calls(CALLS))
}

//! What this program is in the processes that it starts of itself.

use std::net::SocketAddr;

use super::{holder, rounds, short_calls};
use crate::load::{Arithmetic, Caller, Kind, Measurement, serve};
use crate::placement::Placement;

/// Plays a role and returns true, or returns false where the arguments name none.
pub(crate) fn play(arguments: &[String]) -> bool {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["as", "server", arithmetic] => serve(Arithmetic::named(arithmetic).expect("an arithmetic")),
        ["as", "caller", kind, server, calls] => {
            let kind = Kind::named(kind).expect("a kind of caller");
            let calls = calls.parse().expect("a number");
            kind.measure(addr(server), &Placement::Split.runtime(), Only(calls));
        }
        ["as", "rounds", order] => rounds::play(order),
        ["as", "holder", guards, ttl, watched, server] => {
            let seconds = |text: &str| text.parse().expect("a number of seconds");
            holder::play(guards.parse().expect("a number"), seconds(ttl), seconds(watched), addr(server));
        }
        ["as", "short-calls", server] => short_calls::play(addr(server)),
        _ => return false,
    }
    true
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// So many calls, and nothing else.
struct Only(u32);

impl Measurement for Only {
    type Measured = ();

    fn measure(self, runtime: &tokio::runtime::Runtime, caller: impl Caller) {
        runtime.block_on(async {
            for _ in 0..self.0 {
                caller.call().await;
            }
        });
    }
}

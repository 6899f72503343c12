//! How many system calls a call makes: what twice as many calls make more.

use std::fs;
use std::path::Path;

use crate::load::{Arithmetic, Carrier, Journal, Kind, Server, Way};
use crate::placement::{Placement, this_program};
use crate::report::{Figure, Unit};

const CALLS: u32 = 300;

pub(super) fn counts(_: usize) -> Vec<Figure> {
    let server = Server::start(Placement::Split.server(), Arithmetic::Canned);
    let Some(floor) = of_each_call(Kind::Floor, &server) else {
        println!("system calls are not measured: strace is not here, or may not trace");
        return Vec::new();
    };
    let guards = Carrier::ALL.into_iter().flat_map(|carrier| {
        [Journal::Off, Journal::PROCESS_CRASH, Journal::POWER_LOSS]
            .map(|journal| Kind::Sdk(Way::Guard, carrier, journal))
    });
    [Kind::Typed, Kind::Reqwest]
        .into_iter()
        .chain(guards)
        .filter_map(|kind| {
            let calls = of_each_call(kind, &server)?;
            Some(Figure::count(format!("system calls: {kind}"), Unit::Count, calls, Some(floor)))
        })
        .collect()
}

fn of_each_call(kind: Kind, server: &Server) -> Option<f64> {
    let once = of_all_calls(kind, server, CALLS)?;
    let twice = of_all_calls(kind, server, 2 * CALLS)?;
    Some((twice - once) / f64::from(CALLS))
}

fn of_all_calls(kind: Kind, server: &Server, calls: u32) -> Option<f64> {
    let summary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("system-calls-{}", std::process::id()));
    let this_program = this_program();
    let mut traced = std::process::Command::new("strace");
    traced.args(["-f", "-c", "-o"]).arg(&summary).arg(this_program.get_program());
    traced.args(["as", "caller", &kind.to_string(), &server.addr.to_string(), &calls.to_string()]);
    if !traced.status().ok()?.success() {
        return None;
    }
    let text = fs::read_to_string(&summary).ok()?;
    drop(fs::remove_file(&summary));
    // The last line has the sum: share, seconds, microseconds of each, calls, errors if there were any, "total".
    text.lines().rev().find(|line| line.ends_with("total"))?.split_whitespace().nth(3)?.parse().ok()
}

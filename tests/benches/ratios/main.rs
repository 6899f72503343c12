//! What a governed call costs, beside the barest client in the same run.
//!
//! `cargo bench -p runcycles-tests --bench ratios` measures everything and prints a table; `-- --suite NAME` measures one subject,
//! `-- --check` compares with what `-- --record` kept. Clients and servers are processes of this program, started anew for each
//! subject and kept on their processors where `taskset` is there.

#![expect(clippy::cast_precision_loss, reason = "what is counted here stays far below 2^52")]

#[path = "../load/mod.rs"]
mod load;
#[path = "../report/mod.rs"]
mod report;

mod holder;
mod placement;
mod role;
mod rounds;
mod sample;
mod short_calls;
mod suite;
mod usage;

use std::process::ExitCode;

use self::report::{Options, conclude};
use self::suite::SUITES;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if role::play(&arguments) {
        return ExitCode::SUCCESS;
    }
    let options = match Options::read(arguments, &SUITES.map(|(name, _)| name)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    if !placement::can_pin() {
        eprintln!("processes are not kept on their processors: taskset is not here, or there is only one");
    }
    let wanted = SUITES.into_iter().filter(|(name, _)| options.wants(name));
    let figures: Vec<_> = wanted.flat_map(|(_, measure)| measure(options.rounds)).collect();
    if conclude("ratios", &options, &figures) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

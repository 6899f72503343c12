//! What a governed call and a guard allocate.
//!
//! `cargo bench -p runcycles-tests --bench counts`. A counting allocator is in the place of the usual one here, which would distort
//! times; counts are the same each time. Servers are processes of this program.

#![expect(clippy::cast_precision_loss, reason = "what is counted here stays far below 2^52")]

#[expect(dead_code, unused_imports, reason = "what only times need")]
#[path = "../load/mod.rs"]
mod load;
#[expect(dead_code, unused_imports, reason = "what only times need")]
#[path = "../report/mod.rs"]
mod report;

mod allocations;
mod held;

use std::process::{Command, ExitCode};

use self::load::{Arithmetic, Server, serve};
use self::report::{Figure, Options, conclude};

/// A subject: its name on the command line, and what counts it.
type Suite = (&'static str, fn(&Server) -> Vec<Figure>);

const SUITES: [Suite; 3] =
    [("allocations", allocations::over_http), ("in-process", allocations::in_process), ("guards", held::bytes)];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let ["as", "server", arithmetic] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        serve(Arithmetic::named(arithmetic).expect("an arithmetic"));
        return ExitCode::SUCCESS;
    }
    let options = match Options::read(arguments, &SUITES.map(|(name, _)| name)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let this_program = Command::new(std::env::current_exe().expect("this program's path"));
    let server = Server::start(this_program, Arithmetic::Canned);
    let wanted = SUITES.into_iter().filter(|(name, _)| options.wants(name));
    let figures: Vec<_> = wanted.flat_map(|(_, count)| count(&server)).collect();
    if conclude("counts", &options, &figures) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! Looks at a Cycles server, works out what calls cost, and applies budgets.

mod apply;
mod arguments;
mod budget;
mod calc;
mod counters;
mod frame;
mod lists;
mod server;
mod table;
#[expect(unreachable_pub, reason = "the examples, which are another crate, have it too")]
mod terminal;
mod top;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use self::arguments::{Arguments, Command};
use self::terminal::chain;

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(run(Arguments::parse().command)).await {
        // Where nobody reads any more, as after `| head`, nobody misses the rest.
        Ok(text) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<String, Box<dyn Error>> {
    match command {
        Command::Top(told) => top::top(told).await,
        Command::Balances(told) => lists::balances(told).await,
        Command::Reservations(told) => lists::reservations(told).await,
        Command::Calc(told) => calc::calc(&told),
        Command::Apply(told) => apply::apply(told).await,
    }
}

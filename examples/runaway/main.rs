//! The runaway agent: the same agent with the same bug, once without a budget and once with one.
//!
//! `cargo run --example runaway`, with nothing else installed; `-- --fast` for those in a hurry.

pub(crate) mod act;
mod agent;
mod dollars;
mod model;
mod progress;
pub(crate) mod report;
pub(crate) mod view;

use std::process::ExitCode;

use runcycles::{CyclesClient, Mode, Scope, usd};
use runcycles_examples::{Acts, Arguments, Panel, Screen, Style, World, chain};

use self::act::{Outcome, Pace, Stop, act};
use self::view::Viewer;

/// Every level that the agent acts in has a budget of a dollar.
pub(crate) const SCOPES: [&str; 5] = [
    "tenant:demo-tenant",
    "tenant:demo-tenant/workspace:default",
    "tenant:demo-tenant/workspace:default/app:default",
    "tenant:demo-tenant/workspace:default/app:default/workflow:default",
    "tenant:demo-tenant/workspace:default/app:default/workflow:default/agent:support-bot",
];

/// A client of the agent in these scopes.
pub(crate) fn agent_of(client: CyclesClient) -> CyclesClient {
    client.scoped(Scope::workspace("default").app("default").workflow("default").agent("support-bot"))
}

const HELP: &str = "\
An agent with a bug spends money in a circle: once without a budget, once with one.

cargo run --example runaway -- [OPTIONS]

  --mode MODE       unguarded, guarded, or both (default)
  --fast            a model that answers in 11 ms in place of 50, and 12 s of patience in place of 30
  --plain           lines in place of panels, as where the output is no terminal
  --json            nothing but a summary for scripts
  --seed NUMBER     for the evaluator's scores (default 4782)
  --authority URL   an authority of your own, whose operator's key is in CYCLES_ADMIN_KEY
  --help            this
";

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)) {
        Ok(told) if told.wants_help => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(told) => match Box::pin(perform(told)).await {
            Ok(code) => code,
            Err(error) => {
                eprintln!("error: {}", chain(&*error));
                ExitCode::FAILURE
            }
        },
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

async fn perform(told: Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let world = Box::pin(World::open(told.authority.as_deref(), &SCOPES.map(|scope| (scope, usd!(1))))).await?;
    let pace = if told.is_fast { Pace::FAST } else { Pace::NORMAL };
    let acts = match told.acts {
        Acts::Unguarded => &[Mode::Off][..],
        Acts::Guarded => &[Mode::Enforce],
        Acts::Both => &[Mode::Off, Mode::Enforce],
    };

    let mut outcomes = Vec::new();
    for mode in acts {
        if !outcomes.is_empty() && !told.is_json {
            println!();
        }
        let mut viewer = viewer(&told);
        let outcome = Box::pin(act(&agent_of(world.client(*mode)?), pace, told.seed, &mut viewer)).await;
        if !told.is_json {
            tell(&report::last_panel(&outcome), &viewer);
        }
        let is_over = matches!(outcome.stop, Stop::Interrupt | Stop::Failure(_));
        outcomes.push(outcome);
        if is_over {
            break;
        }
    }
    world.close().await?;

    let of = |is_guarded: bool| outcomes.iter().find(|outcome| outcome.is_guarded == is_guarded);
    if told.is_json {
        let summary =
            serde_json::json!({ "unguarded": of(false).map(report::json), "guarded": of(true).map(report::json) });
        println!("{summary:#}");
    } else if let (Some(unguarded), Some(guarded)) = (of(false), of(true)) {
        tell(&report::card(unguarded, guarded), &viewer(&told));
    }
    Ok(exit_code(outcomes.last()))
}

/// As shells have it: 130 after Ctrl-C.
fn exit_code(last: Option<&Outcome>) -> ExitCode {
    match last.map(|outcome| &outcome.stop) {
        Some(Stop::Interrupt) => ExitCode::from(130),
        Some(Stop::Failure(_)) => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn viewer(told: &Arguments) -> Viewer {
    if told.is_json {
        Viewer::Nobody
    } else if told.is_live() {
        Viewer::Live(Screen::begin(), Style::of_stdout())
    } else {
        Viewer::Lines(0)
    }
}

fn tell(panel: &Panel, viewer: &Viewer) {
    println!();
    for line in panel.render(viewer.width(), viewer.style()) {
        println!("{line}");
    }
}

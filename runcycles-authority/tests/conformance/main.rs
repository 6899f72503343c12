//! The conformance kit against the authority, and against faults planted in its answers.

mod configurations;
mod faults;
mod faulty;
mod program;
mod restarting;
mod targets;

use runcycles_authority::conformance::{self, Options, Report, Target};
use runcycles_authority::{Authority, ManualClock};

/// An authority of its own, whose time the checks move.
async fn authority() -> (Authority, ManualClock) {
    let clock = ManualClock::new();
    let authority = Authority::builder().clock(clock.clone()).start().await.expect("an authority without budgets");
    (authority, clock)
}

async fn run(target: &Target, options: Options) -> Report {
    conformance::run(target, options).await.expect("a server that can be provisioned")
}

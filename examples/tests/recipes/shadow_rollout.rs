//! The numbers of a budget that is tried before it is enforced.

#[path = "../../shadow_rollout.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use runcycles::usd;

use self::example::{Numbers, Trial, story};
use super::Outcome;

#[tokio::test]
async fn a_metered_trial_reports_what_enforcement_then_does() -> Outcome {
    let told = story().await?;
    let dry_run = "0 calls would have been denied (stateless dry run: balances never move; use shadow_metered).";
    let metered = "23 calls would have been denied. Peak overage: $47.30.";
    let expected = Numbers {
        dry_run: Trial { headline: dry_run.to_owned(), tasks: 73, spent: Some(usd!(0)) },
        metered: Trial { headline: metered.to_owned(), tasks: 73, spent: Some(usd!(100)) },
        tasks_without_authority: 73,
        tasks_enforced: 50,
    };
    assert_eq!(told, expected);
    Ok(())
}

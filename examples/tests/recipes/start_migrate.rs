//! The numbers of a program that gets budgets while it runs.

#[path = "../../start_migrate.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_trial_stops_nobody_and_enforcement_stops_the_one_who_does_not_stop() -> Outcome {
    let Numbers { answers_in_trial, denied_in_trial, percent_of_estimate, answers } = story().await?;
    // Ben's dollar has room for a call that may cost three cents until 49 have cost two.
    assert_eq!((answers_in_trial, denied_in_trial), (100, 31));
    assert_eq!(percent_of_estimate, Some(66));
    assert_eq!(answers, [20, 49]);
    Ok(())
}

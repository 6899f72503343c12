//! The numbers of budgets for tiers of models.

#[path = "../../model_tiers.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_tier_that_is_used_up_leaves_the_others_alone() -> Outcome {
    let Numbers { calls_of_tiers, tiers_are_apart, unknown_model_is_refused, calls } = story().await?;
    assert_eq!(calls_of_tiers, [25, 100, 250]);
    assert!(tiers_are_apart && unknown_model_is_refused);
    assert_eq!((calls.of("gpt-4o"), calls.of("mystery"), calls.total()), (25, 0, 375));
    Ok(())
}

//! The numbers of a policy for runs.

#[path = "../../run_policy.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_run_ends_by_its_steps_or_by_its_credits() -> Outcome {
    let Numbers { frugal, frugal_left, dear, dear_left, calls } = story().await?;
    assert_eq!((frugal, frugal_left.as_deref()), ((9, 1), Some("85 credits")));
    assert_eq!((dear.0 + dear.1, dear_left.as_deref()), (8, Some("20 credits")));
    assert_eq!(calls.total(), 18);
    Ok(())
}

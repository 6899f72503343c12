//! The numbers of a start with one agent.

#[path = "../../start_single.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn an_agent_finishes_with_the_small_model() -> Outcome {
    let Numbers { full, reduced, left, calls } = story().await?;
    assert_eq!((full, reduced, left.as_deref()), (8, 20, Some("$0.00")));
    assert_eq!((calls.of("gpt-4o"), calls.of("gpt-4o-mini")), (8, 20));
    Ok(())
}

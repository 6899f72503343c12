//! The numbers of patterns together.

#[path = "../../combined_patterns.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Ending, Numbers, story};
use super::Outcome;

#[tokio::test]
async fn each_run_is_stopped_by_the_scope_that_binds_it_and_a_trial_by_none() -> Outcome {
    let Numbers { review, research, chat, trial, calls } = story().await?;
    let ending = |full, lesser, denied_by: &str| Ending { full, lesser, denied_by: Some(denied_by.to_owned()) };
    assert_eq!(chat, ending(50, 0, "tenant:customer-a/workflow:chat/agent:session-1"));
    assert_eq!(review, ending(3, 1, "tenant:customer-a/workflow:code-review/agent:pr-7"));
    assert_eq!(research, ending(16, 2, "tenant:customer-b"));
    assert_eq!(trial, Ending { full: 100, lesser: 0, denied_by: None });
    assert_eq!(calls.total(), 50 + 4 + 18 + 100);
    Ok(())
}

//! The numbers of a budget for every conversation.

#[path = "../../conversations.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn the_26th_reply_of_a_conversation_is_denied_and_one_that_never_began_is_refused() -> Outcome {
    let Numbers { replies, fresh_one_goes_on, unknown_one_is_refused, calls } = story().await?;
    assert_eq!(replies, 25);
    assert!(fresh_one_goes_on && unknown_one_is_refused);
    assert_eq!(calls.total(), 26);
    Ok(())
}

//! The numbers of a research run that degrades.

#[path = "../../research_ladder.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_run_of_ten_dollars_goes_from_opus_to_sonnet_to_the_cache() -> Outcome {
    let Numbers { by_ladder, by_headroom, full, left, calls } = story().await?;
    let expected = ["opus", "opus", "opus", "sonnet", "sonnet", "sonnet", "sonnet", "cache"];
    assert_eq!(by_ladder, expected);
    assert_eq!(by_headroom, expected);
    assert_eq!(full, 3);
    assert_eq!(left, [Some("$0.80".to_owned()), Some("$0.80".to_owned())]);
    assert_eq!((calls.of("opus"), calls.of("sonnet"), calls.total()), (6, 8, 14));
    Ok(())
}

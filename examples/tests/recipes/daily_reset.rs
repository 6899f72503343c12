//! The numbers of a new day.

#[path = "../../daily_reset.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use runcycles::usd;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_new_size_is_no_new_day_and_a_new_day_comes_once_for_everybody() -> Outcome {
    let Numbers { answers, after_resize, spent_at_dawn, spent_by_noon, calls } = story().await?;
    assert_eq!((answers, after_resize), (250, 0));
    assert_eq!(spent_at_dawn, [usd!(0), usd!(0), usd!(0)]);
    assert_eq!(spent_by_noon, [usd!(0.02), usd!(0.02)]);
    assert_eq!(calls.total(), 253);
    Ok(())
}

//! The numbers of a start with teams.

#[path = "../../start_platform.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn urgent_work_runs_when_the_rest_waits() -> Outcome {
    let Numbers { engineering, support_goes_on, left, calls } = story().await?;
    assert_eq!(engineering, [30, 20, 25, 15, 10]);
    assert!(support_goes_on);
    assert_eq!(left.as_deref(), Some("$0.00"));
    assert_eq!((calls.of("build"), calls.of("sort the mail")), (100, 1));
    Ok(())
}

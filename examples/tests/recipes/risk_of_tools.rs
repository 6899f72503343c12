//! The numbers of points of risk.

#[path = "../../risk_of_tools.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn two_writes_pass_the_third_is_denied_and_reading_goes_on() -> Outcome {
    let Numbers { writes, reading_goes_on, searching_goes_on, calls } = story().await?;
    assert_eq!(writes, 2);
    assert!(reading_goes_on && searching_goes_on);
    assert_eq!((calls.of("crm.read"), calls.of("crm.write"), calls.of("web.search")), (2, 2, 1));
    Ok(())
}

//! Which tiers run at each level of a pool.

#[path = "../../priority_tiers.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn each_tier_waits_at_its_floor_and_below() -> Outcome {
    let Numbers { matrix, message, reserved, calls } = story().await?;
    let [all, but_bulk, upper, urgent, critical] =
        [5, 4, 3, 2, 1].map(|count| std::array::from_fn(|tier| tier < count));
    let expected: [(u64, [bool; 5]); 12] = [
        (100, all),
        (71, all),
        (70, but_bulk),
        (51, but_bulk),
        (50, upper),
        (40, upper),
        (26, upper),
        (25, urgent),
        (11, urgent),
        (10, critical),
        (1, critical),
        (0, [false; 5]),
    ];
    assert_eq!(matrix, expected);
    let pool = "tenant:acme-corp/workspace:engineering";
    assert_eq!(message, format!("budget exceeded: {pool} is at 40 %, and the tier bulk leaves 70 % of it to others"));
    assert_eq!(reserved.as_deref(), Some("$0.00"), "a task that waits holds nothing");
    assert_eq!(calls.of("triage"), 33);
    Ok(())
}

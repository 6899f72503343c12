//! The numbers of a budget as a value.

#[path = "../../budget_handle.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_budget_tells_what_is_left_and_runs_what_fits() -> Outcome {
    let Numbers { limit, remaining, runs, next_month, report, calls } = story().await?;
    assert_eq!(limit.as_deref(), Some("$5.00"));
    assert_eq!(remaining, ["$5.00", "$4.60"]);
    assert_eq!((runs, next_month.as_str()), (11, "$5.00"));
    assert!(report.starts_with("2 calls would have been denied. Peak overage: $0.60."), "{report}");
    assert_eq!(calls.total(), 1 + 11 + 4);
    Ok(())
}

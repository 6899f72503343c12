//! The numbers of a start with customers.

#[path = "../../start_saas.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_limit_stops_one_customer_and_only_counts_for_the_new_one() -> Outcome {
    let Numbers { limited, in_shadow, report, calls } = story().await?;
    assert_eq!((limited, in_shadow), (20, 30));
    assert!(report.starts_with("10 calls would have been denied. Peak overage: $5.00."), "{report}");
    assert_eq!(calls.total(), 50);
    Ok(())
}

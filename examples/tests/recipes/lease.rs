//! The numbers of a lease.

use runcycles::usd;

#[path = "../../lease.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_lease_saves_most_requests_and_stops_at_the_same_limit() -> Outcome {
    let Numbers { one_by_one, leased, stats, calls } = story().await?;
    assert_eq!((one_by_one.pages, one_by_one.requests, &one_by_one.spent), (499, 2 * 499 + 1, &usd!(0.998)));
    assert_eq!((leased.pages, &leased.spent), (499, &usd!(0.998)));
    assert!(leased.requests < 100, "{} requests", leased.requests);
    assert!(stats.settled > 450 && stats.chunks >= 19, "{stats:?}");
    assert_eq!(calls.total(), 2 * 499);
    Ok(())
}

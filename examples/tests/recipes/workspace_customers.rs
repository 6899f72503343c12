//! The numbers of customers with workspaces.

#[path = "../../workspace_customers.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_customer_is_held_to_their_workspace_and_cannot_reach_beyond_it() -> Outcome {
    let Numbers { served, others_go_on, forged, forged_requests, calls } = story().await?;
    assert_eq!((served, others_go_on), (25, true));
    assert!(forged.contains("workspace") && forged.contains("customer-a/agent:attacker"), "{forged}");
    assert_eq!((forged_requests, calls.total()), (0, 26));
    Ok(())
}

//! The numbers of a tenant for each customer.

#[path = "../../tenant_per_customer.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_customer_that_has_used_up_its_budget_stops_alone() -> Outcome {
    let Numbers { runs, denied_by, others_go_on, mixed_up, clients, calls } = story().await?;
    assert_eq!((runs, denied_by.as_deref()), (1_250, Some("tenant:customer-a")));
    assert!(others_go_on);
    assert!(
        mixed_up.starts_with("invalid subject.tenant: found \"customer-b\", expected \"customer-a\""),
        "{mixed_up}"
    );
    assert_eq!(clients, 2);
    assert_eq!(calls.total(), 1_251, "neither the denied run nor the mistake reached the model");
    Ok(())
}

//! The numbers of tenant, workflow and run.

#[path = "../../run_budgets.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use runcycles::models::ListReservationsParams;

use self::example::{Numbers, authority, reported_step, story};
use super::Outcome;

#[tokio::test]
async fn a_run_is_stopped_by_its_own_cap_and_a_dimension_stops_nothing() -> Outcome {
    let told = story().await?;
    let Numbers { steps_without_a_cap, steps, denied_by, left, sibling_goes_on, steps_by_dimension, calls } = told;
    assert_eq!(steps_without_a_cap, 1_000);
    assert_eq!((steps, denied_by.as_str()), (25, "tenant:acme/workflow:refund-assistant/agent:case-4711"));
    assert_eq!(left, [Some("9,750 credits".to_owned()), Some("1,750 credits".to_owned())]);
    assert!(sibling_goes_on);
    // All that was left of the workflow: 2,000 less 250 of one case and 10 of the other.
    assert_eq!(steps_by_dimension, 174);
    assert_eq!((calls.of("anything"), calls.of("refund")), (1_000, 200));
    Ok(())
}

#[tokio::test]
async fn a_dimension_is_told_to_whoever_reads_reservations() -> Outcome {
    let client = authority().await?.client("acme");
    client.run(reported_step("case-4713")).await?;
    let listed = client.list_reservations(&ListReservationsParams::new()).await?.reservations;
    let reservation = client.get_reservation(&listed[0].reservation_id).await?;
    assert_eq!(reservation.subject.dimensions.get("run").map(String::as_str), Some("case-4713"));
    Ok(())
}

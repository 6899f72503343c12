//! The numbers of caps for the runs of workflows.

#[path = "../../workflow_caps.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn each_run_stops_at_the_cap_of_its_workflow() -> Outcome {
    let Numbers { steps, another_review, unknown, calls } = story().await?;
    let steps: Vec<_> = steps.into_iter().collect();
    assert_eq!(steps, [("chat", 10), ("code-review", 20), ("deep-research", 250), ("summarization", 50)]);
    assert_eq!(another_review, 20);
    assert!(
        unknown.starts_with("invalid workflow: found \"translation\", expected a workflow with a cap"),
        "{unknown}"
    );
    assert_eq!(calls.total(), 350);
    Ok(())
}

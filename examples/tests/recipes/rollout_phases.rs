//! The numbers of budgets that are introduced level after level.

#[path = "../../rollout_phases.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use self::example::{Numbers, Phase, story};
use super::Outcome;

#[tokio::test]
async fn each_phase_adds_budgets_once_and_caps_more_closely() -> Outcome {
    let Numbers { phases, calls } = story().await?;
    let phase = |created, budgets, steps, denied_by: Option<&str>| Phase {
        created: [created, 0],
        budgets,
        steps,
        denied_by: denied_by.map(str::to_owned),
    };
    let expected = [
        phase(1, 1, 10, None),
        phase(2, 3, 4, Some("tenant:acme/workflow:research/agent:run-1")),
        phase(2, 5, 6, Some("tenant:acme/workflow:research")),
    ];
    assert_eq!(phases, expected);
    assert_eq!(calls.of("research"), 20);
    Ok(())
}

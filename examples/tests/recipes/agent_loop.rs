//! The numbers of a budget for every run.

#[path = "../../agent_loop.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use runcycles::{Error, Scope, usd};
use runcycles_authority::Authority;

use self::example::{Numbers, step, story};
use super::Outcome;

#[tokio::test]
async fn a_run_stops_after_a_hundred_steps_however_it_is_named() -> Outcome {
    let Numbers { by_argument, by_scope } = story().await?;
    for (ended, calls) in [by_argument, by_scope] {
        assert_eq!(ended, "Agent stopped: budget limit for this run reached.");
        assert_eq!(calls.total(), 100);
    }
    Ok(())
}

#[tokio::test]
async fn a_task_that_carries_nothing_along_has_no_client_and_does_not_run() -> Outcome {
    let authority = Authority::builder().budget("tenant:acme-corp/workflow:run", usd!(2)).start().await?;
    let run = authority.client("acme-corp").scoped(Scope::workflow("run"));
    let lost = run.run(async { tokio::spawn(step("alone")).await }).await?;
    assert!(matches!(lost, Err(Error::Config(_))), "{lost:?}");
    Ok(())
}

//! What the desk does while something is broken. Time is paused, so that hours pass at once.

use std::time::Duration;

use agent_with_tests::AgentError;
use runcycles::usd;
use runcycles_authority::testing::StatusCode;
use runcycles_authority::{Call, Fault};
use tokio::time::Instant;

use crate::world::{Outcome, World, ticket};

#[tokio::test(start_paused = true)]
async fn nothing_runs_while_the_authority_cannot_be_reached() -> Outcome {
    let world = World::new().await?;
    // The client asks once more before it gives up.
    for _ in 0..2 {
        world.authority.inject_on(Call::Reserve, Fault::DropConnection);
    }

    let error = world.desk.answer(&ticket("t-1")).await.expect_err("no authority");

    assert!(matches!(&error, AgentError::Cycles(error) if error.is_unavailable()), "{error:?}");
    assert!(world.model.asked().is_empty());
    world.authority.assert_spent("tenant:acme", usd!(0));
    world.finish().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_paid_for_once_though_the_authority_crashes_at_the_commit() -> Outcome {
    let world = World::new().await?;
    world.authority.inject_on(Call::Commit, Fault::LoseResponse);
    world.authority.inject_on(Call::Commit, Fault::DropConnection);
    world.authority.inject_on(Call::Commit, Fault::Status(StatusCode::SERVICE_UNAVAILABLE));

    let answer = world.desk.answer(&ticket("t-1")).await?;
    world.finish().await;

    assert_eq!(answer.text, "It is on its way.");
    world.authority.assert_spent("tenant:acme", usd!(0.00035));
    let commits = world.authority.calls().of(Call::Commit);
    commits.assert_count(1);
    assert_eq!(commits[0].attempts, 4, "{commits}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_model_that_stalls_is_given_up_after_a_minute_and_its_hold_returned() -> Outcome {
    let world = World::new().await?;
    world.model.stall();
    let start = Instant::now();

    let error = world.desk.answer(&ticket("t-1")).await.expect_err("no answer");

    assert!(matches!(error, AgentError::Timeout), "{error:?}");
    assert_eq!(start.elapsed(), Duration::from_secs(60));
    world.finish().await;
    Ok(())
}

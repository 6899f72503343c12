//! What the desk does at the end of a budget.

use agent_with_tests::AgentError;
use runcycles::{Error, usd};
use runcycles_authority::testing::{ScriptedStream, collect};

use crate::world::{Outcome, World, ticket};

#[tokio::test]
async fn a_ticket_ends_with_its_own_budget_and_no_other_does() -> Outcome {
    let world = World::with(|builder| builder.budget("tenant:acme/workflow:t-1", usd!(0.01))).await?;

    let answers = world.desk.work(&ticket("t-1")).await?;
    let other = world.desk.answer(&ticket("t-2")).await;

    // Each costs $0.00035, and is asked for while $0.008025 are left.
    assert_eq!(answers.len(), 6);
    assert!(other.is_ok());
    world.authority.assert_spent("tenant:acme/workflow:t-1", usd!(0.0021));
    world.authority.assert_spent("tenant:acme", usd!(0.00245));
    world.authority.calls().at("tenant:acme/workflow:t-1").denied().assert_count(1);
    world.finish().await;
    Ok(())
}

#[tokio::test]
async fn a_stream_is_cut_where_its_budget_ends_and_let_go_of() -> Outcome {
    let world = World::with(|builder| builder.budget("tenant:acme/workflow:t-1", usd!(0.0001))).await?;
    let watch = world.model.will_stream(ScriptedStream::of(vec!["word".to_owned(); 1_000]));

    let heard = collect(world.desk.explain(&ticket("t-1"))).await;

    assert!(matches!(heard.last(), Some(Err(AgentError::Cycles(Error::StreamCut(_))))), "{:?}", heard.last());
    assert_eq!(heard.len(), 11, "ten words, and why there are no more");
    assert!(watch.is_dropped() && !watch.is_finished(), "the provider is not left talking");
    world.finish().await;
    world.authority.assert_spent("tenant:acme/workflow:t-1", usd!(0.0001));
    Ok(())
}

#[tokio::test]
async fn a_stream_that_breaks_is_paid_for_as_far_as_it_came() -> Outcome {
    let world = World::new().await?;
    let broken = AgentError::Model("connection reset".to_owned());
    world.model.will_stream(ScriptedStream::of(["It".to_owned(), "is".to_owned()]).error(broken));

    let heard = collect(world.desk.explain(&ticket("t-1"))).await;

    assert!(matches!(heard.last(), Some(Err(AgentError::Model(_)))));
    world.finish().await;
    world.authority.assert_spent("tenant:acme", usd!(0.00002));
    Ok(())
}

#[tokio::test]
async fn desks_of_two_tests_know_nothing_of_each_other() -> Outcome {
    let (one, two) = (World::new().await?, World::new().await?);
    let (first, second) = (ticket("t-1"), ticket("t-2"));

    let (a, b, c) = tokio::join!(one.desk.answer(&first), two.desk.answer(&first), two.desk.answer(&second));

    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    one.authority.assert_spent("tenant:acme", usd!(0.00035));
    two.authority.assert_spent("tenant:acme", usd!(0.0007));
    one.authority.calls().at("tenant:acme/workflow:t-2").assert_count(0);
    Ok(())
}

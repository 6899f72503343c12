//! What the desk makes of what it is told.

use agent_with_tests::{LARGE, SMALL};
use runcycles::models::Caps;
use runcycles::{Scope, usd};
use runcycles_authority::testing::Ruling;

use crate::world::{Outcome, World, ticket};

#[tokio::test]
async fn an_answer_costs_what_the_model_used_to_the_microcent() -> Outcome {
    let world = World::new().await?;

    let answer = world.desk.answer(&ticket("t-1")).await?;

    assert_eq!((answer.model.as_str(), answer.cost), (LARGE, usd!(0.00035)));
    world.authority.assert_reserved(Scope::tenant("acme").workflow("t-1").agent("desk"), usd!(0.008025));
    world.authority.assert_spent("tenant:acme", usd!(0.00035));
    world.authority.assert_calls("llm.completion", 1);
    world.finish().await;
    Ok(())
}

#[tokio::test]
async fn the_small_model_answers_where_the_large_one_is_denied() -> Outcome {
    let world = World::new().await?;
    world.authority.rule(Ruling::deny().kind("llm.completion").name(LARGE).times(1));

    let answer = world.desk.answer(&ticket("t-1")).await?;

    assert_eq!(answer.model, SMALL);
    assert_eq!(world.model.asked(), [(SMALL.to_owned(), 800)], "the large model was never asked");
    world.authority.assert_denied(1);
    world.finish().await;
    Ok(())
}

#[tokio::test]
async fn an_answer_is_as_short_as_the_caps_say() -> Outcome {
    let world = World::new().await?;
    let mut caps = Caps::new();
    caps.max_tokens = Some(200);
    world.authority.rule(Ruling::caps(caps).name(LARGE));

    world.desk.answer(&ticket("t-1")).await?;

    assert_eq!(world.model.asked(), [(LARGE.to_owned(), 200)]);
    world.finish().await;
    Ok(())
}

#[tokio::test]
async fn no_other_model_answers_once_an_operator_has_frozen_the_budget() -> Outcome {
    let world = World::new().await?;
    world.authority.rule(Ruling::freeze("tenant:acme").after(1));

    world.desk.answer(&ticket("t-1")).await?;
    let error = world.desk.answer(&ticket("t-2")).await.expect_err("a frozen budget");

    assert!(runcycles::denial(&error).is_some_and(runcycles::Error::is_blocked), "{error:?}");
    assert_eq!(world.model.asked().len(), 1);
    world.authority.calls().at("tenant:acme/workflow:t-2").allowed().assert_count(0);
    world.finish().await;
    Ok(())
}

#[tokio::test]
async fn a_mail_is_not_sent_where_mails_are_denied() -> Outcome {
    let world = World::new().await?;
    world.authority.rule(Ruling::deny().kind("email.send"));
    let answer = world.desk.answer(&ticket("t-1")).await?;

    let sent = world.desk.send(&ticket("t-1"), &answer, async |_text: &str| panic!("no mail may be sent")).await;

    assert!(sent.expect_err("a denial").is_budget_exceeded());
    world.authority.assert_never_ran("email.send");
    world.authority.assert_calls("email.send", 1);
    world.finish().await;
    Ok(())
}

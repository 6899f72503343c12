//! The numbers of gradual degradation.

#[path = "../../degradation.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use runcycles::{Error, Reserve, Scope, usd};
use runcycles_examples::count_calls;

use self::example::{Numbers, PREMIUM, answer, authority, story};
use super::Outcome;

#[tokio::test]
async fn twelve_premium_answers_then_two_hundred_cheap_ones_then_the_truth() -> Outcome {
    let Numbers { last_words, spent, calls } = story().await?;
    assert_eq!((calls.of("gpt-4o"), calls.of("gpt-4o-mini")), (12, 200));
    assert_eq!(last_words, "All budgets exhausted. Please try again later.");
    assert_eq!(spent, Some(usd!(1)));
    Ok(())
}

#[tokio::test]
async fn a_frozen_budget_is_not_answered_by_a_cheaper_model() -> Outcome {
    let authority = authority().await?;
    authority.freeze(PREMIUM)?;
    let client = authority.client("acme-corp").scoped(Scope::app("chatbot"));
    let (stopped, calls) = count_calls(client.run(answer("why?"))).await;
    assert!(matches!(stopped, Err(Error::Blocked { .. })), "{stopped:?}");
    assert_eq!(calls.total(), 0);
    Ok(())
}

#[tokio::test]
async fn a_budget_over_its_limit_is_answered_by_a_cheaper_model() -> Outcome {
    let authority = authority().await?;
    let client = authority.client("acme-corp").scoped(Scope::app("chatbot"));
    let reserve = Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.05)).subject(Scope::toolset("premium"));
    client.reserve(reserve).await?.commit(usd!(0.70)).await?;
    assert!(authority.ledger(PREMIUM).is_some_and(|ledger| ledger.is_over_limit));

    let (reply, calls) = count_calls(client.run(answer("why?"))).await;
    reply?;
    assert_eq!((calls.of("gpt-4o"), calls.of("gpt-4o-mini")), (0, 1));
    Ok(())
}

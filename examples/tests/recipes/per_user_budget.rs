//! The numbers of a budget for every user.

#[path = "../../per_user_budget.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use runcycles::{Error, cycles, usd};
use runcycles_authority::Authority;

use self::example::{Numbers, chat, story};
use super::Outcome;

#[tokio::test]
async fn the_251st_call_of_a_user_is_denied_and_nobody_else_notices() -> Outcome {
    let Numbers { answers, spent, others_go_on, strangers_are_refused, calls } = story().await?;
    assert_eq!((answers, spent), (250, Some(usd!(5))));
    assert!(others_go_on && strangers_are_refused);
    assert_eq!((calls.of("gpt-4o"), calls.total()), (251, 251));
    Ok(())
}

#[cycles(usd!(0.02), "llm.completion", agent = user)]
async fn ask(user: &str) -> Result<(), Error> {
    Ok(())
}

#[tokio::test]
async fn without_require_a_stranger_spends_from_the_tenant() -> Outcome {
    let authority = Authority::builder().budget("tenant:acme-corp", usd!(1)).start().await?;
    authority.client("acme-corp").run(ask("stranger")).await?;
    assert_eq!(authority.ledger("tenant:acme-corp").map(|ledger| ledger.spent), Some(usd!(0.02)));
    Ok(())
}

#[tokio::test]
async fn users_whose_names_differ_in_case_alone_are_two_users() -> Outcome {
    let builder = Authority::builder().budget("tenant:acme-corp", usd!(10));
    let authority = builder.budget("tenant:acme-corp/agent:user-123", usd!(5)).start().await?;
    let client = authority.client("acme-corp");
    client.run(chat("user-123", "hello")).await?;
    let other = client.run(chat("User-123", "hello")).await;
    assert!(matches!(other, Err(Error::UnbudgetedScope { .. })), "{other:?}");
    Ok(())
}

#[tokio::test]
async fn where_no_level_has_a_budget_nothing_is_allowed() -> Outcome {
    let authority = Authority::builder().start().await?;
    let refused = authority.client("acme-corp").run(ask("stranger")).await;
    assert!(matches!(refused, Err(Error::NoBudget { .. })), "{refused:?}");
    Ok(())
}

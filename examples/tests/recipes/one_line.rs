//! What one line sends, and which scopes it is checked against.

#[path = "../../one_line.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use runcycles::models::Level;
use runcycles::{Error, Scope, credits, cycles};
use runcycles_authority::Authority;
use runcycles_examples::{count_calls, tool};

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_call_sends_two_requests_and_a_denied_one_a_single_one() -> Outcome {
    let Numbers { answered, failed, denied, calls } = story().await?;
    assert_eq!(answered.1, ["reservations 200", "commit 200"]);
    assert_eq!(
        failed,
        ("error: there is nothing to answer".to_owned(), vec!["reservations 200".into(), "release 200".into()])
    );
    assert_eq!(denied.1, ["reservations 409"]);
    assert_eq!(calls.total(), 1);
    Ok(())
}

#[cycles(credits(10), "tool.call")]
async fn act() -> Result<(), Error> {
    tool("act").await;
    Ok(())
}

/// Every subset of the six levels with a budget, each with too little at one of them or at none.
#[tokio::test]
async fn a_call_is_allowed_where_a_level_has_a_budget_and_every_one_that_has_can_pay() -> Outcome {
    let paths: Vec<String> = (1..=Level::ALL.len())
        .map(|depth| Level::ALL[..depth].iter().map(|level| format!("{level}:x")).collect::<Vec<_>>().join("/"))
        .collect();
    let scope = || Scope::tenant("x").workspace("x").app("x").workflow("x").agent("x").toolset("x");
    for budgeted in 0..1_usize << paths.len() {
        for poor in 0..=paths.len() {
            let mut builder = Authority::builder().tenant("x");
            for (at, path) in paths.iter().enumerate().filter(|(at, _)| budgeted >> at & 1 == 1) {
                builder = builder.budget(path, credits(if at == poor { 9 } else { 10 }));
            }
            let authority = builder.start().await?;
            let (acted, calls) = count_calls(authority.client("x").scoped(scope()).run(act())).await;

            let can_pay = poor == paths.len() || budgeted >> poor & 1 == 0;
            let is_allowed = budgeted != 0 && can_pay;
            assert_eq!(
                (acted.is_ok(), calls.total()),
                (is_allowed, u64::from(is_allowed)),
                "{budgeted:b}, {poor}: {acted:?}"
            );
            for ledger in paths.iter().filter_map(|path| authority.ledger(path)) {
                let spent = credits(if is_allowed { 10 } else { 0 });
                assert_eq!((ledger.spent, ledger.reserved), (spent, credits(0)), "{}", ledger.scope);
            }
        }
    }
    Ok(())
}

//! The numbers of teams below a company.

#[path = "../../team_rollup.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use runcycles::usd;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn a_team_with_plenty_is_denied_by_the_company_and_keeps_what_it_has() -> Outcome {
    let Numbers { charged, denied_by, untouched, calls } = story().await?;
    assert_eq!(charged, [Some(usd!(0.02)), Some(usd!(0.02))]);
    assert_eq!(denied_by.as_deref(), Some("tenant:acme-corp"));
    assert_eq!(untouched, [Some("$5,000.00".to_owned()), Some("$0.00".to_owned())]);
    assert_eq!(calls.total(), 1);
    Ok(())
}

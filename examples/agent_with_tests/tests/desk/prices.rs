//! The prices that the desk goes by.

use std::time::{Duration, SystemTime};

use agent_with_tests::{LARGE, SMALL};
use runcycles_authority::testing::{FrozenPrices, Ruling};

use crate::world::{Outcome, World, ticket};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn the_prices_are_not_older_than_a_quarter() -> Outcome {
    let prices = FrozenPrices::litellm("prices-2026-11-22.json")?;
    // An example does not fail one day by itself. Yours does, by SystemTime::now().
    let release = SystemTime::UNIX_EPOCH + 20_800 * DAY;
    prices.assert_younger_than(91 * DAY, release);
    prices.assert_has([LARGE, SMALL]);
    Ok(())
}

#[tokio::test]
async fn every_model_that_is_used_has_a_price() -> Outcome {
    let world = World::new().await?;
    world.authority.rule(Ruling::deny().name(LARGE).after(1));
    world.desk.answer(&ticket("t-1")).await?;
    world.desk.answer(&ticket("t-2")).await?;

    let used = world.authority.calls().kind("llm.completion");

    assert_eq!(used.names().into_iter().collect::<Vec<_>>(), [LARGE, SMALL]);
    FrozenPrices::litellm("prices-2026-11-22.json")?.assert_has(used.names());
    world.finish().await;
    Ok(())
}

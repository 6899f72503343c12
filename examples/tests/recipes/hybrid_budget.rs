//! The numbers of a run with dollars and tokens.

#[path = "../../hybrid_budget.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcycles::{Error, cycles, tokens, usd};
use runcycles_authority::{Authority, Call, Fault};

use self::example::{Numbers, Stopped, story};
use super::Outcome;

#[tokio::test]
async fn tokens_stop_a_cheap_model_and_dollars_a_dear_one() -> Outcome {
    let Numbers { cheap, dear, calls } = story().await?;
    let text = |texts: [&str; 2]| texts.map(str::to_owned);
    let expected = Stopped {
        steps: 50,
        by: "TOKENS".to_owned(),
        spent: text(["$0.075", "500,000 tokens"]),
        left: text(["$14.925", "0 tokens"]),
        holds_nothing: true,
    };
    assert_eq!(cheap, expected);
    let expected = Stopped {
        steps: 20,
        by: "USD_MICROCENTS".to_owned(),
        spent: text(["$15.00", "200,000 tokens"]),
        left: text(["$0.00", "300,000 tokens"]),
        holds_nothing: true,
    };
    assert_eq!(dear, expected);
    assert_eq!((calls.of("gpt-4o-mini"), calls.of("claude-opus-4")), (50, 20));
    Ok(())
}

#[cycles((usd!(0.10), tokens(1_000)), "agent.step", workflow = "run")]
async fn step(bodies: &AtomicUsize) -> Result<(), Error> {
    bodies.fetch_add(1, Ordering::Relaxed);
    tokio::task::yield_now().await;
    Ok(())
}

/// What a run has in dollars is plenty; in tokens, it has room for 37 steps.
async fn room_for_37() -> Result<Authority, Box<dyn std::error::Error>> {
    let run = "tenant:acme/workflow:run";
    Ok(Authority::builder().budget(run, usd!(100)).budget(run, tokens(37_999)).start().await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_at_once_exactly_as_many_run_as_the_tight_unit_has_room_for() -> Outcome {
    let authority = room_for_37().await?;
    let client = authority.client("acme");
    let bodies: &'static AtomicUsize = Box::leak(Box::default());
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.run(step(bodies)).await.is_ok() })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        passed += usize::from(task.await?);
    }
    assert_eq!((passed, bodies.load(Ordering::Relaxed)), (37, 37));
    client.flush(Duration::from_secs(5)).await;
    authority.assert_settled();
    let spent: Vec<_> = authority.ledgers("tenant:acme/workflow:run").into_iter().map(|ledger| ledger.spent).collect();
    assert_eq!(spent, [usd!(3.70), tokens(37_000)]);
    Ok(())
}

#[tokio::test]
async fn a_connection_that_is_lost_between_the_units_leaves_nothing_held() -> Outcome {
    let authority = room_for_37().await?;
    let client = authority.client("acme");
    let bodies = AtomicUsize::new(0);
    // The first unit is held, and neither attempt at the second arrives.
    authority.inject_on(Call::Reserve, Fault::Delay(Duration::ZERO));
    authority.inject_on(Call::Reserve, Fault::DropConnection);
    authority.inject_on(Call::Reserve, Fault::DropConnection);
    let error = client.run(step(&bodies)).await.map_err(|error| error.is_unavailable());
    assert_eq!((error, bodies.load(Ordering::Relaxed)), (Err(true), 0));
    client.flush(Duration::from_secs(20)).await;
    authority.assert_settled();
    Ok(())
}

//! The runaway agent, in the time of a clock that waits for nobody.

#[path = "../../runaway/main.rs"]
#[expect(dead_code, reason = "the acts are played here without the program around them")]
mod example;

use std::time::Duration;

use runcycles::{Mode, usd};
use runcycles_examples::{Style, World};

use self::example::act::{Pace, Stop, act};
use self::example::report::{card, json, last_panel};
use self::example::view::{Moment, Viewer, panels};
use self::example::{SCOPES, agent_of};
use super::Outcome;

const SEED: u64 = 4782;

async fn world() -> Result<World, Box<dyn std::error::Error>> {
    World::open(None, &SCOPES.map(|scope| (scope, usd!(1)))).await
}

#[tokio::test(start_paused = true)]
async fn with_a_budget_the_agent_makes_a_hundred_calls_and_not_one_more() -> Outcome {
    let world = world().await?;
    let guarded = act(&agent_of(world.client(Mode::Enforce)?), Pace::NORMAL, SEED, &mut Viewer::Nobody).await;

    assert_eq!((guarded.seen.calls, guarded.model_calls, guarded.spent.clone()), (100, 100, usd!(1)));
    assert!(matches!(&guarded.stop, Stop::Budget(409, code) if code == "BUDGET_EXCEEDED"), "{:?}", guarded.stop);
    assert_eq!(guarded.ledger.len(), 5);
    for budget in &guarded.ledger {
        assert_eq!((budget.remaining.value(), budget.reserved.clone()), (0, Some(usd!(0))), "{}", budget.scope_path);
    }
    let summary = json(&guarded);
    assert_eq!(
        (summary["stop"].as_str(), summary["spend_microcents"].as_u64()),
        (Some("BUDGET_EXCEEDED"), Some(100_000_000))
    );

    let panel = last_panel(&guarded).render(80, Style::Plain).join("\n");
    for words in [
        "Final — GUARDED",
        "BUDGET_EXCEEDED — Cycles server returned 409",
        "Calls:       100 ",
        "Spend:       $1.0000 ",
        "Cycles stopped the agent BEFORE call 101 could proceed.",
    ] {
        assert!(panel.contains(words), "{words} is not in\n{panel}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_it_goes_on_until_somebody_pulls_the_plug() -> Outcome {
    let world = world().await?;
    let client = agent_of(world.client(Mode::Off)?);
    let unguarded = act(&client, Pace::NORMAL, SEED, &mut Viewer::Nobody).await;
    assert!((595..=600).contains(&unguarded.seen.calls), "{}", unguarded.seen.calls);
    assert_eq!(unguarded.elapsed, Duration::from_secs(30));
    assert!(unguarded.ledger.is_empty());

    let fast = act(&client, Pace::FAST, SEED, &mut Viewer::Nobody).await;
    assert!(fast.spent.value() >= usd!(9).value(), "{}", fast.spent);

    let guarded = act(&agent_of(world.client(Mode::Enforce)?), Pace::FAST, SEED, &mut Viewer::Nobody).await;
    assert_eq!(guarded.seen.calls, 100);
    let text = last_panel(&unguarded).render(80, Style::Plain).join("\n");
    assert!(text.contains("auto-stop after 30s") && text.contains("Alert fires AFTER spend."), "{text}");
    let text = card(&unguarded, &guarded).render(80, Style::Plain).join("\n");
    assert!(text.contains("Same agent. Same bug. Two outcomes.") && text.contains("$77,760"), "{text}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_live_view_fits_the_terminal() -> Outcome {
    let world = world().await?;
    let client = agent_of(world.client(Mode::Enforce)?);
    let outcome = act(&client, Pace::FAST, SEED, &mut Viewer::Nobody).await;
    for (is_guarded, stop) in [(true, Some(&outcome.stop)), (true, None), (false, None)] {
        for width in [50, 80, 120] {
            let moment = Moment { is_guarded, seen: outcome.seen.clone(), ledger: &outcome.ledger, stop };
            let lines = panels(&moment, width, Style::Plain);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{}", lines.join("\n"));
            assert!(width < 80 || lines.len() < 24, "{}", lines.join("\n"));
        }
    }
    Ok(())
}

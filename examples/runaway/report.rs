//! What is left of a run: a panel, a card for both, or JSON.

use runcycles::models::Amount;
use runcycles_examples::{Paint, Panel, chain};
use serde_json::{Value, json};

use super::act::{Outcome, Stop};
use super::dollars::four_digits;

/// The panel that ends a run.
pub(crate) fn last_panel(outcome: &Outcome) -> Panel {
    let seconds = format!("{:.1}s", outcome.elapsed.as_secs_f64());
    let (title, paint) =
        if outcome.is_guarded { ("Final — GUARDED", Paint::Green) } else { ("Final — UNGUARDED", Paint::Red) };
    let result = match &outcome.stop {
        Stop::Budget(status, code) => format!("{code} — Cycles server returned {status}"),
        Stop::Patience(patience) => format!("auto-stop after {}s", patience.as_secs()),
        Stop::Interrupt => "stopped by Ctrl-C".to_owned(),
        Stop::Quality => "the answer was good enough".to_owned(),
        Stop::Failure(error) => format!("failed: {}", chain(error)),
    };
    let panel = Panel::new(title, paint)
        .field("Result:", result)
        .field("Calls:", outcome.seen.calls.to_string())
        .field("Spend:", four_digits(outcome.spent.value()))
        .field("Duration:", seconds);
    match outcome.stop {
        Stop::Budget(..) => {
            let next = outcome.seen.calls + 1;
            panel.painted(paint, format!("Cycles stopped the agent BEFORE call {next} could proceed."))
        }
        _ if outcome.is_guarded => panel,
        _ => panel.painted(paint, "In production: no hard stop existed. Alert fires AFTER spend."),
    }
}

/// Both runs next to each other.
pub(crate) fn card(unguarded: &Outcome, guarded: &Outcome) -> Panel {
    let row = |name: &str, left: &str, right: &str| format!("{name:<22}{left:<22}{right}");
    let both = |name: &str, of: fn(&Outcome) -> String| row(name, &of(unguarded), &of(guarded));
    Panel::new("Same agent. Same bug. Two outcomes.", Paint::Bold)
        .painted(Paint::Bold, row("", "UNGUARDED", "GUARDED"))
        .row(both("Calls", |outcome| outcome.seen.calls.to_string()))
        .row(both("Spend", |outcome| four_digits(outcome.spent.value())))
        .row(both("Duration", |outcome| format!("{:.1}s", outcome.elapsed.as_secs_f64())))
        .row(both("Stopped by", |outcome| match outcome.stop {
            Stop::Budget(..) => "the budget".to_owned(),
            Stop::Patience(_) => "the end of the demo".to_owned(),
            Stop::Interrupt => "Ctrl-C".to_owned(),
            Stop::Quality => "a good answer".to_owned(),
            Stop::Failure(_) => "an error".to_owned(),
        }))
        .row("")
        .painted(Paint::Dim, "With a real model, at 1s and ~$0.03 a call, one stuck ticket costs:")
        .row(row("per hour", "$108", "$1.00"))
        .row(row("per day", "$2,592", "$1.00"))
        .row(row("per week", "$18,144", "$1.00"))
        .row(row("per month", "$77,760", "$1.00"))
        .row("")
        .painted(Paint::Dim, "Three attributes. One match arm.")
}

/// A run for scripts.
pub(crate) fn json(outcome: &Outcome) -> Value {
    let stop = match &outcome.stop {
        Stop::Budget(_, code) => code.clone(),
        Stop::Patience(_) => "AUTO_STOP".to_owned(),
        Stop::Interrupt => "INTERRUPTED".to_owned(),
        Stop::Quality => "QUALITY".to_owned(),
        Stop::Failure(error) => chain(error),
    };
    let ledger = outcome.ledger.iter().map(|budget| {
        json!({
            "scope": budget.scope_path,
            "allocated": budget.allocated.as_ref().map(Amount::value),
            "spent": budget.spent.as_ref().map(Amount::value),
            "reserved": budget.reserved.as_ref().map(Amount::value),
            "remaining": budget.remaining.value(),
        })
    });
    json!({
        "calls": outcome.seen.calls,
        "model_calls": outcome.model_calls,
        "spend_microcents": outcome.spent.value(),
        "duration_ms": u64::try_from(outcome.elapsed.as_millis()).unwrap_or(u64::MAX),
        "stop": stop,
        "ledger": ledger.collect::<Vec<_>>(),
    })
}

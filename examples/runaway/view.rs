//! What a viewer sees while the agent runs.

use std::time::Duration;

use runcycles::models::{Amount, Balance};
use runcycles_examples::{Paint, Panel, Screen, Style, bar, beside, size};

use super::act::Stop;
use super::agent::{GOOD_ENOUGH, TICKET};
use super::dollars::{cents, four_digits, whole};
use super::progress::{Seen, THRESHOLDS};

/// What a stuck ticket costs with a real model: a second and three cents a call.
const REAL_MODEL: [&str; 2] =
    ["Real LLM (1s/call): ~$108/hr per stuck ticket", "(~$0.03/call × 60 calls/min × 60 min)"];

/// Everything there is to see at one moment.
pub(crate) struct Moment<'a> {
    pub(crate) is_guarded: bool,
    pub(crate) seen: Seen,
    pub(crate) ledger: &'a [Balance],
    pub(crate) stop: Option<&'a Stop>,
}

/// Who watches, and how.
pub(crate) enum Viewer {
    /// Panels that are drawn again in place.
    Live(Screen, Style),
    /// A line for every ten calls; how many calls were told.
    Lines(u64),
    /// Nobody.
    Nobody,
}

impl Viewer {
    pub(crate) fn show(&mut self, moment: &Moment<'_>) {
        match self {
            Self::Live(screen, style) => screen.draw(&panels(moment, size().0, *style)),
            Self::Lines(told) => {
                let calls = moment.seen.calls;
                if calls / 10 > *told / 10 || (moment.stop.is_some() && calls != *told) {
                    println!("{}", line(moment));
                    *told = calls;
                }
            }
            Self::Nobody => {}
        }
    }

    /// How wide panels are that stay.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Live(..) => readable(size().0),
            Self::Lines(_) | Self::Nobody => 80,
        }
    }

    pub(crate) fn style(&self) -> Style {
        match self {
            Self::Live(_, style) => *style,
            Self::Lines(_) | Self::Nobody => Style::Plain,
        }
    }
}

/// Wider lines are no easier to read.
fn readable(columns: usize) -> usize {
    columns.clamp(40, 120)
}

fn line(moment: &Moment<'_>) -> String {
    let Moment { is_guarded, seen, .. } = moment;
    let mode = mode(*is_guarded);
    let (calls, elapsed) = (seen.calls, seen.elapsed().as_secs_f64());
    format!("{mode:<9}  call {calls:>4}  {:>8}  {elapsed:>5.1}s  {}", four_digits(spent(moment)), seen.last_action)
}

fn mode(is_guarded: bool) -> &'static str {
    if is_guarded { "GUARDED" } else { "UNGUARDED" }
}

/// What the authority has charged, where there is one.
fn spent(moment: &Moment<'_>) -> u64 {
    let charged = moment.ledger.first().and_then(|budget| budget.spent.as_ref()).map(Amount::value);
    charged.unwrap_or_else(|| moment.seen.charged())
}

/// All panels, in a width.
pub(crate) fn panels(moment: &Moment<'_>, columns: usize, style: Style) -> Vec<String> {
    let width = readable(columns);
    let mut lines = counter(moment).render(width, style);
    let (thresholds, projection) = (thresholds(moment), projection(moment));
    if width < 72 {
        lines.extend(thresholds.render(width, style));
        lines.extend(projection.render(width, style));
        return lines;
    }
    // The thresholds' lines are the longer ones.
    let left_width = (width / 2).max(42);
    let mut left = thresholds.render(left_width, style);
    if moment.is_guarded {
        left.extend(ledger(moment, left_width).render(left_width, style));
    }
    lines.extend(beside(left, left_width, projection.render(width - left_width, style)));
    lines
}

fn paint(is_guarded: bool) -> Paint {
    if is_guarded { Paint::Green } else { Paint::Red }
}

fn counter(moment: &Moment<'_>) -> Panel {
    let Moment { is_guarded, seen, stop, .. } = moment;
    let spent = spent(moment);
    let line = if *is_guarded {
        #[expect(clippy::cast_precision_loss, reason = "a share to look at")]
        let share = spent as f64 / THRESHOLDS[2].value() as f64 * 100.0;
        format!("{}  ({share:.1}% of {} budget)", four_digits(spent), THRESHOLDS[2])
    } else {
        four_digits(spent)
    };
    let panel = Panel::new("Live Counter", paint(*is_guarded))
        .field(
            "Mode",
            if *is_guarded { "GUARDED: every call asks the authority first" } else { "UNGUARDED: nobody asks" },
        )
        .brief("Ticket", format!("#4782 \"{TICKET}\""))
        .field("Calls", seen.calls.to_string())
        .field("Spend", line)
        .field("Elapsed", format!("{:.1}s", seen.elapsed().as_secs_f64()));
    let score = seen.score.map(|score| format!("  (score: {score:.1} / {GOOD_ENOUGH:.1})")).unwrap_or_default();
    match stop {
        Some(Stop::Budget(status, code)) => panel
            .field("Last action", format!("POST /v1/reservations → {status} {code}"))
            .field("", "Error::BudgetExceeded returned: agent stopped cleanly"),
        _ => panel.field("Last action", format!("{}{score}", seen.last_action)),
    }
}

fn thresholds(moment: &Moment<'_>) -> Panel {
    let mut panel = Panel::new("Budget Thresholds", paint(moment.is_guarded));
    let spent = moment.seen.charged();
    for (threshold, passed) in THRESHOLDS.iter().zip(moment.seen.passed) {
        let at = cents(threshold.value());
        panel = match passed {
            Some((call, when)) => {
                let ago = when.elapsed().as_secs_f64();
                panel.painted(Paint::Yellow, format!("{at} ✓ passed at call {call} ({ago:.1}s ago)"))
            }
            None => {
                let left = threshold.value().saturating_sub(spent).saturating_mul(100).div_ceil(threshold.value());
                panel.row(format!("{at} {left}% to go"))
            }
        };
    }
    if moment.is_guarded {
        panel.painted(Paint::Green, "$1.00 Hard stop — BUDGET_EXCEEDED raised at this limit")
    } else {
        panel.painted(Paint::Red, "$∞ No hard stop.")
    }
}

fn projection(moment: &Moment<'_>) -> Panel {
    let panel = Panel::new("Projection", paint(moment.is_guarded));
    let elapsed = moment.seen.elapsed();
    let panel = if elapsed < Duration::from_secs(2) {
        panel.painted(Paint::Dim, "Calculating...")
    } else {
        let per_minute = u128::from(spent(moment)) * 60_000 / elapsed.as_millis().max(1);
        let per_minute = u64::try_from(per_minute).unwrap_or(u64::MAX);
        let (hour, day) = (per_minute.saturating_mul(60), per_minute.saturating_mul(60 * 24));
        panel.row(format!("Sim rate:  {}/min → {}/hr → {}/day", cents(per_minute), whole(hour), whole(day)))
    };
    let panel = REAL_MODEL.into_iter().fold(panel, Panel::row);
    if moment.is_guarded {
        panel.painted(Paint::Green, "Cycles enforces $1.00 hard stop")
    } else {
        panel.painted(Paint::Dim, "Ctrl+C to stop")
    }
}

/// The budgets of the scopes that every call is checked against, as the authority has them.
fn ledger(moment: &Moment<'_>, width: usize) -> Panel {
    const NAME: usize = 18;
    const LEFT: usize = 10;
    let mut panel = Panel::new("Authority's ledger", Paint::Green);
    let bar_width = width.saturating_sub(4 + NAME + LEFT + 2).max(4);
    for budget in moment.ledger {
        let amount = |amount: &Option<Amount>| amount.as_ref().map(Amount::value).unwrap_or_default();
        let (spent, reserved) = (amount(&budget.spent), amount(&budget.reserved));
        let bar = bar(bar_width, spent, reserved, amount(&budget.allocated));
        let left = format!("{} left", budget.remaining);
        panel = panel.row(format!("{:NAME$} {bar} {left:>LEFT$}", budget.scope));
    }
    panel
}

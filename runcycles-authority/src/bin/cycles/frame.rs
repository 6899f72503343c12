//! One picture of budgets: a tree with bars.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::budget::Budget;
use crate::counters::Counters;
use crate::terminal::{bar, columns, cut};

/// The least columns of a bar.
const BAR: usize = 8;
/// The most.
const WIDE_BAR: usize = 48;

/// What a picture is of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) budgets: Vec<Budget>,
    pub(crate) counters: Option<Counters>,
    /// Reservations that hold budget and wait for their settlement, where the server tells.
    pub(crate) live: Option<u64>,
    /// What went wrong the last time; the budgets are then those of the time before.
    pub(crate) problem: Option<String>,
}

/// A line of the tree.
struct Line<'a> {
    name: String,
    /// Absent for a scope that has none, above others that do.
    budget: Option<&'a Budget>,
}

/// The picture, in columns and at most so many rows; colours where there are to be any.
pub(crate) fn frame(seen: &Seen, title: &str, width: usize, height: usize, has_colours: bool) -> Vec<String> {
    let paint = |code: &str, text: String| if has_colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text };
    let mut out = vec![paint("1", cut(title, width))];
    let mut figures = Vec::new();
    if let Some(Counters { allowed, denied, committed, released, events, .. }) = seen.counters {
        figures.push(format!(
            "{allowed} allowed  {denied} denied  {committed} committed  {released} released  {events} events"
        ));
    }
    figures.extend(seen.live.map(|live| format!("{live} in flight")));
    if !figures.is_empty() {
        out.push(cut(&figures.join("  "), width));
    }
    if let Some(problem) = &seen.problem {
        out.push(paint("31", cut(problem, width)));
    }
    out.push(String::new());

    let lines = tree(&seen.budgets);
    let room = height.saturating_sub(out.len() + 1);
    let shown = if lines.len() > room { &lines[..room.saturating_sub(1)] } else { &lines[..] };
    let layout = Layout::of(shown, width);
    out.push(paint("1", layout.heading()));
    for line in shown {
        let text = layout.line(line);
        out.push(match line.budget {
            None => paint("2", text),
            Some(budget) if budget.remaining <= 0 || !budget.trouble().is_empty() => paint("31", text),
            Some(budget) if is_low(budget) => paint("33", text),
            Some(_) => text,
        });
    }
    if shown.len() < lines.len() {
        let more = lines.len() - shown.len();
        out.push(paint("2", cut(&format!("… {more} more: a taller window or `cycles balances` shows them"), width)));
    }
    if lines.is_empty() {
        out.push("no budgets".to_owned());
    }
    out
}

/// Less than a fifth is left.
fn is_low(budget: &Budget) -> bool {
    i128::from(budget.remaining) * 5 < i128::from(budget.allocated)
}

/// What stands in a column.
type Cell = fn(&Budget) -> String;

/// The columns beside the bar, the most important ones first.
const COLUMNS: [(&str, Cell); 5] = [
    ("left", |budget| budget.left()),
    ("spent", |budget| budget.show(budget.spent)),
    ("of", |budget| budget.show(budget.allocated)),
    ("held", |budget| budget.show(budget.reserved)),
    ("", |budget| match budget.trouble() {
        "" => budget.unit_name().to_owned(),
        trouble => trouble.to_owned(),
    }),
];

/// Which columns there are, and how wide they are.
struct Layout {
    name: usize,
    bar: usize,
    amounts: Vec<Column>,
}

struct Column {
    heading: &'static str,
    width: usize,
    cell: Cell,
}

impl Layout {
    /// As many columns as leave room for a bar.
    fn of(lines: &[Line<'_>], width: usize) -> Self {
        let budgets = || lines.iter().filter_map(|line| line.budget);
        let with_budget = lines.iter().filter(|line| line.budget.is_some());
        let name = with_budget.map(|line| columns(&line.name)).max().unwrap_or(5).max(5).min(width / 2);
        let mut amounts = Vec::new();
        let mut used = name + 1 + BAR;
        for (heading, cell) in COLUMNS {
            let cells = budgets().map(|budget| columns(&cell(budget)));
            let column = cells.chain([heading.len()]).max().unwrap_or_default();
            if used + 2 + column > width {
                break;
            }
            used += 2 + column;
            amounts.push(Column { heading, width: column, cell });
        }
        let bar = (BAR + width.saturating_sub(used)).min(WIDE_BAR);
        Self { name, bar, amounts }
    }

    fn heading(&self) -> String {
        let Self { name, bar, .. } = self;
        let mut text = format!("{:name$} {:bar$}", "scope", "");
        for Column { heading, width, .. } in &self.amounts {
            let _ = write!(text, "  {heading:>width$}");
        }
        text.trim_end().to_owned()
    }

    fn line(&self, line: &Line<'_>) -> String {
        let width = self.name;
        let Some(budget) = line.budget else { return cut(&line.name, width + 1 + self.bar) };
        let name = cut(&line.name, width);
        let spent = budget.spent.saturating_add(budget.debt);
        let mut text = format!("{name:width$} {}", bar(self.bar, spent, budget.reserved, budget.allocated));
        for Column { width, cell, .. } in &self.amounts {
            let _ = write!(text, "  {:>width$}", cell(budget));
        }
        text
    }
}

/// Budgets below the scopes that they belong to.
fn tree(budgets: &[Budget]) -> Vec<Line<'_>> {
    let mut root = Node::default();
    for budget in budgets {
        let parts = budget.scope.split('/');
        parts.fold(&mut root, |node, part| node.children.entry(part).or_default()).budgets.push(budget);
    }
    let mut lines = Vec::new();
    for (name, node) in root.children {
        node.describe(name.to_owned(), "", "", &mut lines);
    }
    lines
}

#[derive(Default)]
struct Node<'a> {
    budgets: Vec<&'a Budget>,
    children: BTreeMap<&'a str, Node<'a>>,
}

impl<'a> Node<'a> {
    /// Adds the lines of this scope and of those below it. `branch` leads to this scope, `trunk` to those below.
    fn describe(mut self, mut name: String, branch: &str, trunk: &str, lines: &mut Vec<Line<'a>>) {
        // Levels that have no budget and no fork share a line.
        while let Some((part, child)) = self.only_child() {
            name = format!("{name}/{part}");
            self = child;
        }
        if self.budgets.is_empty() {
            lines.push(Line { name: format!("{branch}{name}"), budget: None });
        }
        let below = if self.children.is_empty() { "" } else { "│ " };
        for (at, budget) in self.budgets.iter().enumerate() {
            let name = if at == 0 { format!("{branch}{name}") } else { format!("{trunk}{below}") };
            lines.push(Line { name, budget: Some(budget) });
        }
        let mut rest = self.children.len();
        for (part, child) in self.children {
            rest -= 1;
            let (fork, pipe) = if rest == 0 { ("└ ", "  ") } else { ("├ ", "│ ") };
            child.describe(part.to_owned(), &format!("{trunk}{fork}"), &format!("{trunk}{pipe}"), lines);
        }
    }

    /// Takes what is below, where that is one scope without a budget below another.
    fn only_child(&mut self) -> Option<(&'a str, Self)> {
        let is_bare = |node: &Self| node.budgets.is_empty();
        let is_alone = self.children.len() == 1 && is_bare(self) && self.children.values().all(is_bare);
        is_alone.then(|| self.children.pop_first()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use runcycles::models::Unit;

    use super::*;

    fn budget(scope: &str, unit: Unit, allocated: u64, spent: u64, reserved: u64) -> Budget {
        let remaining = i64::try_from(allocated).unwrap() - i64::try_from(spent + reserved).unwrap();
        let status = Some("ACTIVE".to_owned());
        Budget {
            scope: scope.to_owned(),
            unit,
            allocated,
            spent,
            reserved,
            remaining,
            debt: 0,
            is_over_limit: false,
            status,
        }
    }

    fn seen() -> Seen {
        let budgets = vec![
            budget("tenant:acme", Unit::UsdMicrocents, 500_000_000, 250_000_000, 125_000_000),
            budget("tenant:acme/workspace:prod/app:chat/agent:bot", Unit::Tokens, 1_000, 1_000, 0),
            budget("tenant:acme/workspace:prod/app:chat/agent:cat", Unit::UsdMicrocents, 100_000_000, 0, 0),
        ];
        let counters = Some(Counters { allowed: 3, denied: 1, ..Counters::default() });
        Seen { budgets, counters, live: Some(2), problem: None }
    }

    #[test]
    fn a_picture_shows_what_is_spent_held_and_left_of_every_scope() {
        let lines = frame(&seen(), "cycles top", 80, 24, false);
        assert_eq!(
            lines,
            [
                "cycles top",
                "3 allowed  1 denied  0 committed  0 released  0 events  2 in flight",
                "",
                "scope                                          left  spent     of   held",
                "tenant:acme   ███████████████▒▒▒▒▒▒▒░░░░░░░░  $1.25  $2.50  $5.00  $1.25     USD",
                "└ workspace:prod/app:chat",
                "  ├ agent:bot ██████████████████████████████      0  1,000  1,000      0  tokens",
                "  └ agent:cat ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  $1.00  $0.00  $1.00  $0.00     USD",
            ]
        );
    }

    #[test]
    fn a_picture_fits_whatever_window_there_is() {
        let mut seen = seen();
        seen.problem = Some("the server cannot be reached: ".repeat(9));
        for (width, height) in [(40, 7), (80, 24), (120, 40), (300, 100)] {
            let lines = frame(&seen, &"cycles top ".repeat(30), width, height, false);
            assert!(lines.iter().all(|line| columns(line) <= width), "{width}: {}", lines.join("\n"));
            assert!(lines.len() <= height, "{height}: {}", lines.join("\n"));
        }
    }
}

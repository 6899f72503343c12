//! Budgets as a tree.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;

use futures_core::Stream as _;
use runcycles::models::{Amount, Balance, BalanceParams, Unit};
use runcycles::{CyclesClient, Error, Scope};

use crate::style::Style;
use crate::table::{self, Line};

/// Every budget of a client's tenant, as its authority has it.
///
/// # Errors
///
/// Any [`Error`] of asking for balances.
pub async fn budgets(client: &CyclesClient) -> Result<Vec<Balance>, Error> {
    let tenant = client.config().subject.tenant.clone().unwrap_or_default();
    let mut pages = pin!(client.balances(BalanceParams::within(Scope::tenant(tenant))));
    let mut budgets = Vec::new();
    while let Some(budget) = poll_fn(|waker| pages.as_mut().poll_next(waker)).await {
        budgets.push(budget?);
    }
    Ok(budgets)
}

/// Prints every budget of a client's tenant as a tree of scopes, as its authority has it.
///
/// # Errors
///
/// As [`budgets`].
pub async fn show(heading: &str, client: &CyclesClient) -> Result<(), Error> {
    println!("{}", render(heading, &budgets(client).await?, Style::of_stdout()));
    Ok(())
}

/// The tree as text.
fn render(heading: &str, budgets: &[Balance], style: Style) -> String {
    let mut root = Node::default();
    for budget in budgets {
        let path = budget.scope_path.split('/');
        path.fold(&mut root, |node, part| node.children.entry(part).or_default()).budgets.push(budget);
    }
    let mut lines = Vec::new();
    for (name, child) in root.children {
        child.describe(name.to_owned(), "", "", &mut lines);
    }
    let columns = ["unit", "spent", "reserved", "remaining", "allocated"].map(str::to_owned);
    table::render(&Line { name: heading.to_owned(), columns: Some(columns), warns: None }, &lines, style)
}

/// A scope, and those below it.
#[derive(Default)]
struct Node<'a> {
    budgets: Vec<&'a Balance>,
    children: BTreeMap<&'a str, Node<'a>>,
}

impl Node<'_> {
    /// Adds the lines of this scope and of those below it. `branch` leads to this scope, `trunk` to those below.
    fn describe(mut self, mut name: String, branch: &str, trunk: &str, lines: &mut Vec<Line<5>>) {
        // Levels that have no budget and no fork share a line.
        while let Some((part, child)) = self.only_child() {
            name = format!("{name}/{part}");
            self = child;
        }
        if self.budgets.is_empty() {
            lines.push(Line { name: format!("{branch}{name}"), columns: None, warns: None });
        }
        let below = if self.children.is_empty() { "" } else { "│ " };
        for (at, budget) in self.budgets.iter().enumerate() {
            let name = if at == 0 { format!("{branch}{name}") } else { format!("{trunk}{below}") };
            lines.push(line(name, budget));
        }
        let mut rest = self.children.len();
        for (part, child) in self.children {
            rest -= 1;
            let (fork, pipe) = if rest == 0 { ("└ ", "  ") } else { ("├ ", "│ ") };
            child.describe(part.to_owned(), &format!("{trunk}{fork}"), &format!("{trunk}{pipe}"), lines);
        }
    }
}

impl<'a> Node<'a> {
    /// Takes what is below, where that is one scope without a budget below another.
    fn only_child(&mut self) -> Option<(&'a str, Node<'a>)> {
        let is_bare = |node: &Node<'_>| node.budgets.is_empty();
        let is_alone = self.children.len() == 1 && is_bare(self) && self.children.values().all(is_bare);
        is_alone.then(|| self.children.pop_first()).flatten()
    }
}

fn line(name: String, budget: &Balance) -> Line<5> {
    let unit = match budget.remaining.unit() {
        Unit::UsdMicrocents => "USD",
        Unit::Tokens => "tokens",
        Unit::Credits => "credits",
        Unit::RiskPoints => "risk",
        other => other.as_str(),
    };
    let of = |amount: &Option<Amount>| amount.as_ref().map(|amount| number(&amount.to_string())).unwrap_or_default();
    let remaining = number(&budget.remaining.to_string());
    let columns = [unit.to_owned(), of(&budget.spent), of(&budget.reserved), remaining, of(&budget.allocated)];
    Line { name, columns: Some(columns), warns: (budget.remaining.value() <= 0).then_some(3) }
}

/// An amount without its unit, which has a column.
fn number(amount: &str) -> String {
    amount.split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use runcycles::{tokens, usd};
    use runcycles_authority::Authority;

    use super::*;

    #[tokio::test]
    async fn scopes_stand_below_those_they_belong_to() -> Result<(), Box<dyn std::error::Error>> {
        let authority = Authority::builder()
            .budget("tenant:acme/workspace:prod/app:chat/agent:ann", usd!(5))
            .budget("tenant:acme/workspace:prod/app:chat/agent:bob", usd!(0))
            .budget("tenant:acme/workspace:test", usd!(10_000))
            .budget("tenant:acme/workspace:test", tokens(500_000))
            .budget("tenant:acme/workspace:test/toolset:mail", usd!(1))
            .start()
            .await?;
        let text = render("before", &budgets(&authority.client("acme")).await?, Style::Plain);
        assert_eq!(
            text,
            [
                "  before              unit  spent  reserved   remaining   allocated",
                "  tenant:acme",
                "  ├ workspace:prod/app:chat",
                "  │ ├ agent:ann        USD  $0.00     $0.00       $5.00       $5.00",
                "  │ └ agent:bob        USD  $0.00     $0.00       $0.00       $0.00",
                "  └ workspace:test     USD  $0.00     $0.00  $10,000.00  $10,000.00",
                "    │               tokens      0         0     500,000     500,000",
                "    └ toolset:mail     USD  $0.00     $0.00       $1.00       $1.00",
                "",
            ]
            .join("\n")
        );
        Ok(())
    }
}

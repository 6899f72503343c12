//! A level takes text, integers, UUIDs, pointers to them, `Option`s of them, and types of the user's own.
#![deny(warnings)]

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use runcycles::{Error, ScopeValue, cycles, usd};

pub enum Team {
    Engineering,
    Support,
}

impl ScopeValue for Team {
    fn scope_value(&self) -> Option<String> {
        let name = match self {
            Team::Engineering => "engineering",
            Team::Support => "support",
        };
        name.scope_value()
    }
}

#[cycles(
    usd!(0.02), "llm.completion",
    tenant = "acme", workspace = team, app = 42, workflow = &run, agent = user, toolset = tier(&run),
    dimensions(run = run, "cost-center" = 7, type = Team::Support),
)]
pub async fn every_level(run: String, user: Option<&str>, team: Team) -> Result<(String, Team), Error> {
    let _ = user;
    Ok((run, team))
}

fn tier(model: &str) -> Option<&'static str> {
    model.starts_with("gpt").then_some("premium")
}

#[cycles(usd!(0.02), "llm.completion", agent = a, app = b, workflow = c, toolset = d, workspace = e, tenant = f.1)]
pub async fn every_pointer(
    a: Arc<str>,
    b: Cow<'_, str>,
    c: Box<Option<u64>>,
    d: &&String,
    e: Option<Rc<Team>>,
    f: (u8, Option<&Team>),
) -> Result<String, Error> {
    let team = matches!(e.as_deref(), Some(Team::Engineering));
    Ok(format!("{a} {b} {c:?} {d} {team} {}", f.0))
}

fn main() {}

//! Values of levels.
#![deny(warnings, clippy::pedantic)]

use runcycles::{Encoded, Error, ScopeValue, cycles, tokens};

#[derive(Clone, Copy, ScopeValue)]
pub enum Tier {
    Premium,
    #[scope_value("economy.v2")]
    Economy,
    LastResort,
}

#[derive(ScopeValue)]
pub struct UserId(pub u64);

#[derive(ScopeValue)]
pub struct Named<'a, T> {
    name: &'a T,
}

#[cycles(tokens(1), "llm.completion", toolset = tier, agent = Encoded(email), workflow = user, app = Named { name: &7 })]
pub async fn ask(tier: Tier, email: &str, user: Option<UserId>) -> Result<(), Error> {
    let _ = (email, user);
    Ok(())
}

fn main() {
    assert_eq!(Tier::LastResort.scope_value().as_deref(), Some("last-resort"));
    assert_eq!(Tier::Economy.scope_value().as_deref(), Some("economy.v2"));
    let _ = Tier::Premium;
}

//! What users' tests are written with.

mod assertions;
mod calls;
mod prices;
mod rulings;
mod streams;

use std::panic::{AssertUnwindSafe, catch_unwind};

use runcycles::models::ReservationCreateRequest;
use runcycles::{CyclesClient, Reserve, Scope, usd};
use runcycles_authority::Authority;

const JANE: &str = "tenant:acme/agent:jane";

/// An authority that records, and the client of one of its agents.
async fn jane() -> (Authority, CyclesClient) {
    let builder = Authority::builder().budget("tenant:acme", usd!(5)).budget(JANE, usd!(0.05)).record_requests();
    let authority = builder.start().await.expect("a valid set-up");
    let client = authority.client("acme").scoped(Scope::agent("Jane").dimension("run", "r-1"));
    (authority, client)
}

fn completion() -> Reserve<runcycles::models::Action, runcycles::models::Amount> {
    Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02))
}

fn email() -> ReservationCreateRequest {
    Reserve::new("email.send", "welcome").estimate(usd!(0.01)).build()
}

/// What an assertion says that fails.
#[track_caller]
fn failure(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).expect_err("the assertion fails");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().expect("a message")).to_owned(),
    }
}

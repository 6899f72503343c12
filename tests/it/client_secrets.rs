//! The API key shows nowhere but in its header.

use std::fmt::Write as _;

use runcycles::{CyclesConfig, Scope};

use crate::support::operations::{self, call};
use crate::support::reply::{self, Reply};
use crate::support::script::{API_KEY, Script};
use crate::support::sent::Route;

/// An error and its causes, as people and as programmers see them.
fn show(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error:?}");
    let mut next = Some(error);
    while let Some(error) = next {
        let _ = write!(text, " {error} {error:#?}");
        next = error.source();
    }
    text
}

#[tokio::test]
async fn nothing_that_can_be_printed_shows_the_key() {
    let script = Script::new();
    let config = CyclesConfig::new(API_KEY, "http://authority.test");
    let client = script.client();
    let guard = client.reserve(operations::reserve()).await.unwrap();
    let mut printed = vec![
        format!("{config:?} {config:#?}"),
        format!("{:?} {:#?}", script.builder(), script.builder()),
        format!("{client:?} {client:#?}"),
        format!("{:?}", client.scoped(Scope::agent("bot"))),
        format!("{:?}", client.decide(&operations::decide())),
        format!("{:?}", client.balances(runcycles::models::BalanceParams::within(Scope::tenant("acme")))),
        format!("{guard:?}"),
    ];
    for reply in [
        reply::refusal(401, "UNAUTHORIZED"),
        reply::refusal(409, "BUDGET_EXCEEDED"),
        reply::raw(200, "<html>"),
        reply::raw(302, "").header("location", "http://elsewhere.test"),
        reply::timeout(),
    ] {
        for route in operations::ALL {
            script.next(route, [reply.clone()]);
            printed.push(show(&call(&client, route).await.unwrap_err()));
        }
    }
    for text in &printed {
        assert!(!text.contains(API_KEY) && !text.contains("do-not-show"), "{text}");
    }
    assert!(printed[0].contains("<redacted>"));
}

#[tokio::test]
async fn the_key_travels_in_its_header_alone() {
    let script = Script::new();
    for route in operations::ALL {
        script.next(route, [Reply::Pass]);
        let _ = call(&script.client(), route).await;
    }
    for sent in script.sent() {
        assert!(!format!("{sent:?}").contains(API_KEY), "{sent:?}");
        assert!(!format!("{:?}", sent.headers).contains(API_KEY), "{:?}", sent.headers);
        let carriers = sent.headers.values().filter(|value| *value == API_KEY).count();
        assert_eq!(carriers, 1);
    }
    assert_eq!(script.of(Route::Reserve).len(), 1);
}

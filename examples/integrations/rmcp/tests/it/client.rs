//! A client that calls tools on a budget.

use std::time::Duration;

use cycles_rmcp::ToolBudget;
use runcycles::usd;

use crate::toolbox::{BUDGET, Toolbox, authority, authority_with, call, caps_without, connect, read, spent_and_held};

#[tokio::test]
async fn a_call_on_a_budget_is_charged_and_a_refused_one_is_not_sent() {
    let authority = authority(usd!(0.015)).await;
    let tools = ToolBudget::flat(usd!(0.01)).client(authority.client("acme"));
    let toolbox = Toolbox::default();
    let server = connect(toolbox.clone()).await;

    assert_eq!(read(&tools.call_tool(&server, call("search")).await.unwrap()), (false, "found"));
    let refused = tools.call_tool(&server, call("search")).await.unwrap();
    assert!(read(&refused).1.starts_with("`search` was not run"), "{refused:?}");
    assert_eq!((toolbox.runs(), spent_and_held(&authority, BUDGET)), (1, (usd!(0.01), usd!(0))));
}

#[tokio::test]
async fn a_model_is_offered_the_tools_that_the_caps_leave() {
    let authority = authority_with(caps_without(&["slow", "buy"])).await;
    let tools = ToolBudget::flat(usd!(0.01)).client(authority.client("acme"));
    let server = connect(Toolbox::default()).await;
    let offered = tools.list_tools(&server).await.unwrap();
    assert_eq!(offered.len(), 2);
    assert!(read(&tools.call_tool(&server, call("buy")).await.unwrap()).0);
}

#[tokio::test]
async fn a_call_that_is_dropped_returns_its_hold() {
    let authority = authority(usd!(1)).await;
    let cycles = authority.client("acme");
    let tools = ToolBudget::flat(usd!(0.01)).client(cycles.clone());
    let toolbox = Toolbox::default();
    let server = connect(toolbox.clone()).await;
    tokio::select! {
        result = tools.call_tool(&server, call("slow")) => panic!("it never ends: {result:?}"),
        () = toolbox.begun.notified() => {}
    }
    cycles.flush(Duration::from_secs(5)).await;
    assert_eq!(spent_and_held(&authority, BUDGET), (usd!(0), usd!(0)));
}

#[tokio::test]
async fn a_server_that_goes_away_is_an_error_and_holds_nothing() {
    let authority = authority(usd!(1)).await;
    let tools = ToolBudget::flat(usd!(0.01)).client(authority.client("acme"));
    let mut server = connect(Toolbox::default()).await;
    server.close().await.unwrap();
    assert!(tools.call_tool(&server, call("search")).await.is_err());
    assert_eq!(spent_and_held(&authority, BUDGET), (usd!(0), usd!(0)));
}

//! A server whose tools are on a budget.

use std::time::Duration;

use cycles_rmcp::{GuardTools, ToolBudget};
use rmcp::model::{CallToolRequest, ClientRequest, ErrorCode};
use rmcp::service::PeerRequestOptions;
use runcycles::models::Caps;
use runcycles::{CyclesClient, Error, Scope, UnknownSpend, risk_points, usd};
use runcycles_authority::{Authority, Budget};

use crate::toolbox::{BUDGET, Toolbox, authority, authority_with, call, caps_without, connect, read, spent_and_held};

fn cents(client: CyclesClient) -> ToolBudget {
    ToolBudget::flat(usd!(0.01)).client(client)
}

#[tokio::test]
async fn a_call_is_charged_its_price_under_the_tools_own_name() {
    let authority = Authority::builder()
        .budget(BUDGET, usd!(1))
        .budget("tenant:acme/toolset:search", usd!(0.01))
        .start()
        .await
        .unwrap();
    let server = connect(Toolbox::default().on_budget(cents(authority.client("acme")))).await;

    let result = server.call_tool(call("search")).await.unwrap();
    assert_eq!(read(&result), (false, "found"));
    assert_eq!(spent_and_held(&authority, "tenant:acme/toolset:search"), (usd!(0.01), usd!(0)));

    let again = server.call_tool(call("search")).await.unwrap();
    assert!(read(&again).0, "the tool's own budget is used up");
    assert_eq!(read(&server.call_tool(call("buy")).await.unwrap()), (false, "bought"), "and the others' is not");
}

#[tokio::test]
async fn a_refused_call_never_reaches_the_tool_and_tells_the_model_why() {
    let authority = authority(usd!(0.005)).await;
    let tools = Toolbox::default();
    let server = connect(tools.clone().on_budget(cents(authority.client("acme")))).await;

    let result = server.call_tool(call("search")).await.unwrap();
    let (is_error, text) = read(&result);
    assert!(is_error);
    assert!(text.starts_with("`search` was not run: it may cost $0.01, with $0.005 left."), "{text}");
    assert!(text.contains("take a cheaper way"), "{text}");
    assert!(!text.contains("acme"), "{text}");
    assert_eq!(tools.runs(), 0);
    authority.assert_settled();
}

#[tokio::test]
async fn a_tool_whose_own_budget_is_zero_is_switched_off() {
    let authority = Authority::builder()
        .budget(BUDGET, risk_points(100))
        .budget("tenant:acme/toolset:buy", risk_points(0))
        .start()
        .await
        .unwrap();
    let budget = ToolBudget::by_tool(|tool| risk_points(if tool == "buy" { 50 } else { 1 }));
    let server = connect(Toolbox::default().on_budget(budget.client(authority.client("acme")))).await;

    let refused = server.call_tool(call("buy")).await.unwrap();
    let (is_error, text) = read(&refused);
    assert!(is_error && text.contains("rated at 50 risk points") && text.contains("somebody's approval"), "{text}");
    assert!(!read(&server.call_tool(call("search")).await.unwrap()).0);
}

#[tokio::test]
async fn tools_that_the_caps_leave_out_are_neither_listed_nor_run() {
    let authority = authority_with(caps_without(&["buy", "slow"])).await;
    let tools = Toolbox::default();
    let server = connect(tools.clone().on_budget(cents(authority.client("acme")))).await;

    let mut listed: Vec<_> = server.list_all_tools().await.unwrap().into_iter().map(|tool| tool.name).collect();
    listed.sort();
    assert_eq!(listed, ["flaky/api", "search"]);

    let refused = server.call_tool(call("buy")).await.unwrap();
    let (is_error, text) = read(&refused);
    assert!(is_error && text.contains("not among the tools that may be used"), "{text}");
    assert_eq!(tools.runs(), 0);
    assert_eq!(spent_and_held(&authority, BUDGET), (usd!(0), usd!(0)), "a tool that did not run costs nothing");
}

#[tokio::test]
async fn a_model_that_asks_for_a_tool_outside_of_the_allow_list_is_told_which_ones_there_are() {
    let mut caps = Caps::new();
    caps.tool_allowlist = vec!["search".to_owned()];
    let authority = authority_with(caps).await;
    let server = connect(Toolbox::default().on_budget(cents(authority.client("acme")))).await;

    let refused = server.call_tool(call("buy")).await.unwrap();
    assert!(read(&refused).1.contains("These may be used: search."), "{refused:?}");
    assert!(!read(&server.call_tool(call("search")).await.unwrap()).0);
}

#[tokio::test]
async fn the_caps_of_an_agents_own_budget_reach_calls_without_toolsets() {
    let authority = authority(Budget::new(usd!(1)).caps(caps_without(&["buy"]))).await;
    let budget = cents(authority.client("acme")).without_toolsets();
    let server = connect(Toolbox::default().on_budget(budget)).await;
    assert!(read(&server.call_tool(call("buy")).await.unwrap()).0);
    assert!(!read(&server.call_tool(call("search")).await.unwrap()).0);
}

#[tokio::test]
async fn a_list_is_given_as_it_is_while_the_authority_cannot_be_asked() {
    let authority = authority(Budget::new(usd!(1)).caps(caps_without(&["buy"]))).await;
    let server = connect(Toolbox::default().on_budget(cents(authority.client("acme")))).await;
    authority.inject_on(runcycles_authority::Call::Decide, runcycles_authority::Fault::LoseResponse);
    assert_eq!(server.list_all_tools().await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_tool_that_fails_is_paid_for_unless_failures_are_released() {
    let authority = authority(usd!(0.03)).await;
    let paid = connect(Toolbox::default().on_budget(cents(authority.client("acme")))).await;
    for _ in 0..3 {
        assert_eq!(read(&paid.call_tool(call("flaky/api")).await.unwrap()), (true, "try again"));
    }
    let stopped = paid.call_tool(call("flaky/api")).await.unwrap();
    assert!(read(&stopped).1.contains("was not run"), "a loop over a tool that fails ends: {stopped:?}");

    let authority = crate::toolbox::authority(usd!(0.03)).await;
    let released = cents(authority.client("acme")).release_failures();
    let free = connect(Toolbox::default().on_budget(released)).await;
    for _ in 0..5 {
        assert_eq!(read(&free.call_tool(call("flaky/api")).await.unwrap()), (true, "try again"));
    }
    assert_eq!(spent_and_held(&authority, BUDGET), (usd!(0), usd!(0)));
}

#[tokio::test]
async fn a_tool_says_what_it_cost() {
    let authority = authority(usd!(1)).await;
    let server = connect(Toolbox::default().on_budget(cents(authority.client("acme")))).await;
    server.call_tool(call("buy")).await.unwrap();
    assert_eq!(spent_and_held(&authority, BUDGET), (usd!(0.003), usd!(0)));
}

#[tokio::test]
async fn a_tool_that_does_not_exist_costs_nothing() {
    let authority = authority(usd!(1)).await;
    let server = connect(Toolbox::default().on_budget(cents(authority.client("acme")))).await;
    assert!(server.call_tool(call("teleport")).await.is_err());
    assert_eq!(spent_and_held(&authority, BUDGET), (usd!(0), usd!(0)));
}

#[tokio::test]
async fn a_cancelled_call_stops_and_its_hold_is_returned() {
    let authority = authority(usd!(1)).await;
    let cycles = authority.client("acme");
    let tools = Toolbox::default();
    let server = connect(tools.clone().on_budget(cents(cycles.clone()))).await;

    let request = ClientRequest::CallToolRequest(CallToolRequest::new(call("slow")));
    let running = server.send_cancellable_request(request, PeerRequestOptions::no_options()).await.unwrap();
    tools.begun.notified().await;
    assert_eq!(spent_and_held(&authority, BUDGET), (usd!(0), usd!(0.01)));

    running.cancel(Some("the user left".to_owned())).await.unwrap();
    // The next answer comes after the cancellation was taken up; the settlement itself is in the background.
    server.list_all_tools().await.unwrap();
    cycles.flush(Duration::from_secs(5)).await;
    assert_eq!(spent_and_held(&authority, BUDGET), (usd!(0), usd!(0)));
}

#[tokio::test]
async fn an_application_may_charge_the_price_of_calls_that_are_cancelled() {
    let authority = authority(usd!(1)).await;
    let key = authority.api_key("acme");
    let cycles = CyclesClient::builder(key, "http://in-process")
        .tenant("acme")
        .transport(authority.transport())
        .journal(runcycles::JournalConfig::disabled())
        .unknown_spend(UnknownSpend::ChargeEstimate)
        .build();
    let tools = Toolbox::default();
    let server = connect(tools.clone().on_budget(cents(cycles.clone()))).await;

    let request = ClientRequest::CallToolRequest(CallToolRequest::new(call("slow")));
    let running = server.send_cancellable_request(request, PeerRequestOptions::no_options()).await.unwrap();
    tools.begun.notified().await;
    running.cancel(None).await.unwrap();
    server.list_all_tools().await.unwrap();
    cycles.flush(Duration::from_secs(5)).await;
    assert_eq!(spent_and_held(&authority, BUDGET), (usd!(0.01), usd!(0)));
}

#[tokio::test]
async fn each_request_is_paid_for_by_whom_the_server_says() {
    let authority = Authority::builder()
        .budget("tenant:acme/agent:jane", usd!(1))
        .budget("tenant:acme/agent:joe", usd!(0))
        .start()
        .await
        .unwrap();
    let cycles = authority.client("acme");
    for (user, is_refused) in [("jane", false), ("joe", true)] {
        let cycles = cycles.clone();
        let server = Toolbox::default()
            .on_budget(ToolBudget::flat(usd!(0.01)))
            .payer(move |_request| Ok(cycles.scoped(Scope::agent(user))));
        let server = connect(server).await;
        assert_eq!(read(&server.call_tool(call("search")).await.unwrap()).0, is_refused, "{user}");
    }
    assert_eq!(spent_and_held(&authority, "tenant:acme/agent:jane").0, usd!(0.01));
}

#[tokio::test]
async fn a_request_that_nobody_pays_for_is_refused() {
    let tools = Toolbox::default();
    let server = tools.clone().on_budget(ToolBudget::flat(usd!(0.01))).payer(|_request| Err(Error::ShutDown));
    let server = connect(server).await;
    assert!(read(&server.call_tool(call("search")).await.unwrap()).0);
    assert_eq!(tools.runs(), 0);
    assert_eq!(server.list_all_tools().await.unwrap().len(), 4, "its tools may be looked at");
    assert!(server.call_tool(call("")).await.is_ok(), "and so is a call without a name");
}

#[tokio::test]
async fn a_refusal_has_the_shape_that_older_clients_know() {
    let authority = authority(usd!(0)).await;
    let server = connect(Toolbox::default().on_budget(cents(authority.client("acme")))).await;
    let request = ClientRequest::CallToolRequest(CallToolRequest::new(call("search")));
    let result = server.send_request(request).await.unwrap();
    let json = serde_json::to_value(&result).unwrap();
    assert_eq!(json["isError"], true);
    let is_legacy = server.peer_info().is_some_and(|info| info.protocol_version.as_str() < "2026-07-28");
    assert_eq!(json.get("resultType").is_none(), is_legacy, "{json}");
}

#[tokio::test]
async fn everything_else_passes_through() {
    let authority = authority(usd!(0)).await;
    let server = connect(Toolbox::default().on_budget(cents(authority.client("acme")))).await;
    assert!(server.peer_info().is_some_and(|info| info.capabilities.tools.is_some()));
    let error = server.list_prompts(None).await.map(|list| list.prompts.len());
    assert!(
        matches!(error, Ok(0))
            || error.is_err_and(|error| error.to_string().contains(&ErrorCode::METHOD_NOT_FOUND.0.to_string()))
    );
}

//! Calls that are not held to what the authority says.

use runcycles::models::Amount;
use runcycles::{
    CyclesClient, CyclesConfig, Error, JournalConfig, Mode, WithCyclesConfig, context, cycles, tokens, usd,
};
use runcycles_authority::Authority;
use serde_json::json;
use tracing::Level;

use crate::support::clock::settle;
use crate::support::log::Log;
use crate::support::reply;
use crate::support::script::Script;
use crate::support::sent::Route;

#[cycles(tokens(10), "a.b", client = client, mode = mode, actual = |spent| tokens(*spent))]
async fn call(client: &CyclesClient, mode: Mode) -> Result<u64, Error> {
    assert!(context().is_some(), "there is a context in every mode");
    Ok(7)
}

#[cycles(estimate, "agent.run", client = client, mode = "shadow_metered")]
async fn metered(client: &CyclesClient, estimate: Amount) -> Result<(), Error> {
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn off_asks_nobody() {
    let script = Script::new();
    assert_eq!(call(&script.client(), Mode::Off).await.unwrap(), 7);
    settle().await;
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn shadow_asks_without_holding_and_runs_the_body_whatever_the_answer() {
    let log = Log::start();
    let script = Script::new();
    let client = script.client();
    script.next(Route::Reserve, [reply::json(200, &json!({ "decision": "ALLOW", "affected_scopes": [] }))]);
    assert_eq!(call(&client, Mode::Shadow).await.unwrap(), 7);
    assert_eq!(script.only().json()["dry_run"], true);
    log.silent(Level::INFO);

    let denial = json!({ "decision": "DENY", "reason_code": "BUDGET_EXCEEDED", "affected_scopes": [] });
    script.next(Route::Reserve, [reply::json(200, &denial), reply::refusal(409, "BUDGET_FROZEN"), reply::timeout()]);
    for _ in 0..3 {
        assert_eq!(call(&client, Mode::Shadow).await.unwrap(), 7);
    }
    log.told(Level::INFO, &["would have been denied", "BUDGET_EXCEEDED"]);
    log.told(Level::INFO, &["would have been refused", "blocked"]);
    log.told(Level::WARN, &["no decision"]);
    settle().await;
    assert!(script.routes().iter().all(|route| *route == Route::Reserve), "nothing is settled");
}

#[tokio::test(start_paused = true)]
async fn caps_are_not_in_force_where_nothing_is() {
    let caps = json!({
        "decision": "ALLOW_WITH_CAPS", "affected_scopes": [],
        "caps": { "max_tokens": 5, "tool_allowlist": ["search"] },
    });
    for (mode, route) in [(Mode::Shadow, Route::Reserve), (Mode::ShadowMetered, Route::Decide)] {
        let script = Script::new();
        script.always(route, reply::json(200, &caps));
        let config = WithCyclesConfig::new(tokens(10)).action("a.b", "c").mode(mode);
        let client = script.client();
        let seen = client.execute(config, async |context| {
            Ok::<_, Error>((context.is_capped(), context.clamp_max_tokens(800), context.is_tool_allowed("shell")))
        });
        assert_eq!(seen.await.unwrap(), (false, 800, true), "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_authority_that_does_not_answer_keeps_no_shadow_waiting_for_long() {
    let script = Script::new();
    script.always(Route::Reserve, reply::Reply::Silence);
    let started = tokio::time::Instant::now();
    assert_eq!(call(&script.client(), Mode::Shadow).await.unwrap(), 7);
    assert!(started.elapsed() <= std::time::Duration::from_millis(1_001));
}

#[tokio::test(start_paused = true)]
async fn metered_shadow_records_what_was_spent_by_an_event() {
    let script = Script::new();
    assert_eq!(call(&script.client(), Mode::ShadowMetered).await.unwrap(), 7);
    assert_eq!(script.routes(), [Route::Decide, Route::Event]);
    let event = script.of(Route::Event)[0].json();
    assert_eq!(event["actual"], json!({ "unit": "TOKENS", "amount": 7 }));
    assert!(event["metadata"].get("recovered_reservation_id").is_none(), "{event}");
}

#[tokio::test(start_paused = true)]
async fn metered_shadow_shows_what_enforcement_would_have_done() {
    let log = Log::start();
    let authority = Authority::builder().budget("tenant:acme", usd!(100)).start().await.unwrap();
    let client = authority.client("acme");
    for _ in 0..72 {
        metered(&client, usd!(2)).await.unwrap();
    }
    metered(&client, usd!(3.30)).await.unwrap();
    let denied = log.lines().iter().filter(|line| line.contains("would have been denied")).count();
    assert_eq!(denied, 23);
}

#[tokio::test(start_paused = true)]
async fn the_more_lenient_of_the_modes_of_call_and_client_holds() {
    #[cycles(tokens(10), "a.b", client = client)]
    async fn plain(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let variables = |mode: &'static str| {
        move |name: &str| match name {
            "CYCLES_BASE_URL" => Some("http://authority.test".to_owned()),
            "CYCLES_API_KEY" => Some("k".to_owned()),
            "CYCLES_TENANT" => Some("acme".to_owned()),
            "CYCLES_MODE" => Some(mode.to_owned()),
            _ => None,
        }
    };
    let client = |script: &Script, mode| {
        let mut config = CyclesConfig::from_vars("CYCLES_", variables(mode)).unwrap();
        config.journal = JournalConfig::disabled();
        runcycles::CyclesClientBuilder::from_config(config).transport(script.clone()).build()
    };
    let script = Script::new();
    let off = client(&script, "off");
    plain(&off).await.unwrap();
    call(&off, Mode::Enforce).await.unwrap();
    assert!(script.sent().is_empty());
    call(&client(&script, "enforce"), Mode::Off).await.unwrap();
    assert!(script.sent().is_empty());
    plain(&client(&script, "enforce")).await.unwrap();
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit]);
    let error = CyclesConfig::from_vars("CYCLES_", variables("on")).unwrap_err();
    assert!(error.to_string().contains("off shadow shadow_metered enforce"), "{error}");
}

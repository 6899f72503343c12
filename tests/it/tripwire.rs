//! Calls to model providers outside of any guarded call.

use http::{Request, Response};
use runcycles::tower::{BudgetLayer, TripwireLayer};
use runcycles::{Error, Mode, Reserve, Tripwire, UnguardedCall, WithCyclesConfig, context, tokens};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
use tracing::Level;

use crate::support::log::Log;
use crate::support::script::Script;
use crate::support::sent::Route;

const OPENAI: &str = "https://api.openai.com/v1/chat/completions";

/// A client of HTTP that answers at once.
fn http() -> impl Service<Request<String>, Response = Response<String>, Error = BoxError, Future: Send + 'static> + Clone
{
    service_fn(async |_: Request<String>| Ok::<_, BoxError>(Response::new("hi".to_owned())))
}

fn to(uri: &str) -> Request<String> {
    Request::post(uri).body(String::new()).unwrap()
}

fn config() -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o")
}

/// A place in the program that nobody wrapped.
async fn summarise_without_a_budget(
    mut client: impl Service<Request<String>, Error = BoxError>,
) -> Result<(), BoxError> {
    client.call(to(OPENAI)).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn a_report_says_how_many_calls_nobody_guards_and_where_the_first_came_from() {
    let script = Script::new();
    let log = Log::start();
    let tripwire = Tripwire::reporting();
    let client = ServiceBuilder::new().layer(TripwireLayer::new(tripwire.clone())).service(http());
    for _ in 0..8 {
        let call = async |_| client.clone().oneshot(to(OPENAI)).await.map_err(Error::Action);
        script.client().execute(config(), call).await.unwrap();
    }
    for _ in 0..4 {
        summarise_without_a_budget(client.clone()).await.unwrap();
    }
    client.clone().oneshot(to("https://example.com/")).await.unwrap();

    let report = tripwire.report();
    let [calls] = report.hosts() else { panic!("{report}") };
    assert_eq!((calls.host.as_str(), calls.seen, calls.unguarded), ("api.openai.com", 12, 4));
    assert_eq!((report.seen(), report.unguarded()), (12, 4));
    let text = report.to_string();
    let expected = "4 of 12 calls to api.openai.com were made outside of any guarded call, first from \
                    it::tripwire::summarise_without_a_budget at ";
    assert!(text.starts_with(expected) && text.contains("tripwire.rs:"), "{text}");
    log.told(Level::WARN, &["api.openai.com", "outside of any guarded call"]);
    assert_eq!(log.lines().iter().filter(|line| line.contains("outside of any")).count(), 1, "once for a host");
}

#[tokio::test(start_paused = true)]
async fn a_refusing_tripwire_lets_guarded_calls_pass_and_no_others() {
    let script = Script::new();
    let tripwire = Tripwire::refusing();
    let client = ServiceBuilder::new().layer(TripwireLayer::new(tripwire.clone())).service(http());
    let error = client.clone().oneshot(to(OPENAI)).await.unwrap_err();
    assert_eq!(error.downcast_ref::<UnguardedCall>().unwrap().host(), "api.openai.com");
    assert!(error.to_string().contains("#[cycles]"), "{error}");
    let guarded = async |_| client.clone().oneshot(to(OPENAI)).await.map_err(Error::Action);
    assert_eq!(script.client().execute(config(), guarded).await.unwrap().body(), "hi");
    assert!(client.clone().oneshot(to("https://example.com/")).await.is_ok());
    assert!(tripwire.report().to_string().starts_with("1 of 2 calls to api.openai.com were refused outside of"));
}

#[tokio::test(start_paused = true)]
async fn a_budget_layer_above_it_guards_what_passes() {
    let script = Script::new();
    let tripwire = Tripwire::refusing();
    let client = ServiceBuilder::new()
        .layer(BudgetLayer::new(|_: &Request<String>| config()).client(script.client()))
        .layer(TripwireLayer::new(tripwire.clone()))
        .service(http());
    client.oneshot(to(OPENAI)).await.unwrap();
    assert_eq!(tripwire.report().to_string(), "all calls to api.openai.com were guarded: 1\n");
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit]);
}

#[tokio::test(start_paused = true)]
async fn a_guard_by_hand_guards_what_runs_inside_of_it() {
    let script = Script::new();
    let tripwire = Tripwire::refusing();
    let guard = script.client().reserve(Reserve::new("a", "b").estimate(tokens(10))).await.unwrap();
    assert!(tripwire.check("api.openai.com").is_err());
    let (checked, id) = guard
        .run(async {
            let context = context().unwrap();
            context.record_usage(&tokens(4)).unwrap();
            (tripwire.check("api.openai.com"), context.reservation_id().clone())
        })
        .await;
    assert_eq!((checked, &id), (Ok(()), guard.reservation_id()));
    assert!(context().is_none());
    drop(guard);
    assert_eq!(script.wait_for(Route::Commit, 1).await[0].json()["actual"]["amount"], 4);
}

#[tokio::test(start_paused = true)]
async fn calls_in_a_mode_that_holds_nothing_are_guarded_all_the_same() {
    let script = Script::new();
    let tripwire = Tripwire::refusing();
    for mode in [Mode::Off, Mode::Shadow] {
        let call = async |_| Ok::<_, Error>(tripwire.check("api.anthropic.com"));
        assert_eq!(script.client().execute(config().mode(mode), call).await.unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn further_hosts_and_requests_of_any_kind_can_be_seen() {
    struct Prompt(&'static str);
    let tripwire = Tripwire::refusing().host("models.internal").host("inference-*.example.com");
    assert!(tripwire.sees("eu.MODELS.internal") && tripwire.sees("inference-7.example.com"));
    assert!(!tripwire.sees("example.com"));
    let client = ServiceBuilder::new()
        .layer(TripwireLayer::by(tripwire.clone(), |prompt: &Prompt| Some(prompt.0)))
        .service(service_fn(async |_: Prompt| Ok::<_, BoxError>(())));
    assert!(client.clone().oneshot(Prompt("models.internal")).await.is_err());
    assert!(client.oneshot(Prompt("example.com")).await.is_ok());
}

#[tokio::test]
async fn a_request_without_a_host_in_its_uri_is_seen_by_its_header() {
    #[derive(Debug, PartialEq)]
    struct Refused(String);
    impl From<UnguardedCall> for Refused {
        fn from(call: UnguardedCall) -> Self {
            Self(call.host().to_owned())
        }
    }
    let client = ServiceBuilder::new()
        .layer(TripwireLayer::new(Tripwire::refusing().host("[::1]")))
        .service(service_fn(async |_: Request<()>| Ok::<_, Refused>(())));
    for (header, expected) in [
        ("api.openai.com:8443", Err(Refused("api.openai.com".to_owned()))),
        ("api.openai.com", Err(Refused("api.openai.com".to_owned()))),
        ("[::1]", Err(Refused("[::1]".to_owned()))),
        ("[::1]:80", Err(Refused("[::1]".to_owned()))),
        ("example.com", Ok(())),
    ] {
        let request = Request::get("/v1/models").header("host", header).body(()).unwrap();
        assert_eq!(client.clone().oneshot(request).await, expected, "{header}");
    }
}

#[test]
fn any_number_of_hosts_is_counted_and_at_most_256_are_told_apart() {
    let tripwire = Tripwire::reporting().host("models.internal");
    assert_eq!(tripwire.report().to_string(), "no calls to model providers were seen\n");
    for host in 0..300 {
        tripwire.check(&format!("host-{host}.models.internal")).unwrap();
    }
    let report = tripwire.report();
    assert_eq!((report.hosts().len(), report.seen()), (257, 300));
    assert_eq!((report.hosts()[0].host.as_str(), report.hosts()[0].unguarded), ("other hosts", 44));
}

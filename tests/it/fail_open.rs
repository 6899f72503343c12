//! What runs while the authority cannot be reached, and what becomes of its spend.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use runcycles::models::{Amount, CommitOveragePolicy, Unit};
use runcycles::{
    Allowance, BoxFuture, CyclesClient, CyclesConfig, Error, JournalConfig, OnUnavailable, Scope, Transport,
    TransportError, TransportErrorKind, WithCyclesConfig, context, cycles, denial, tokens, usd,
};
use runcycles_authority::{Authority, Budget, Call, Fault, InProcess};
use tracing::Level;

use crate::support::clock::pass;
use crate::support::log::Log;
use crate::support::stream::{collect, items};

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

/// What becomes of requests on their way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Line {
    Up,
    /// No connection.
    Down,
    /// Requests arrive, answers do not.
    LosesAnswers,
    /// Something on the way answers 503.
    Unavailable,
}

/// The way to an authority.
#[derive(Clone)]
struct Way {
    authority: InProcess,
    line: Arc<Mutex<Line>>,
}

impl Way {
    fn to(authority: &Authority) -> Self {
        Self { authority: authority.transport(), line: Arc::new(Mutex::new(Line::Up)) }
    }

    fn is(&self, line: Line) {
        *self.line.lock().unwrap() = line;
    }
}

impl Transport for Way {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let line = *self.line.lock().unwrap();
        Box::pin(async move {
            match line {
                Line::Up => self.authority.call(request).await,
                Line::Down => Err(TransportError::new(TransportErrorKind::Connect)),
                Line::LosesAnswers => {
                    self.authority.call(request).await?;
                    Err(TransportError::new(TransportErrorKind::Interrupted))
                }
                Line::Unavailable => Ok(http::Response::builder().status(503).body(Bytes::new()).unwrap()),
            }
        })
    }
}

async fn authority() -> Authority {
    let builder = Authority::builder().budget("tenant:acme", usd!(100)).budget("tenant:acme", tokens(1_000));
    builder.record_requests().start().await.unwrap()
}

fn client_with(key: &str, way: &Way, policy: OnUnavailable, journal: JournalConfig) -> CyclesClient {
    let builder = CyclesClient::builder(key, "http://authority.test").tenant("acme").journal(journal);
    builder.on_unavailable(policy).transport(way.clone()).build()
}

fn client(authority: &Authority, way: &Way, policy: OnUnavailable) -> CyclesClient {
    client_with(&authority.api_key("acme"), way, policy, JournalConfig::disabled())
}

fn a_dollar_an_hour() -> OnUnavailable {
    OnUnavailable::allow(usd!(1), HOUR)
}

/// Estimates 25 cents and costs 20.
#[cycles(usd!(0.25), "llm.completion", client = client, actual = |()| usd!(0.20))]
async fn call(client: &CyclesClient) -> Result<(), Error> {
    assert!(context().is_some());
    Ok(())
}

fn spent(authority: &Authority) -> Amount {
    let ledger = authority.ledger("tenant:acme").unwrap();
    assert_eq!(ledger.reserved, usd!(0));
    ledger.spent
}

#[tokio::test(start_paused = true)]
async fn by_default_nothing_runs_while_the_authority_is_out_of_reach() {
    let authority = authority().await;
    let way = Way::to(&authority);
    let client = client(&authority, &way, OnUnavailable::default());
    for line in [Line::Down, Line::LosesAnswers, Line::Unavailable] {
        way.is(line);
        let error = call(&client).await.unwrap_err();
        assert!(error.is_unavailable() && !matches!(error, Error::AllowanceExhausted { .. }), "{error}");
    }
    way.is(Line::Up);
    pass(MINUTE).await;
    assert_eq!(spent(&authority), usd!(0));
}

#[tokio::test(start_paused = true)]
async fn calls_run_within_the_allowance_and_are_recorded_once_when_the_authority_is_back() {
    let log = Log::start();
    for line in [Line::Down, Line::LosesAnswers, Line::Unavailable] {
        let authority = authority().await;
        let way = Way::to(&authority);
        let client = client(&authority, &way, a_dollar_an_hour());
        call(&client).await.unwrap();

        way.is(line);
        for _ in 0..4 {
            call(&client).await.unwrap();
        }
        let error = call(&client).await.unwrap_err();
        let Error::AllowanceExhausted { asked, left, limit, .. } = &error else { panic!("{error}") };
        assert_eq!((asked, left, limit), (&usd!(0.25), &usd!(0.20), &usd!(1)), "cost counts, and not estimates");
        assert!(denial(&error).is_none() && error.is_unavailable() && error.is_retryable());
        // Long after the last attempt of the background.
        pass(10 * MINUTE).await;

        // The next call finds the authority, and everything else follows.
        way.is(Line::Up);
        call(&client).await.unwrap();
        pass(MINUTE).await;
        assert_eq!(spent(&authority), usd!(1.20), "{line:?}");
        authority.assert_settled();
    }
    log.told(Level::WARN, &["the authority cannot be reached", "per 3600s"]);
    log.told(Level::INFO, &["the authority is back"]);
}

#[tokio::test(start_paused = true)]
async fn an_authority_that_is_back_and_asks_to_wait_gets_the_spend_later() {
    let authority = authority().await;
    let way = Way::to(&authority);
    let client = client(&authority, &way, a_dollar_an_hour());
    way.is(Line::Down);
    call(&client).await.unwrap();
    pass(10 * MINUTE).await;

    way.is(Line::Up);
    authority.inject_on(Call::Event, Fault::RateLimited { retry_after: Duration::from_secs(5) });
    call(&client).await.unwrap();
    pass(MINUTE).await;
    assert_eq!(spent(&authority), usd!(0.40));
}

#[tokio::test(start_paused = true)]
async fn a_mistake_of_the_caller_does_not_count_as_an_answer() {
    let log = Log::start();
    let authority = authority().await;
    let way = Way::to(&authority);
    let client = client(&authority, &way, a_dollar_an_hour());
    way.is(Line::Down);
    call(&client).await.unwrap();
    pass(10 * MINUTE).await;

    let misspelt = client.scoped(Scope::agent("jane@acme.com"));
    assert!(matches!(call(&misspelt).await.unwrap_err(), Error::Validation(_)));
    assert!(log.lines().iter().all(|line| !line.contains("the authority is back")));
    way.is(Line::Up);
    call(&client).await.unwrap();
    pass(MINUTE).await;
    assert_eq!(spent(&authority), usd!(0.40));
}

#[tokio::test(start_paused = true)]
async fn calls_that_estimate_nothing_end_with_the_allowance_too() {
    #[cycles(usd!(0), "llm.completion", client = client, actual = |()| usd!(3))]
    async fn underestimated(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let authority = authority().await;
    let way = Way::to(&authority);
    let client = client(&authority, &way, a_dollar_an_hour());
    way.is(Line::Down);
    underestimated(&client).await.unwrap();
    for _ in 0..3 {
        assert!(matches!(underestimated(&client).await.unwrap_err(), Error::AllowanceExhausted { .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn spend_beyond_the_budget_is_treated_as_the_call_asked() {
    #[cycles(usd!(0.25), "llm.completion", client = client, overage_policy = CommitOveragePolicy::AllowWithOverdraft)]
    async fn with_overdraft(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let budget = Budget::new(usd!(0.10)).overdraft_limit(usd!(1));
    let authority = Authority::builder().budget("tenant:acme", budget).start().await.unwrap();
    let way = Way::to(&authority);
    let client = client(&authority, &way, a_dollar_an_hour());
    way.is(Line::Down);
    with_overdraft(&client).await.unwrap();
    way.is(Line::Up);
    pass(MINUTE).await;
    let ledger = authority.ledger("tenant:acme").unwrap();
    assert_eq!((ledger.spent, ledger.debt), (usd!(0.10), usd!(0.15)));
}

#[tokio::test(start_paused = true)]
async fn a_hold_whose_answer_was_lost_is_given_back_and_its_spend_charged_once() {
    let authority = authority().await;
    let client = client(&authority, &Way::to(&authority), a_dollar_an_hour());
    authority.inject_on(Call::Reserve, Fault::LoseResponse);
    authority.inject_on(Call::Reserve, Fault::LoseResponse);
    authority.inject_on(Call::Event, Fault::LoseResponse);
    authority.inject_on(Call::Event, Fault::Status(StatusCode::SERVICE_UNAVAILABLE));
    call(&client).await.unwrap();
    pass(MINUTE).await;
    assert_eq!(spent(&authority), usd!(0.20));
    authority.assert_settled();
    let made = |wanted| authority.requests().iter().filter(|request| request.call == Some(wanted)).count();
    assert_eq!((made(Call::Reserve), made(Call::ListReservations), made(Call::Release)), (2, 1, 1));
    assert_eq!((made(Call::Commit), made(Call::Event)), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn what_the_authority_says_is_never_overruled() {
    let authority = authority().await;
    let way = Way::to(&authority);
    let client = client(&authority, &way, a_dollar_an_hour());
    for fault in [
        Fault::Deny,
        Fault::Status(StatusCode::UNAUTHORIZED),
        Fault::Status(StatusCode::FORBIDDEN),
        Fault::Status(StatusCode::NOT_FOUND),
        Fault::Status(StatusCode::FOUND),
        Fault::RateLimited { retry_after: MINUTE },
    ] {
        for _ in 0..2 {
            authority.inject_on(Call::Reserve, fault.clone());
        }
        let error = call(&client).await.unwrap_err();
        assert!(!error.is_unavailable(), "{error}");
        if authority.pending_faults() > 0 {
            call(&client).await.unwrap_err();
        }
    }
    authority.inject_on(Call::Reserve, Fault::MalformedSuccess);
    authority.inject_on(Call::Reserve, Fault::MalformedSuccess);
    assert!(matches!(call(&client).await.unwrap_err(), Error::Ambiguous { .. }));
    authority.inject_on(Call::Reserve, Fault::MalformedSuccess);
    authority.inject_on(Call::Reserve, Fault::DropConnection);
    assert!(matches!(call(&client).await.unwrap_err(), Error::Ambiguous { .. }), "it has answered once");
    authority.freeze("tenant:acme").unwrap();
    assert!(call(&client).await.unwrap_err().is_blocked());
    // An answer from before the outage does not count either.
    authority.unfreeze("tenant:acme").unwrap();
    authority.inject_on(Call::Reserve, Fault::DropConnection);
    authority.inject_on(Call::Reserve, Fault::Deny);
    assert!(call(&client).await.unwrap_err().is_budget_exceeded());
    pass(MINUTE).await;
    assert_eq!(spent(&authority), usd!(0));
}

#[tokio::test(start_paused = true)]
async fn an_allowance_is_for_a_time_and_gives_back_what_was_not_spent() {
    let authority = authority().await;
    let way = Way::to(&authority);
    let client = client(&authority, &way, a_dollar_an_hour());
    way.is(Line::Down);
    let fails = || {
        let call = WithCyclesConfig::new(usd!(1)).action("a", "b");
        client.execute(call, |_| async { Err::<(), Box<dyn std::error::Error>>("no".into()) })
    };
    for _ in 0..3 {
        assert_eq!(fails().await.unwrap_err().to_string(), "no", "a body that fails has spent nothing");
    }
    let spends = || {
        let call = WithCyclesConfig::new(usd!(0.10)).action("a", "b");
        client.execute(call, |context| async move {
            context.set_actual(usd!(3)).unwrap();
            Ok::<(), Error>(())
        })
    };
    spends().await.unwrap();
    assert!(matches!(spends().await, Err(Error::AllowanceExhausted { .. })), "what was overspent counts too");
    pass(HOUR).await;
    spends().await.unwrap();
    assert!(matches!(spends().await, Err(Error::AllowanceExhausted { .. })));
    way.is(Line::Up);
    client.flush(HOUR).await;
    assert_eq!(spent(&authority), usd!(6), "spend is recorded in full, whatever the allowance was");
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_the_allowance_does_not_name_is_denied_and_so_is_a_call_that_needs_the_authority() {
    #[cycles((usd!(0.50), tokens(60)), "agent.step", client = client)]
    async fn both(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let authority = authority().await;
    let way = Way::to(&authority);
    way.is(Line::Down);
    let dollars = client(&authority, &way, a_dollar_an_hour());
    let error = both(&dollars).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the authority cannot be reached, and 0 tokens of the 0 tokens that may be spent without it in 3600s is left, \
         where 60 tokens was asked for; restore the connection, or allow more"
    );
    for _ in 0..3 {
        // What was taken for the call in dollars was given back.
        call(&dollars).await.unwrap();
    }
    let final_call = WithCyclesConfig::new(usd!(0.01)).action("mail.send", "mail").needs_authority();
    let refused = dollars.execute(final_call, |_| async { Ok::<(), Error>(()) }).await;
    assert!(matches!(refused, Err(Error::Transport(_))), "{refused:?}");

    let allowance = Allowance::new(usd!(5), HOUR).and(tokens(100));
    let in_both = client(&authority, &way, OnUnavailable::Allow(allowance));
    both(&in_both).await.unwrap();
    assert!(matches!(both(&in_both).await, Err(Error::AllowanceExhausted { asked, .. }) if asked == tokens(60)));
    way.is(Line::Up);
    in_both.flush(HOUR).await;
    dollars.flush(HOUR).await;
    let spent: Vec<_> = authority.ledgers("tenant:acme").into_iter().map(|ledger| ledger.spent).collect();
    assert_eq!(spent, [usd!(1.10), tokens(60)]);
}

#[tokio::test(start_paused = true)]
async fn the_ledger_is_exact_after_any_series_of_outages() {
    for seed in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed);
        let authority = Authority::builder().budget("tenant:acme", usd!(100)).start().await.unwrap();
        let way = Way::to(&authority);
        let client = client(&authority, &way, OnUnavailable::allow(usd!(3), HOUR));
        let bodies = AtomicUsize::new(0);
        for _ in 0..60 {
            if random.u8(0..3) == 0 {
                way.is(*random.choice([Line::Up, Line::Down, Line::LosesAnswers, Line::Unavailable].iter()).unwrap());
            }
            let config = WithCyclesConfig::new(usd!(0.10)).action("a", "b").subject(Scope::agent("bot"));
            let ran = client.execute(config, |context| {
                bodies.fetch_add(1, Ordering::Relaxed);
                async move {
                    context.set_actual(usd!(0.07)).unwrap();
                    Ok::<(), Error>(())
                }
            });
            match ran.await {
                Ok(()) => {}
                Err(error) => assert!(error.is_unavailable(), "{error}"),
            }
            pass(Duration::from_millis(random.u64(0..4_000))).await;
        }
        way.is(Line::Up);
        client.flush(HOUR).await;
        pass(5 * MINUTE).await;
        assert_eq!(client.flush(HOUR).await.remaining, 0);
        let expected = usd!(0.07).checked_mul(bodies.load(Ordering::Relaxed) as u64).unwrap();
        assert_eq!(spent(&authority), expected, "seed {seed}");
        authority.assert_settled();
    }
}

#[tokio::test(start_paused = true)]
async fn functions_that_need_the_authority_and_streams_never_run_by_the_allowance() {
    #[cycles(usd!(0.01), "mail.send", client = client, needs_authority = true)]
    async fn send(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    #[cycles(usd!(0.01), "llm.stream", client = client, actual = |_| usd!(0.01))]
    fn talk(client: &CyclesClient) -> impl Stream<Item = Result<u64, Error>> {
        items([Ok(1), Ok(2)])
    }

    let authority = authority().await;
    let way = Way::to(&authority);
    let client = client(&authority, &way, a_dollar_an_hour());
    way.is(Line::Down);
    assert!(matches!(send(&client).await, Err(Error::Transport(_))));
    let told = collect(Box::pin(talk(&client)), 9).await;
    assert!(matches!(told.as_slice(), [Err(Error::Transport(_))]), "{told:?}");
    call(&client).await.unwrap();
}

/// One process that makes calls: a runtime and a client of its own.
fn process(key: &str, way: &Way, journal: &Path, calls: usize) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ran = runtime.block_on(async {
        let client = client_with(key, way, a_dollar_an_hour(), JournalConfig::in_directory(journal));
        let mut ran = 0;
        for _ in 0..calls {
            ran += usize::from(call(&client).await.is_ok());
        }
        ran
    });
    // What is under way in the background ends here, as it does with a process.
    runtime.shutdown_timeout(Duration::from_secs(5));
    ran
}

#[test]
fn spend_without_the_authority_outlives_the_process_and_is_recorded_by_the_next_one() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let authority = runtime.block_on(authority());
    let (key, way, directory) = (authority.api_key("acme"), Way::to(&authority), tempfile::tempdir().unwrap());
    way.is(Line::Down);
    assert_eq!(process(&key, &way, directory.path(), 6), 4);
    // The next process has an allowance of its own, and the spend of both is on disk.
    assert_eq!(process(&key, &way, directory.path(), 1), 1);
    assert_eq!(spent(&authority), usd!(0));
    let identity = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    let records = || {
        let files = std::fs::read_dir(&identity).unwrap().map(|entry| entry.unwrap().path());
        let records = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        records.map(|path| std::fs::read_to_string(path).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(records().len(), 5);
    assert!(records().iter().all(|record| record.contains(r#""mode":"event","commit_body":null"#)));

    way.is(Line::Up);
    runtime.block_on(async {
        let client = client_with(&key, &way, a_dollar_an_hour(), JournalConfig::in_directory(directory.path()));
        assert_eq!(client.flush(Duration::from_secs(20)).await.remaining, 0);
        assert_eq!(client.settlement_counters().committed, 5);
        assert_eq!(client.settlement_counters().recovered_by_event, 0, "nothing lapsed: nothing was held");
    });
    assert_eq!(spent(&authority), usd!(1));
    assert_eq!(records().len(), 0);
}

#[test]
fn the_policy_is_read_from_a_variable() {
    let config = |value: &'static str| {
        CyclesConfig::from_vars("CYCLES_", move |name| match name {
            "CYCLES_BASE_URL" => Some("http://authority.test".to_owned()),
            "CYCLES_API_KEY" => Some("k".to_owned()),
            "CYCLES_FAIL_OPEN" => Some(value.to_owned()),
            _ => None,
        })
    };
    assert_eq!(config("deny").unwrap().on_unavailable, OnUnavailable::Deny);
    assert_eq!(config("").unwrap().on_unavailable, OnUnavailable::Deny);
    assert_eq!(config("$1 per 60min").unwrap().on_unavailable, a_dollar_an_hour());
    let OnUnavailable::Allow(both) = config("$5, 100_000 tokens per 1h").unwrap().on_unavailable else { panic!() };
    assert_eq!((both.limit(&Unit::Tokens), both.limit(&Unit::Credits).value()), (tokens(100_000), 0));
    assert_eq!((both.window(), both.to_string().as_str()), (HOUR, "$5.00, 100,000 tokens per 3600s"));
    for (value, told) in [
        ("true", "CYCLES_FAIL_OPEN: \"true\" is no allowance"),
        ("$5", "names the time"),
        ("$5 per hour", "\"hour\" is no time with a unit"),
        ("$5 per 60", "\"60\" is no time with a unit"),
        ("$5 per 0s", "the time of its allowance is zero"),
        ("5 euros per 1h", "found \"5 euros\""),
        ("per 1h", "is no allowance"),
        ("$5, $50 per 1h", "names USD_MICROCENTS twice"),
    ] {
        let error = config(value).unwrap_err().to_string();
        assert!(error.contains(told) && error.contains("CYCLES_FAIL_OPEN"), "{error}");
    }
}

//! What becomes of spend without the authority.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use runcycles::models::CommitOveragePolicy;
use runcycles::{CyclesClient, Error, JournalConfig, OnUnavailable, Scope, WithCyclesConfig, cycles, denial, usd};
use runcycles_authority::{Authority, Budget, Call, Fault};
use tracing::Level;

use super::{HOUR, Line, MINUTE, Way, a_dollar_an_hour, authority, call, client, client_with, spent};
use crate::support::clock::pass;
use crate::support::log::Log;

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

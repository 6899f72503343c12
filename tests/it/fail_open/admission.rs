//! What runs while the authority cannot be reached.

use futures_core::Stream;
use http::StatusCode;
use runcycles::models::Unit;
use runcycles::{Allowance, CyclesClient, CyclesConfig, Error, OnUnavailable, WithCyclesConfig, cycles, tokens, usd};
use runcycles_authority::{Call, Fault};

use super::{HOUR, Line, MINUTE, Way, a_dollar_an_hour, authority, call, client, spent};
use crate::support::clock::pass;
use crate::support::stream::{collect, items};

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

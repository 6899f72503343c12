//! Ladders: what stands in where the budget says no.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};

use runcycles::{
    Amount, CyclesClient, Degraded, Error, Refusal, Scope, WithCyclesConfig, cycles, ladder, risk_points,
    spawn_in_context, tokens, usd,
};
use runcycles_authority::Authority;

use crate::support::office::Office;
use crate::support::reply::{refusal, timeout};
use crate::support::script::Script;
use crate::support::sent::Route;

/// Asks for more than there is, and never runs.
async fn denied<T, E: From<Error>>(client: &CyclesClient) -> Result<T, E> {
    reserve(client, tokens(100)).await?;
    unreachable!("there are fewer tokens")
}

async fn reserve(client: &CyclesClient, estimate: Amount) -> Result<(), Error> {
    client.execute(WithCyclesConfig::new(estimate).action("a", "b"), async |_| Ok(())).await
}

async fn poor() -> (Authority, CyclesClient) {
    let authority = Authority::builder().budget("tenant:acme", tokens(50)).start().await.unwrap();
    let client = authority.client("acme");
    (authority, client)
}

#[tokio::test]
async fn the_result_says_which_rung_answered_and_why_the_others_did_not() {
    let (authority, client) = poor().await;
    let cheap = async |text: &str| reserve(&client, tokens(10)).await.map(|()| text.to_owned());
    let answer: Degraded<String> =
        ladder!["best" => denied(&client), denied::<_, Error>(&client), cheap("cheap"), else "nothing".to_owned()]
            .await
            .unwrap();
    assert!(answer.is_degraded());
    assert_eq!((answer.rung(), answer.value().as_str()), ("cheap", "cheap"));
    let skipped: Vec<_> =
        answer.skipped().iter().map(|skipped| (skipped.rung(), skipped.denial().to_string())).collect();
    let message = "budget exceeded: tenant:acme has 50 tokens left and 100 tokens was asked for; \
                   ask for less, take a cheaper action, or fund the budget";
    assert_eq!(skipped, [("best", message.to_owned()), ("denied", message.to_owned())]);
    assert_eq!(answer.map(|text| text.len()).into_value(), 5);

    let first = ladder![cheap("full"), denied(&client)].await.unwrap();
    assert!(!first.is_degraded() && first.skipped().is_empty());
    authority.assert_settled();
}

#[tokio::test]
async fn rungs_are_made_only_when_they_are_reached() {
    let (_authority, client) = poor().await;
    let calls = AtomicUsize::new(0);
    let make = |tokens: u64| {
        calls.fetch_add(1, Ordering::SeqCst);
        reserve(&client, Amount::tokens(tokens))
    };
    let climb = ladder![make(100), make(1), make(2)];
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let answer = climb.await.unwrap();
    assert_eq!((answer.rung(), calls.load(Ordering::SeqCst)), ("make", 2));
}

#[tokio::test]
async fn the_last_rung_s_error_is_the_ladder_s_and_a_last_value_has_none() {
    let (_authority, client) = poor().await;
    let error = ladder![denied::<(), Error>(&client), denied(&client)].await.unwrap_err();
    assert!(error.is_budget_exceeded());
    let answer = ladder![denied::<_, Error>(&client), else "cache" => 7].await.unwrap();
    assert_eq!((answer.rung(), *answer.value()), ("cache", 7));
    let answer = ladder![denied::<_, Error>(&client), else 8].await.unwrap();
    assert_eq!((answer.rung(), *answer.value()), ("else", 8));
}

#[tokio::test]
async fn only_the_budget_s_no_is_climbed_past() {
    let script = Script::new();
    let client = script.client();
    for code in ["BUDGET_EXCEEDED", "OVERDRAFT_LIMIT_EXCEEDED", "DEBT_OUTSTANDING"] {
        script.next(Route::Reserve, [refusal(409, code)]);
        let answer = ladder![reserve(&client, tokens(1)), else ()].await.unwrap();
        assert!(answer.is_degraded(), "{code}");
    }
    for reply in [
        refusal(409, "BUDGET_FROZEN"),
        refusal(409, "TENANT_CLOSED"),
        refusal(404, "NOT_FOUND"),
        refusal(403, "FORBIDDEN"),
        timeout(),
    ] {
        script.next(Route::Reserve, [reply.clone(), reply.clone()]);
        let result = ladder![reserve(&client, tokens(1)), else ()].await;
        result.map(Degraded::into_value).expect_err(&format!("{reply:?} was climbed past"));
        script.recover();
    }
}

#[tokio::test]
async fn a_denied_risk_ends_a_ladder_and_takes_no_fallback_whether_or_not_the_server_tells_the_unit() {
    #[cycles(risk_points(50), "email.send", client = client, fallback = Ok("sent another way"))]
    async fn send(client: &CyclesClient) -> Result<&'static str, Error> {
        Ok("sent")
    }

    let authority = Authority::builder().budget("tenant:acme", risk_points(40)).start().await.unwrap();
    let script = Script::new();
    script.always(Route::Reserve, refusal(409, "BUDGET_EXCEEDED"));
    for client in [authority.client("acme"), script.client()] {
        let error = send(&client).await.unwrap_err();
        assert!(error.is_budget_exceeded() && !error.allows_fallback(), "{error}");
        assert_eq!(error.refusal().and_then(Refusal::requested), Some(risk_points(50)));
        let error = ladder![send(&client), else "sent another way"].await.map(Degraded::into_value).unwrap_err();
        assert!(error.is_budget_exceeded(), "{error}");
    }
}

/// An error that shows no source and is no `std::error::Error`.
enum Plain {
    Cycles(#[expect(dead_code, reason = "the ladder sees it without help")] Error),
    Tool,
}

impl From<Error> for Plain {
    fn from(error: Error) -> Self {
        Self::Cycles(error)
    }
}

/// An error that shows nothing of itself.
#[derive(Debug, thiserror::Error)]
enum Transparent {
    #[error(transparent)]
    Cycles(#[from] Error),
}

/// An error that keeps a denial's text alone.
#[derive(Debug)]
struct Text(String);

impl From<Error> for Text {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

#[tokio::test]
async fn any_error_type_that_keeps_the_denial_will_do() {
    async fn climbs<E: From<Error>>(client: &CyclesClient) -> bool {
        ladder![denied::<_, E>(client), else ()].await.is_ok_and(|answer| answer.is_degraded())
    }

    let (_authority, client) = poor().await;
    assert!(climbs::<Error>(&client).await);
    assert!(climbs::<Plain>(&client).await);
    assert!(climbs::<Transparent>(&client).await);
    assert!(climbs::<anyhow::Error>(&client).await);
    assert!(climbs::<Box<dyn StdError + Send + Sync>>(&client).await);
    assert!(!climbs::<Text>(&client).await, "nobody can tell what a text was");
    let text = denied::<(), Text>(&client).await.unwrap_err().0;
    assert!(text.starts_with("budget exceeded"), "{text}");
}

#[tokio::test]
async fn a_denial_that_a_rung_has_dealt_with_is_no_reason_to_go_on() {
    let (_authority, client) = poor().await;
    let rung = async {
        if denied::<(), Error>(&client).await.is_err() {
            return Err(Plain::Tool);
        }
        Ok(())
    };
    let result = ladder![rung, else ()].await;
    assert!(matches!(result.map(Degraded::into_value), Err(Plain::Tool)));
}

#[tokio::test]
async fn a_denial_reaches_a_ladder_through_other_ladders_and_tasks() {
    let (_authority, client) = poor().await;
    let inner =
        Box::pin(async { ladder![denied::<(), Error>(&client), denied(&client)].await.map(Degraded::into_value) });
    assert!(ladder![inner, else ()].await.unwrap().is_degraded());

    let task = async {
        let client = client.clone();
        spawn_in_context(async move { denied::<(), Error>(&client).await }).await.expect("no panic")
    };
    assert!(ladder![task, else ()].await.unwrap().is_degraded());
}

#[cycles(usd!(2), "llm.completion", workflow = run, priority = "low")]
async fn opus(run: &str) -> Result<char, Error> {
    Ok('O')
}

#[cycles(usd!(0.80), "llm.completion", workflow = run, priority = "high")]
async fn sonnet(run: &str) -> Result<char, Error> {
    Ok('S')
}

async fn research(run: &str) -> Result<Degraded<char>, Error> {
    ladder![opus(run), sonnet(run), else "cache" => 'C'].await
}

#[tokio::test]
async fn a_run_of_ten_dollars_degrades_from_opus_to_sonnet_to_the_cache() {
    let office = Office::new().await;
    office.admin.budget("tenant:acme/workflow:run").ensure(usd!(10)).await.unwrap();
    let client = office.client();
    let answers = client.run(async {
        let mut answers = Vec::new();
        while answers.last().is_none_or(|answer: &Degraded<char>| answer.rung() != "cache") {
            answers.push(research("run").await.unwrap());
        }
        answers
    });
    let answers = answers.await;
    assert_eq!(answers.iter().map(Degraded::value).collect::<String>(), "OOOSSSSC");
    assert_eq!(answers.iter().filter(|answer| !answer.is_degraded()).count(), 3);
    let left = office.authority.ledger("tenant:acme/workflow:run").unwrap();
    assert_eq!((left.remaining.to_string(), left.reserved), ("$0.80".to_owned(), usd!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_loops_on_one_ledger_never_spend_more_than_it_has() {
    let office = Office::new().await;
    office.admin.budget("tenant:acme/workflow:run").ensure(usd!(10)).await.unwrap();
    let client = office.client();
    let both = [(); 2].map(|()| {
        let client = client.clone();
        tokio::spawn(async move {
            client
                .run(async {
                    let mut cost = 0;
                    loop {
                        match research("run").await.unwrap().into_value() {
                            'O' => cost += 200,
                            'S' => cost += 80,
                            _ => break cost,
                        }
                    }
                })
                .await
        })
    });
    let mut cents = 0;
    for task in both {
        cents += task.await.unwrap();
    }
    let ledger = office.authority.ledger("tenant:acme/workflow:run").unwrap();
    assert!(cents <= 1_000, "{cents}");
    assert_eq!(ledger.spent, Amount::usd_microcents(cents * 1_000_000));
    office.authority.assert_settled();
}

#[tokio::test]
async fn an_operator_s_stop_ends_a_ladder_before_its_cheaper_rungs() {
    let office = Office::new().await;
    let budget = office.admin.budget(Scope::tenant("acme").workflow("run"));
    budget.ensure(usd!(10)).await.unwrap();
    budget.freeze(runcycles::models::Unit::UsdMicrocents).await.unwrap();
    let error = office.client().run(research("run")).await.map(Degraded::into_value).unwrap_err();
    assert!(error.is_blocked(), "{error}");
}

#[tokio::test]
async fn a_ladder_may_move_to_another_thread_and_borrows_what_it_names() {
    fn sends<F: Future<Output: Debug> + Send>(future: F) -> F {
        future
    }

    let (_authority, client) = poor().await;
    let text = String::from("text");
    let climb = ladder![reserve(&client, tokens(text.len() as u64 * 100)), async {
        reserve(&client, tokens(text.len() as u64)).await
    },];
    let answer = sends(climb).await.unwrap();
    assert!(answer.is_degraded());
    drop(text);
}

//! Annotated functions against the embedded authority: what runs, what is charged, what travels.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use runcycles::models::{Amount, Level};
use runcycles::{
    BoxFuture, CyclesClient, Error, JournalConfig, Scope, Transport, TransportError, credits, cycles, tokens, usd,
};
use runcycles_authority::{Authority, InProcess};

/// An application's own error.
#[derive(Debug, PartialEq)]
enum AgentError {
    Cycles(String),
    Tool(&'static str),
}

impl From<Error> for AgentError {
    fn from(error: Error) -> Self {
        Self::Cycles(error.to_string())
    }
}

/// Writes down the paths that travel.
#[derive(Clone)]
struct Recorded {
    inner: InProcess,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Transport for Recorded {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let path = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        self.paths.lock().expect("no test panics with the lock").push(path);
        self.inner.call(request)
    }
}

fn recorded(authority: &Authority) -> (CyclesClient, Arc<Mutex<Vec<String>>>) {
    let transport = Recorded { inner: authority.transport(), paths: Arc::default() };
    let paths = Arc::clone(&transport.paths);
    let client = CyclesClient::builder(authority.api_key("acme"), "http://in.process")
        .journal(JournalConfig::disabled())
        .tenant("acme")
        .transport(transport);
    (client.build(), paths)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixty_four_tasks_exactly_thirty_seven_fit_the_budget() {
    static BODIES: AtomicUsize = AtomicUsize::new(0);

    #[cycles(tokens(10), "tool.call", client = client, agent = "swarm")]
    async fn step(client: &CyclesClient) -> Result<(), Error> {
        BODIES.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok(())
    }

    // Room for 37 calls on one level, and for all of them on the other.
    let authority = Authority::builder()
        .budget("tenant:acme", tokens(1_000))
        .budget("tenant:acme/agent:swarm", tokens(379))
        .start()
        .await
        .unwrap();
    let client = authority.client("acme");

    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let client = client.clone();
        tasks.spawn(async move { step(&client).await });
    }
    let results = tasks.join_all().await;

    let denied = results.iter().filter(|result| result.as_ref().is_err_and(Error::is_budget_exceeded)).count();
    let allowed = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!((allowed, denied, BODIES.load(Ordering::SeqCst)), (37, 27, 37));
    authority.assert_settled();
    for (scope, remaining) in [("tenant:acme", 630), ("tenant:acme/agent:swarm", 9)] {
        let ledger = authority.ledger(scope).unwrap();
        assert_eq!(ledger.spent, tokens(370), "{scope}");
        assert_eq!((ledger.reserved.value(), ledger.debt.value()), (0, 0), "{scope}");
        assert_eq!(ledger.remaining.value(), remaining, "{scope}");
    }
}

#[tokio::test]
async fn a_call_sends_a_reservation_and_its_settlement_and_nothing_else() {
    #[cycles(usd!(0.02), "llm.completion", client = client, agent = "bot", actual = |spent: &Amount| spent.clone())]
    async fn call(client: &CyclesClient, result: Result<Amount, AgentError>) -> Result<Amount, AgentError> {
        result
    }

    let authority = Authority::builder().budget("tenant:acme", usd!(0.02)).start().await.unwrap();
    let (client, paths) = recorded(&authority);
    let travelled = || std::mem::take(&mut *paths.lock().unwrap());

    assert_eq!(call(&client, Err(AgentError::Tool("broken"))).await, Err(AgentError::Tool("broken")));
    assert_eq!(travelled(), ["reservations", "release"]);
    assert_eq!(authority.ledger("tenant:acme").unwrap().remaining.to_string(), "$0.02");

    assert_eq!(call(&client, Ok(usd!(0.013))).await, Ok(usd!(0.013)));
    assert_eq!(travelled(), ["reservations", "commit"]);
    assert_eq!(authority.ledger("tenant:acme").unwrap().spent, usd!(0.013));

    let denied = call(&client, Ok(usd!(0))).await;
    let message = "budget exceeded: tenant:acme has $0.007 left and $0.02 was asked for; ask for less, take a cheaper action, \
                   or fund the budget";
    assert_eq!(denied, Err(AgentError::Cycles(message.to_owned())));
    assert_eq!(travelled(), ["reservations"]);
    authority.assert_settled();
}

#[tokio::test]
async fn scopes_are_evaluated_for_each_call_and_merge_with_where_it_runs() {
    #[cycles(credits(1), "tool.call", agent = user, toolset = tier(model))]
    async fn call(user: String, model: &str) -> Result<Vec<(Level, String)>, Error> {
        drop(user);
        let subject = runcycles::context().expect("inside a guarded call").subject().clone();
        Ok(Level::ALL.into_iter().filter_map(|level| Some((level, subject.level(level)?.to_owned()))).collect())
    }

    fn tier(model: &str) -> Option<&'static str> {
        (model == "gpt-4o").then_some("premium")
    }

    let authority = Authority::builder().budget("tenant:acme", credits(10)).start().await.unwrap();
    let client = authority.client("acme").scoped(Scope::workspace("prod").agent("overridden"));
    let (premium, economy) = client
        .run(async { (call("jane".to_owned(), "gpt-4o").await, call("joe".to_owned(), "gpt-4o-mini").await) })
        .await;

    let expected = |levels: &[(Level, &str)]| {
        levels.iter().map(|(level, value)| (*level, (*value).to_owned())).collect::<Vec<_>>()
    };
    let shared = [(Level::Tenant, "acme"), (Level::Workspace, "prod")];
    assert_eq!(
        premium.unwrap(),
        expected(&[&shared[..], &[(Level::Agent, "jane"), (Level::Toolset, "premium")]].concat())
    );
    assert_eq!(economy.unwrap(), expected(&[&shared[..], &[(Level::Agent, "joe")]].concat()));
    assert!(runcycles::context().is_none());
}

#[tokio::test]
async fn an_action_may_settle_what_it_recorded_in_place_of_the_estimate() {
    #[cycles(tokens(100), "llm.completion", client = client)]
    async fn call(client: &CyclesClient, recorded: &[u64], fail: bool) -> Result<(), AgentError> {
        let context = runcycles::context().expect("inside a guarded call");
        for amount in recorded {
            context.record_usage(&tokens(*amount)).expect("the reservation's unit");
        }
        if fail { Err(AgentError::Tool("broken")) } else { Ok(()) }
    }

    let authority = Authority::builder().budget("tenant:acme", tokens(1_000)).start().await.unwrap();
    let client = authority.client("acme");
    let spent = || authority.ledger("tenant:acme").unwrap().spent.value();

    call(&client, &[30, 12], false).await.unwrap();
    assert_eq!(spent(), 42);
    assert_eq!(call(&client, &[8], true).await, Err(AgentError::Tool("broken")));
    assert_eq!(spent(), 50);
    assert_eq!(call(&client, &[], true).await, Err(AgentError::Tool("broken")));
    assert_eq!(spent(), 50);
    call(&client, &[0], false).await.unwrap();
    assert_eq!(spent(), 50, "zero is an amount, not an absence");
    call(&client, &[], false).await.unwrap();
    assert_eq!(spent(), 150, "the estimate, where nothing is known");
    authority.assert_settled();
}

#[tokio::test]
async fn what_an_action_reports_while_it_is_dropped_is_settled() {
    /// Reports what was delivered when it goes out of scope, as a stream's meter does.
    struct Meter;

    impl Drop for Meter {
        fn drop(&mut self) {
            let context = runcycles::context().expect("a guarded call");
            context.record_usage(&tokens(7)).expect("the reservation's unit");
        }
    }

    #[cycles(tokens(100), "llm.completion", client = client)]
    async fn call(client: &CyclesClient) -> Result<(), Error> {
        let _meter = Meter;
        std::future::pending().await
    }

    let authority = Authority::builder().budget("tenant:acme", tokens(1_000)).start().await.unwrap();
    let client = authority.client("acme");
    let elapsed = tokio::time::timeout(std::time::Duration::from_millis(1), call(&client)).await;
    assert!(elapsed.is_err());
    client.flush(std::time::Duration::from_secs(10)).await;
    assert_eq!(authority.ledger("tenant:acme").unwrap().spent, tokens(7));
    authority.assert_settled();
}

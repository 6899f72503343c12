//! Every shape of function asks for the same and settles the same.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use runcycles::{BoxFuture, CyclesClient, Error, cycles, tokens};
use serde_json::json;

use crate::support::script::Script;
use crate::support::sent::Route;

struct Agent {
    cycles: CyclesClient,
    name: String,
}

impl Agent {
    fn new(script: &Script) -> Self {
        Self { cycles: script.client(), name: "bot".to_owned() }
    }

    #[cycles(tokens(9), "a.b", action_name = "ask", client = self.cycles, agent = self.name, actual = |n| *n)]
    async fn by_reference(&self, n: u64) -> Result<u64, Error> {
        Ok(n + self.name.len() as u64)
    }

    #[cycles(tokens(9), "a.b", action_name = "ask", client = self.cycles, agent = self.name, actual = |n| *n)]
    async fn by_mutable_reference(&mut self, n: u64) -> Result<u64, Error> {
        self.name.push('!');
        Ok(n + self.name.len() as u64 - 1)
    }

    #[cycles(tokens(9), "a.b", action_name = "ask", client = self.cycles, agent = self.name, actual = |n| *n)]
    async fn by_value(self, n: u64) -> Result<u64, Error> {
        Ok(n + self.name.into_bytes().len() as u64)
    }

    #[cycles(tokens(9), "a.b", action_name = "ask", client = self.cycles, agent = self.name, actual = |n| *n)]
    async fn by_arc(self: Arc<Self>, n: u64) -> Result<u64, Error> {
        Ok(n + self.name.len() as u64)
    }

    #[cycles(tokens(9), "a.b", action_name = "ask", client = self.cycles, agent = self.name, actual = |n| *n)]
    async fn by_pin(self: Pin<&Self>, n: u64) -> Result<u64, Error> {
        Ok(n + self.name.len() as u64)
    }

    #[cycles(tokens(9), "a.b", action_name = "ask", client = self.cycles, agent = self.name, actual = |n| *n)]
    fn boxed(&self, n: u64) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(async move { Ok(n + self.name.len() as u64) })
    }
}

trait Native {
    async fn native(&self, n: u64) -> Result<u64, Error>;
}

impl Native for Agent {
    #[cycles(tokens(9), "a.b", action_name = "ask", client = self.cycles, agent = self.name, actual = |n| *n)]
    async fn native(&self, n: u64) -> Result<u64, Error> {
        Ok(n + self.name.len() as u64)
    }
}

#[async_trait]
trait Boxed {
    async fn reference(&self, pair: (u64, u64)) -> Result<u64, Error>;
    async fn mutable(&mut self, n: u64) -> Result<u64, Error>;
    async fn value(self, n: u64) -> Result<u64, Error>;
}

#[async_trait]
impl Boxed for Agent {
    #[cycles(tokens(9), "a.b", action_name = "ask", client = self.cycles, agent = self.name, actual = |n| *n)]
    async fn reference(&self, (n, _): (u64, u64)) -> Result<u64, Error> {
        Ok(n + self.name.len() as u64)
    }

    #[cycles(tokens(9), "a.b", action_name = "ask", client = self.cycles, agent = self.name, actual = |n| *n)]
    async fn mutable(&mut self, mut n: u64) -> Result<u64, Error> {
        n += self.name.len() as u64;
        self.name.clear();
        Ok(n)
    }

    #[cycles(tokens(9), "a.b", action_name = "ask", client = self.cycles, agent = self.name, actual = |n| *n)]
    async fn value(self, n: u64) -> Result<u64, Error> {
        Ok(n + self.name.into_bytes().len() as u64)
    }
}

#[cycles(tokens(N), "a.b", action_name = "ask", client = client, agent = name, actual = |n| (*n).into())]
async fn generic<T: Copy + Into<u64>, const N: u64>(
    client: &CyclesClient,
    name: impl AsRef<str> + runcycles::ScopeValue,
    n: T,
) -> Result<T, Error> {
    tokio::task::yield_now().await;
    drop(name);
    Ok(n)
}

#[tokio::test]
async fn every_shape_asks_for_the_same_and_settles_the_same() {
    let script = Script::new();
    let agent = || Agent::new(&script);
    let results = [
        agent().by_reference(4).await,
        agent().by_mutable_reference(4).await,
        agent().by_value(4).await,
        Arc::new(agent()).by_arc(4).await,
        Pin::new(&agent()).by_pin(4).await,
        agent().boxed(4).await,
        agent().native(4).await,
        agent().reference((4, 0)).await,
        agent().mutable(4).await,
        agent().value(4).await,
        generic::<u64, 9>(&script.client(), "bot", 7).await,
    ];
    let shapes = results.len();
    assert_eq!(results.map(Result::unwrap), [7; 11]);

    let reserved = script.of(Route::Reserve);
    assert_eq!(reserved.len(), shapes);
    for sent in reserved {
        let request = sent.json();
        assert_eq!(request["subject"], json!({ "tenant": "acme", "agent": "bot" }));
        assert_eq!(request["action"], json!({ "kind": "a.b", "name": "ask" }));
        assert_eq!(request["estimate"], json!({ "unit": "TOKENS", "amount": 9 }));
    }
    let committed = script.of(Route::Commit);
    assert_eq!(committed.len(), shapes);
    assert!(committed.iter().all(|sent| sent.json()["actual"] == json!({ "unit": "TOKENS", "amount": 7 })));
}

#[tokio::test]
async fn the_future_of_a_guarded_function_holds_the_body_once() {
    #[expect(clippy::large_types_passed_by_value, reason = "a large argument is what this is about")]
    async fn plain(bytes: [u8; 4_096]) -> Result<u8, Error> {
        tokio::task::yield_now().await;
        Ok(bytes[0])
    }

    #[cycles(tokens(1), "a.b")]
    async fn guarded() -> Result<u8, Error> {
        let bytes = [0; 4_096];
        plain(bytes).await
    }

    #[cycles(tokens(1), "a.b")]
    async fn empty() -> Result<u8, Error> {
        Ok(0)
    }

    let body = async {
        let bytes = [0; 4_096];
        plain(bytes).await
    };
    let (guarded, empty, body) = (size_of_val(&guarded()), size_of_val(&empty()), size_of_val(&body));
    // And whether it is still there.
    let most = empty + body + size_of::<usize>();
    assert!(guarded <= most, "{guarded} > {most}");
}

//! What a test has to itself: an authority, a model that costs nothing, and the desk between them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_with_tests::{AgentError, Completion, Desk, Model, Ticket, Words};
use runcycles::{BoxFuture, CyclesClient, Usage, usd};
use runcycles_authority::testing::{ScriptedStream, StreamWatch, TokioClock};
use runcycles_authority::{Authority, AuthorityBuilder};

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A desk whose surroundings a test can look at.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) client: CyclesClient,
    pub(crate) desk: Desk<FakeModel>,
    pub(crate) model: FakeModel,
}

impl World {
    /// A desk with five dollars.
    pub(crate) async fn new() -> Result<Self, Box<dyn std::error::Error>> {
        Self::with(|builder| builder).await
    }

    /// A desk with five dollars, and what else the builder is told.
    pub(crate) async fn with(
        more: impl FnOnce(AuthorityBuilder) -> AuthorityBuilder,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let builder = Authority::builder().budget("tenant:acme", usd!(5)).clock(TokioClock::new()).record_requests();
        let authority = more(builder).start().await?;
        let client = authority.client("acme");
        let model = FakeModel::default();
        let desk = Desk::new(client.clone(), model.clone())?;
        Ok(Self { authority, client, desk, model })
    }

    /// What is true at the end of every test: nothing is held any more, and what was scripted came to pass.
    pub(crate) async fn finish(&self) {
        self.client.flush(Duration::from_secs(60)).await;
        self.authority.assert_settled();
        self.authority.assert_script_played();
    }
}

/// A question of 40 bytes, and so of ten tokens.
pub(crate) fn ticket(id: &str) -> Ticket {
    Ticket { id: id.to_owned(), question: "Where is the parcel that I have ordered?".to_owned() }
}

/// A model that uses 100 tokens of input and ten of output, and remembers what it was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeModel {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    asked: Vec<(String, u64)>,
    stream: Option<ScriptedStream<String, AgentError>>,
    is_stalled: bool,
}

impl FakeModel {
    /// The models that were asked, each with the most tokens of its answer.
    pub(crate) fn asked(&self) -> Vec<(String, u64)> {
        self.shared.lock().expect("no test panicked").asked.clone()
    }

    /// From now on it never answers.
    pub(crate) fn stall(&self) {
        self.shared.lock().expect("no test panicked").is_stalled = true;
    }

    /// What it says when it is asked for a stream.
    pub(crate) fn will_stream(&self, stream: ScriptedStream<String, AgentError>) -> StreamWatch {
        let watch = stream.watch();
        self.shared.lock().expect("no test panicked").stream = Some(stream);
        watch
    }
}

impl Model for FakeModel {
    fn complete<'a>(
        &'a self,
        model: &'a str,
        _question: &'a str,
        max_tokens: u64,
    ) -> BoxFuture<'a, Result<Completion, AgentError>> {
        Box::pin(async move {
            let is_stalled = {
                let mut shared = self.shared.lock().expect("no test panicked");
                shared.asked.push((model.to_owned(), max_tokens));
                shared.is_stalled
            };
            if is_stalled {
                std::future::pending::<()>().await;
            }
            let usage = Usage { input: 100, output: 10, ..Usage::default() };
            Ok(Completion { text: "It is on its way.".to_owned(), usage })
        })
    }

    fn stream(&self, _model: &str, _question: &str) -> Words {
        let stream = self.shared.lock().expect("no test panicked").stream.take();
        Box::pin(stream.unwrap_or_default())
    }
}

//! The chat API of a model provider on loopback, in the shape that `OpenAI` gave it, with answers that a test chooses.
//!
//! Answers are given in the order in which they were scripted, whole or as server-sent events as the request asks. A word of text
//! counts as one token of output, and an answer ends where the request's limit of tokens does.
//!
//! ```
//! use fake_provider::{Answer, FakeProvider, Tokens};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
//! let provider = FakeProvider::start().await?;
//! provider.answers(Answer::text("the sky is blue").tokens(Tokens { prompt: 12, cached: 8, ..Tokens::default() }));
//! println!("ask {}/chat/completions", provider.url());
//! assert!(provider.requests().is_empty());
//! # Ok::<(), std::io::Error>(()) })?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod answer;
mod events;

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::answer::Kind;
pub use self::answer::{Answer, Tokens};

/// A provider on loopback. It ends when it is dropped.
#[derive(Debug)]
pub struct FakeProvider {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    server: JoinHandle<io::Result<()>>,
}

/// What is still to be answered, and what was asked.
#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Answer>,
    requests: Vec<Value>,
}

impl FakeProvider {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(Arc::clone(&script));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, script, server })
    }

    /// The base of its addresses, such as `http://127.0.0.1:4711/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Adds an answer to the script.
    pub fn answers(&self, answer: Answer) {
        lock(&self.script).answers.push_back(answer);
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<Value> {
        lock(&self.script).requests.clone()
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers a request for a chat completion.
async fn complete(State(script): State<Arc<Mutex<Script>>>, Json(request): Json<Value>) -> Response<Body> {
    let answer = {
        let mut script = lock(&script);
        script.requests.push(request.clone());
        script.answers.pop_front()
    };
    let Some(answer) = answer else {
        let error =
            json!({ "error": { "message": "nothing is scripted for this request", "type": "invalid_request_error" } });
        return reply(StatusCode::BAD_REQUEST, "application/json", Body::from(error.to_string()));
    };
    if let Kind::Refused { status, body } = &answer.0 {
        let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return reply(status, "application/json", Body::from(body.clone()));
    }
    if request["stream"] == true {
        return reply(StatusCode::OK, "text/event-stream", Body::from_stream(events::of(answer, &request)));
    }
    reply(StatusCode::OK, "application/json", Body::from(answer.whole(&request)))
}

fn reply(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// A script is whole after every assignment, so a panic elsewhere leaves it usable.
fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

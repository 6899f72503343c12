//! What runs while the authority cannot be reached, and what becomes of its spend.

mod admission;
mod records;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use runcycles::models::Amount;
use runcycles::{
    BoxFuture, CyclesClient, Error, JournalConfig, OnUnavailable, Transport, TransportError, TransportErrorKind,
    context, cycles, tokens, usd,
};
use runcycles_authority::{Authority, InProcess};

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

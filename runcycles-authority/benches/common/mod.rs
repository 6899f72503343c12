//! A governed call as benchmarks make it: one reservation against four budgets, and its commit.

use std::future::Future;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use runcycles::models::Level;
use runcycles::{Transport as _, usd};
use runcycles_authority::{Authority, AuthorityBuilder, Durability, InProcess};
use uuid::Uuid;

pub(crate) const LEVELS: [(Level, &str); 4] =
    [(Level::Tenant, "acme"), (Level::Workspace, "prod"), (Level::App, "chatbot"), (Level::Agent, "bot")];
pub(crate) const API_KEY: &str = "cyc_live_benchmark_of_an_authority";

/// Where an authority keeps its state.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keeping {
    Memory,
    Disk(Durability),
}

impl Keeping {
    pub(crate) const ALL: [(Self, &str); 3] = [
        (Self::Memory, "in memory"),
        (Self::Disk(Durability::ProcessCrash), "process crash"),
        (Self::Disk(Durability::PowerLoss), "power loss"),
    ];

    /// A builder with a budget at every level of a call.
    pub(crate) fn builder(self, dir: &Path) -> AuthorityBuilder {
        let mut builder = Authority::builder().api_key(API_KEY, "acme");
        for scope in [
            "tenant:acme",
            "tenant:acme/workspace:prod",
            "tenant:acme/workspace:prod/app:chatbot",
            "tenant:acme/workspace:prod/app:chatbot/agent:bot",
        ] {
            builder = builder.budget(scope, usd!(90_000_000_000));
        }
        match self {
            Self::Memory => builder,
            Self::Disk(durability) => builder.path(dir).durability(durability),
        }
    }
}

/// A directory that is removed again.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("benchmark-{}-{}", std::process::id(), fresh())))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn fresh() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// Sends a request's body and returns the answer's.
pub(crate) trait Caller {
    fn post(&mut self, path: &str, body: String) -> impl Future<Output = Bytes> + Send;
}

const RESERVATIONS: &str = "/v1/reservations";
const RESERVE: &str = r#"{"idempotency_key":"12345678-1234-4123-8123-123456789012","subject":{"tenant":"acme","workspace":"prod","app":"chatbot","agent":"bot"},"action":{"kind":"llm.completion","name":"gpt-4o"},"estimate":{"unit":"USD_MICROCENTS","amount":2000000},"ttl_ms":60000}"#;
const COMMIT: &str = r#"{"idempotency_key":"12345678-1234-4123-8123-123456789012","actual":{"unit":"USD_MICROCENTS","amount":1300000},"metrics":{"latency_ms":850}}"#;
const KEY_AT: usize = r#"{"idempotency_key":""#.len();

/// A body that was made before, with a key of its own.
fn body(made: &str) -> String {
    let key = Uuid::from_u64_pair(0x1234_5678_1234_4123, fresh() | 1 << 63);
    let mut buffer = Uuid::encode_buffer();
    let key = &*key.hyphenated().encode_lower(&mut buffer);
    [&made[..KEY_AT], key, &made[KEY_AT + key.len()..]].concat()
}

/// Reserves, and returns the reservation's id.
pub(crate) async fn reserve(caller: &mut impl Caller) -> String {
    const MEMBER_END: &[u8] = b"_id\":\"";
    let answer = caller.post(RESERVATIONS, body(RESERVE)).await;
    let member_at = answer.windows(MEMBER_END.len()).position(|window| window == MEMBER_END).expect("an id");
    let id = &answer[member_at + MEMBER_END.len()..][..36];
    std::str::from_utf8(id).expect("an id of text").to_owned()
}

/// Reserves and commits.
pub(crate) async fn cycle(caller: &mut impl Caller) {
    let id = reserve(caller).await;
    black_box(caller.post(&[RESERVATIONS, "/", &id, "/commit"].concat(), body(COMMIT)).await);
}

/// The transport, and the headers and the address that are made once, as a client makes them.
pub(crate) struct Direct {
    transport: InProcess,
    headers: HeaderMap,
    reservations: Uri,
}

impl Direct {
    pub(crate) fn new(transport: InProcess) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("x-cycles-api-key", HeaderValue::from_static(API_KEY));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { transport, headers, reservations: uri(RESERVATIONS) }
    }
}

fn uri(path: &str) -> Uri {
    let uri = Bytes::from(["http://in-process", path].concat());
    Uri::from_maybe_shared(uri).expect("a valid address")
}

impl Caller for Direct {
    async fn post(&mut self, path: &str, body: String) -> Bytes {
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = match path {
            RESERVATIONS => self.reservations.clone(),
            path => uri(path),
        };
        *request.headers_mut() = self.headers.clone();
        let response = self.transport.call(request).await.expect("an answer");
        assert!(response.status().is_success(), "{:?}", response.body());
        response.into_body()
    }
}

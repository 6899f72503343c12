//! Directories, and authorities in them.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, StatusCode};
use runcycles::Transport as _;
use runcycles_authority::{Authority, AuthorityBuilder, InProcess};
use serde_json::Value;

/// The key of every caller.
pub(crate) const API_KEY: &str = "cyc_live_key_of_the_durability_tests";

/// A directory of one test, removed with it.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("durability-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A builder of an authority of `acme` in it.
    pub(crate) fn builder(&self) -> AuthorityBuilder {
        Authority::builder().api_key(API_KEY, "acme").path(&self.0)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What stays is in the directory for temporary files of the build.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Waits for a future on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(future)
}

pub(crate) fn start(builder: AuthorityBuilder) -> Authority {
    block_on(builder.start()).expect("a valid set-up")
}

pub(crate) fn request(method: &str, path: &str, body: &str) -> Request<Bytes> {
    let builder = Request::builder().method(method).uri(format!("http://in-process{path}"));
    let builder = builder.header("x-cycles-api-key", API_KEY).header("content-type", "application/json");
    builder.body(Bytes::copy_from_slice(body.as_bytes())).expect("a valid request")
}

/// The status and body of an answer.
pub(crate) async fn call(transport: &InProcess, request: Request<Bytes>) -> (StatusCode, Value) {
    let (head, body) = transport.call(request).await.expect("the transport always answers").into_parts();
    (head.status, serde_json::from_slice(&body).expect("every body is JSON"))
}

pub(crate) fn post(authority: &Authority, path: &str, body: &Value) -> (StatusCode, Value) {
    block_on(call(&authority.transport(), request("POST", path, &body.to_string())))
}

pub(crate) fn get(authority: &Authority, path: &str) -> (StatusCode, Value) {
    block_on(call(&authority.transport(), request("GET", path, "")))
}

/// The body of a success.
#[track_caller]
pub(crate) fn ok((status, body): (StatusCode, Value)) -> Value {
    assert!(status.is_success(), "expected a success, found {status} {body}");
    body
}

/// A body without the one member that depends on when it is asked for.
pub(crate) fn lasting(mut body: Value) -> Value {
    if let Some(body) = body.as_object_mut() {
        body.remove("remaining_ttl_ms");
    }
    body
}

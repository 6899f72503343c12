//! Asking an authority in this process.

use std::future::Future;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use runcycles::Transport as _;
use runcycles_authority::Authority;
use serde_json::Value;

/// The key of `acme`.
pub const API_KEY: &str = "cyc_live_key_of_the_fuzzers";
/// The key of the admin plane.
pub const ADMIN_KEY: &str = "admin_key_of_the_fuzzers";
/// When the clock stands.
pub const NOW_MS: u64 = 1_763_775_000_000;

/// Waits for a future on this thread.
///
/// # Panics
///
/// Where there can be no runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// The answer to a request.
///
/// # Panics
///
/// Where the answer is a server's failure.
pub fn send(authority: &Authority, request: Request<Bytes>) -> Response<Bytes> {
    let asked = format!("{} {}", request.method(), request.uri());
    let answer = block_on(authority.transport().call(request)).expect("an answer");
    assert!(answer.status().as_u16() < 500, "{asked} was answered {} {:?}", answer.status(), answer.body());
    answer
}

/// The answer to a well-formed request with both keys.
///
/// # Panics
///
/// As [`send`], and where the answer is not JSON.
pub fn ask(authority: &Authority, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let key =
        if path.starts_with("/v1/admin") { ("x-admin-api-key", ADMIN_KEY) } else { ("x-cycles-api-key", API_KEY) };
    let request =
        Request::builder().method(method).uri(path).header(key.0, key.1).header("content-type", "application/json");
    let answer = send(authority, request.body(Bytes::copy_from_slice(body.as_bytes())).expect("a valid request"));
    (answer.status(), serde_json::from_slice(answer.body()).expect("every body is JSON"))
}

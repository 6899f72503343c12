//! Which requests are repeated.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use runcycles::UnguardedCall;
use tokio::time::{Sleep, sleep};
use tower::BoxError;
use tower::retry::Policy;

/// Repeats what a provider could not answer for now, each time after a pause twice as long, and never what was denied.
#[derive(Clone, Copy, Debug)]
pub struct Attempts {
    left: u32,
    pause: Duration,
}

impl Attempts {
    /// At most so many attempts, with a pause after the first.
    pub fn new(most: u32, pause: Duration) -> Self {
        Self { left: most, pause }
    }
}

impl<B> Policy<Request<Full<Bytes>>, Response<B>, BoxError> for Attempts {
    type Future = Pin<Box<Sleep>>;

    fn retry(
        &mut self,
        _request: &mut Request<Full<Bytes>>,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Self::Future> {
        let is_transient = match result {
            Ok(response) => response.status() == StatusCode::TOO_MANY_REQUESTS || response.status().is_server_error(),
            // What the budget or the tripwire says is final.
            Err(error) => !error.is::<runcycles::Error>() && !error.is::<UnguardedCall>(),
        };
        self.left = self.left.saturating_sub(1);
        let pause = self.pause;
        self.pause = pause.saturating_mul(2);
        (is_transient && self.left > 0).then(|| Box::pin(sleep(pause)))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

//! Cycles webhooks in axum: a handler that takes a [`CyclesEvent`] runs for deliveries that were signed with a known secret, and
//! for nothing else.
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::Router;
//! use axum::extract::{FromRef, State};
//! use axum::routing::post;
//! use runcycles_with_axum_webhooks::CyclesEvent;
//! use http::StatusCode;
//! use runcycles::webhooks::{EventData, RecentEvents, WebhookVerifier, handle_once};
//!
//! #[derive(Clone, FromRef)]
//! struct App {
//!     verifier: WebhookVerifier,
//!     handled: Arc<RecentEvents>,
//! }
//!
//! async fn receive(State(handled): State<Arc<RecentEvents>>, CyclesEvent(event): CyclesEvent) -> StatusCode {
//!     let outcome = handle_once(&*handled, &event, || async {
//!         if let EventData::BudgetThreshold(budget) = event.typed_data() {
//!             println!("{} has nothing left", budget.scope.unwrap_or_default());
//!         }
//!         Ok::<_, std::io::Error>(())
//!     });
//!     match outcome.await {
//!         Ok(_) => StatusCode::NO_CONTENT,
//!         Err(_) => StatusCode::INTERNAL_SERVER_ERROR, // it comes again
//!     }
//! }
//!
//! let app = App { verifier: WebhookVerifier::new("whsec_…"), handled: Arc::new(RecentEvents::new(10_000)) };
//! let router: Router = Router::new().route("/cycles", post(receive)).with_state(app);
//! # drop(router);
//! ```

use std::fmt;

use axum::extract::{FromRef, FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use runcycles::webhooks::{Event, WebhookError, WebhookVerifier};

/// A delivery's event, once its signature over the raw body was verified. Takes the [`WebhookVerifier`] from the state.
///
/// The body is read here, up to the verifier's limit; a layer that reads and writes it again on the way breaks the signature.
#[derive(Clone, Debug)]
pub struct CyclesEvent(pub Event);

/// A delivery that is not believed. It is answered with a status and a sentence, and the authority sends it again.
#[derive(Debug)]
pub enum Rejection {
    /// The delivery was read and is not believed.
    Webhook(WebhookError),
    /// The body ended before it was complete.
    Body(Box<dyn std::error::Error + Send + Sync>),
}

impl<S> FromRequest<S> for CyclesEvent
where
    S: Send + Sync,
    WebhookVerifier: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let verifier = WebhookVerifier::from_ref(state);
        let (head, body) = request.into_parts();
        let limit = verifier.body_limit();
        let body = match Limited::new(body, limit).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let bytes = limit.saturating_add(1);
                return Err(Rejection::Webhook(WebhookError::TooLarge { bytes, limit }));
            }
            Err(error) => return Err(Rejection::Body(error)),
        };
        verifier.verify(&head.headers, &body).map(Self).map_err(Rejection::Webhook)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Webhook(error) => error.status(),
            Self::Body(_) => http::StatusCode::BAD_REQUEST,
        };
        (status, self.to_string()).into_response()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook(error) => error.fmt(f),
            Self::Body(_) => f.write_str("the body is not complete"),
        }
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Webhook(error) => std::error::Error::source(error),
            Self::Body(error) => Some(&**error),
        }
    }
}

//! Webhooks: what an authority reports as it happens, verified before it is believed.
//!
//! Needs the feature `webhooks`. An authority posts an event to a subscription's URL and signs the body with the
//! subscription's secret. [`WebhookVerifier`] checks the signature over the **raw body**, so it must see the bytes as they
//! arrived: a framework that parses the body and writes it again breaks every signature.
//!
//! Deliveries are repeated until they are answered with a 2xx, they may arrive out of order, and an operator can replay them
//! months later, so an event is handled by its id ([`handle_once`]) and ordered by its `timestamp`, never by its arrival.
//!
//! ```
//! use http::HeaderMap;
//! use runcycles::webhooks::{EventData, RecentEvents, WebhookVerifier, handle_once, sign};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = WebhookVerifier::new("whsec_new").also("whsec_old"); // both, while the secret is being rotated
//! let recent = RecentEvents::new(10_000);
//!
//! let body = br#"{"event_id": "evt_1", "event_type": "budget.exhausted", "category": "budget", "tenant_id": "acme",
//!     "timestamp": "2026-11-22T12:00:00Z", "source": "cycles-server", "data": {"scope": "tenant:acme", "remaining": 0}}"#;
//! let mut headers = HeaderMap::new();
//! headers.insert("x-cycles-signature", sign("whsec_old", body).parse()?);
//!
//! let event = verifier.verify(&headers, body)?; // an error's status() is what to answer
//! let handled = handle_once(&recent, &event, || async {
//!     if let EventData::BudgetThreshold(budget) = event.typed_data() {
//!         println!("{} has {} left", budget.scope.unwrap_or_default(), budget.remaining.unwrap_or_default());
//!     }
//!     Ok::<_, std::io::Error>(())
//! });
//! assert!(handled.await?.is_some()); // None where it was handled before; an error asks for another delivery
//! # Ok(())
//! # }
//! ```
//!
//! Cycles governance protocol, webhook delivery and event stream.

mod data;
mod dedupe;
mod error;
mod event;
mod event_type;
mod instant;
mod signature;
mod verifier;

pub use self::data::{
    ApiKeyData, BudgetDebtIncurred, BudgetLifecycle, BudgetOverLimit, BudgetState, BudgetThreshold, BurnRateAnomaly,
    CommitOverage, EventData, ObservedAllowed, ObservedDenied, PolicyData, QuotaCounterReset, QuotaThreshold,
    RateSpike, ReservationDenied, ReservationExpired, SystemData, TenantCascade, TenantLifecycle, WebhookLifecycle,
};
pub use self::dedupe::{Dedupe, HandleError, RecentEvents, handle_once};
pub use self::error::WebhookError;
pub use self::event::{Actor, ActorType, Event};
pub use self::event_type::{EventCategory, EventType};
pub use self::signature::{EVENT_ID_HEADER, EVENT_TYPE_HEADER, SIGNATURE_HEADER, sign};
pub use self::verifier::WebhookVerifier;

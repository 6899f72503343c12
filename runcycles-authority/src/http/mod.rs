//! The protocol over HTTP: requests in, answers out, without a socket.

mod admin;
mod answer;
#[cfg(feature = "evidence")]
mod attestation;
mod cursor;
mod decode;
mod direct;
mod exchange;
mod fingerprints;
mod gate;
mod instant;
mod json;
mod limits;
mod metrics;
mod names;
mod object;
mod path;
mod patience;
mod piece;
mod problem;
mod query;
mod reads;
mod registry;
mod router;
mod ruled;
mod server;
mod trace;
mod violations;
mod webhooks;
mod writes;

pub(crate) use self::gate::Gate;
pub(crate) use self::instant::parse_instant;
pub use self::limits::ServerLimits;
pub(crate) use self::path::Route;
pub(crate) use self::registry::Registry;
pub(crate) use self::router::Router;
pub(crate) use self::server::listen;
pub use self::server::{BindError, Server};

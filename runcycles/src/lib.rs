#![cfg_attr(docsrs, feature(doc_cfg))]
//! placeholder

mod client;
mod error;
mod guard;
mod heartbeat;
mod lifecycle;
mod protocol;
mod scope;
mod settlement;
mod transport;

pub mod models {
    //! The protocol's requests, answers and values.
    pub use crate::protocol::*;
}

pub use self::client::{
    Answer, CyclesClient, CyclesClientBuilder, CyclesConfig, Operation, Pages, Response, ResponseMetadata, RetryConfig,
    current_client, set_default_client,
};
pub use self::error::{ConfigError, Error, Refusal, denial};
pub use self::guard::ReservationGuard;
pub use self::lifecycle::{Context, WithCyclesConfig, context, with_cycles};
pub use self::protocol::{Amount, Reserve, credits, risk_points, tokens};
pub use self::scope::Scope;
pub use self::settlement::{FlushReport, Settlement};
#[cfg(feature = "reqwest")]
pub use self::transport::ReqwestTransport;
pub use self::transport::{BoxFuture, Transport, TransportError, TransportErrorKind};

#[doc(hidden)]
pub mod __private {
    //! Names that macros expand to. Not public API.
    pub use crate::protocol::usd_literal;
}

#![cfg_attr(docsrs, feature(doc_cfg))]
//! placeholder

mod protocol;
mod scope;
mod transport;

pub mod models {
    //! The protocol's requests, answers and values.
    pub use crate::protocol::*;
}

pub use self::protocol::{Amount, Reserve, credits, risk_points, tokens};
pub use self::scope::Scope;
pub use self::transport::{BoxFuture, Transport, TransportError, TransportErrorKind};

#[doc(hidden)]
pub mod __private {
    //! Names that macros expand to. Not public API.
    pub use crate::protocol::usd_literal;
}

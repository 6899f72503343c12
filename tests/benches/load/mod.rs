//! Governed calls, and the server that they are made at.

pub(crate) mod answers;
mod barest;
pub(crate) mod bodies;
mod by_reqwest;
mod directory;
pub(crate) mod governed;
mod kind;
mod leases;
mod record;
mod sdk;
mod server;
mod traffic;
mod typed;

pub(crate) use self::kind::{Caller, Carrier, Journal, Kind, Measurement, Way};
pub(crate) use self::leases::Arithmetic;
pub(crate) use self::server::{Server, serve};
pub(crate) use self::traffic::Told;

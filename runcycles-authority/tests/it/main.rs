//! The authority, from outside.

mod support;

mod admin;
mod bad_input;
mod builder;
mod client;
mod expiry;
mod faults;
mod headers;
mod idempotency;
mod model;
mod overage;
mod properties;
mod reads;
mod reservations;
mod server;
mod threads;
mod validation;

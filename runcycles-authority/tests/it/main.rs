//! The authority, from outside.

mod support;

mod action_kinds;
mod action_quotas;
mod action_rules;
mod admin;
mod bad_input;
mod builder;
mod client;
mod expiry;
mod faults;
mod headers;
mod idempotency;
mod model;
mod observe_mode;
mod overage;
mod properties;
mod reads;
mod reservations;
mod server;
mod testing;
mod threads;
mod validation;

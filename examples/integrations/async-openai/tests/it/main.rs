//! Chat completions against a provider on loopback and an authority in process.

mod adversity;
mod desk;
mod stream;
mod tripwire;
mod unary;

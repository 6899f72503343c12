//! The Cycles SDK recovery profile: a test for each scenario of the claim `durable`, and the runner that binds them.

#[expect(dead_code, reason = "its version is for the adapter")]
mod catalogue;
mod core;
mod durable;
mod process;
mod runner;
mod wire;
#[path = "../../sim/clock.rs"]
mod world_clock;

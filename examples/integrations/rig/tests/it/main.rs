//! Agents of rig against a provider on loopback and an authority in process.

mod agent;
mod completions;
mod ends;
mod tools;

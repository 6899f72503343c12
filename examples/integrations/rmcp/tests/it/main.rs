//! Tools of MCP servers and clients against an authority in process.

mod client;
mod server;
mod toolbox;

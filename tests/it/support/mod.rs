//! What the tests share.

pub(crate) mod clock;
pub(crate) mod honest;
pub(crate) mod log;
pub(crate) mod office;
pub(crate) mod operations;
pub(crate) mod raw_server;
pub(crate) mod reply;
pub(crate) mod schema;
pub(crate) mod script;
pub(crate) mod sent;
pub(crate) mod spans;
pub(crate) mod stream;

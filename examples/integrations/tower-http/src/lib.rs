#![doc = include_str!("../README.md")]

mod attempts;
mod model_client;
mod usage;

pub use self::attempts::Attempts;
pub use self::model_client::{Ask, ModelAnswer, ModelClient, model_client};
pub use self::usage::{Reader, usage_in_json};

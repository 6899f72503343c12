//! Measurements that travel with a commit or an event.

use serde::Serialize;

use super::validation::{ValidationError, check_chars, check_range};
use super::wire_object::Extra;

/// The largest number the reference server reads here.
const MAX_COUNT: u64 = i32::MAX as u64;

/// How many characters the name of a model or tool may have.
pub(crate) const MAX_MODEL_VERSION: usize = 128;

/// Measurements of an action (protocol: `StandardMetrics`).
///
/// ```
/// use runcycles::models::CyclesMetrics;
///
/// let metrics = CyclesMetrics { tokens_input: Some(812), tokens_output: Some(120), ..Default::default() };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CyclesMetrics {
    /// Input tokens: 0 to 2³¹ − 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_input: Option<u64>,
    /// Output tokens: 0 to 2³¹ − 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_output: Option<u64>,
    /// How long the action took: 0 to 2³¹ − 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// The model or tool that really ran: at most 128 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_version: Option<String>,
    /// Other measurements.
    #[serde(skip_serializing_if = "Extra::is_empty")]
    pub custom: Extra,
}

impl CyclesMetrics {
    /// Checks the protocol's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        for (field, value) in [
            ("metrics.tokens_input", self.tokens_input),
            ("metrics.tokens_output", self.tokens_output),
            ("metrics.latency_ms", self.latency_ms),
        ] {
            check_range(field, value.unwrap_or(0), 0..=MAX_COUNT)?;
        }
        self.model_version
            .as_ref()
            .map_or(Ok(()), |version| check_chars("metrics.model_version", version, 0..=MAX_MODEL_VERSION))
    }
}

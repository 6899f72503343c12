//! Configurations that cannot work.

use std::borrow::Cow;

/// A setting that cannot work: which one, what it holds, what it may hold. Keys are never shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid configuration: {setting}: {problem}; {cure}")]
pub struct ConfigError {
    setting: Cow<'static, str>,
    problem: String,
    cure: Cow<'static, str>,
}

impl ConfigError {
    pub(crate) fn new(
        setting: impl Into<Cow<'static, str>>,
        problem: impl Into<String>,
        cure: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { setting: setting.into(), problem: problem.into(), cure: cure.into() }
    }

    /// The same problem of a setting under another name.
    pub(crate) fn of(self, setting: impl Into<Cow<'static, str>>) -> Self {
        Self { setting: setting.into(), ..self }
    }

    /// The setting at fault, such as `CYCLES_READ_TIMEOUT`.
    pub fn setting(&self) -> &str {
        &self.setting
    }
}

//! Settings of a client.

use std::time::Duration;

use super::allowance::{Allowance, OnUnavailable};
use super::api_key::ApiKey;
use super::env;
use super::journal::JournalConfig;
use super::policy::{HeartbeatPolicy, Mode, ObservedDenial, OnUnsettled, UnknownSpend};
use crate::error::ConfigError;
use crate::protocol::{Level, Subject, ValidationError};

/// Settings of a client. [`CyclesClient::builder`](crate::CyclesClient::builder) makes them one by one,
/// [`from_env`](Self::from_env) from the environment.
///
/// `Debug` does not show the API key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CyclesConfig {
    /// Where the authority is, such as `https://cycles.example.com`; a path before `/v1` is kept.
    pub base_url: String,
    pub(crate) api_key: ApiKey,
    /// What calls leave out of their subject, most usefully the tenant.
    pub subject: Subject,
    /// How long a connection may take to be made; 2 seconds by default. An attempt as a whole may take this and
    /// [`read_timeout`](Self::read_timeout) together.
    pub connect_timeout: Duration,
    /// How long an answer may take; 5 seconds by default.
    pub read_timeout: Duration,
    /// How settlements that got no clear answer are repeated in the background.
    pub retry: RetryConfig,
    /// How known spend is kept on disk until it is settled.
    pub journal: JournalConfig,
    /// What becomes of a hold whose action ended early at an unknown cost, where the call does not say; it is released by default.
    pub unknown_spend: UnknownSpend,
    /// What becomes of guarded calls whose reservation is lost, where the call does not say; a warning by default.
    pub heartbeat: HeartbeatPolicy,
    /// What guarded calls return whose settlement is not confirmed, where the call does not say; their value by default.
    pub on_unsettled: OnUnsettled,
    /// Whether guarded calls are held to what the authority says; yes by default. Guards made by hand always are.
    pub mode: Mode,
    /// What becomes of calls that a tenant in observe mode is denied; they do not run by default.
    pub observed_denial: ObservedDenial,
    /// What becomes of guarded calls while the authority cannot be reached; they are denied by default.
    pub on_unavailable: OnUnavailable,
    /// The innermost level whose values labels of metrics may have.
    pub(crate) metric_scopes: Level,
    /// Whether calls for other tenants than the client's are refused here, since its key is known to be that tenant's.
    pub(crate) is_for_one_tenant: bool,
}

/// How settlements that got no clear answer are repeated in the background.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryConfig {
    /// Whether to repeat them at all without a call of [`flush`](crate::CyclesClient::flush); yes by default.
    pub enabled: bool,
    /// How many attempts in the background before a settlement waits for `flush`; 5 by default.
    pub max_attempts: u32,
    /// The wait before the first; 500 ms by default.
    pub initial_delay: Duration,
    /// What each wait is multiplied by to give the next; 2 by default, at least 1.
    pub multiplier: f32,
    /// The longest wait; 30 seconds by default.
    pub max_delay: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            max_attempts: 5,
            initial_delay: Duration::from_millis(500),
            multiplier: 2.0,
            max_delay: Duration::from_secs(30),
        }
    }
}

impl CyclesConfig {
    /// Settings for an authority and a key, everything else at its default.
    pub fn new(api_key: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            api_key: ApiKey::new(api_key),
            subject: Subject::default(),
            connect_timeout: Duration::from_secs(2),
            read_timeout: Duration::from_secs(5),
            retry: RetryConfig::default(),
            journal: JournalConfig::default(),
            unknown_spend: UnknownSpend::default(),
            heartbeat: HeartbeatPolicy::default(),
            on_unsettled: OnUnsettled::default(),
            mode: Mode::default(),
            observed_denial: ObservedDenial::default(),
            on_unavailable: OnUnavailable::default(),
            metric_scopes: Level::App,
            is_for_one_tenant: false,
        }
    }

    /// Settings from variables that start with `CYCLES_`.
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `CYCLES_BASE_URL` | where the authority is | required |
    /// | `CYCLES_API_KEY` | the key | required |
    /// | `CYCLES_TENANT`, `…_WORKSPACE`, `…_APP`, `…_WORKFLOW`, `…_AGENT`, `…_TOOLSET` | what calls leave out of their subject | none |
    /// | `CYCLES_CONNECT_TIMEOUT` | how long a connection may take | `2s` |
    /// | `CYCLES_READ_TIMEOUT` | how long an answer may take | `5s` |
    /// | `CYCLES_RETRY_ENABLED` | whether settlements are repeated in the background | `true` |
    /// | `CYCLES_RETRY_MAX_ATTEMPTS` | how often | `5` |
    /// | `CYCLES_RETRY_INITIAL_DELAY` | the first wait | `500ms` |
    /// | `CYCLES_RETRY_MULTIPLIER` | the growth of waits | `2.0` |
    /// | `CYCLES_RETRY_MAX_DELAY` | the longest wait | `30s` |
    /// | `CYCLES_JOURNAL_ENABLED` | whether known spend is kept on disk until it is settled | `true` with the feature `journal` |
    /// | `CYCLES_JOURNAL_DIR` | where | `~/.runcycles/commit-journal` |
    /// | `CYCLES_JOURNAL_DURABILITY` | what it survives: `process-crash` or `power-loss` | `process-crash` |
    /// | `CYCLES_UNKNOWN_SPEND` | what becomes of a hold after an early end at an unknown cost: `release`, `charge_estimate` or `hold` | `release` |
    /// | `CYCLES_HEARTBEAT_POLICY` | what becomes of calls whose reservation is lost: `warn`, `fail_on_finalize` or `cancel` | `warn` |
    /// | `CYCLES_MODE` | whether guarded calls are held to what the authority says: `enforce`, `shadow_metered`, `shadow` or `off` | `enforce` |
    /// | `CYCLES_OBSERVED_DENIAL` | what becomes of calls that a tenant in observe mode is denied: `deny` or `run` | `deny` |
    /// | `CYCLES_FAIL_OPEN` | what guarded calls may spend while the authority cannot be reached: `deny`, or an allowance such as `$5, 100_000 tokens per 1h` | `deny` |
    /// | `CYCLES_ON_UNSETTLED` | what calls return whose settlement is not confirmed: `value` or `error` | `value` |
    ///
    /// Durations are whole milliseconds (`500`), or carry a unit: `500ms`, `2s`, `5min`, `1h`. A timeout below 50 without a unit is refused,
    /// since clients in other languages count seconds there. Empty variables count as absent.
    /// The [configuration page](crate::guide::configuration) has their ranges and the builder's methods.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] naming the variable, what it holds and what it may hold.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_env_with_prefix("CYCLES_")
    }

    /// As [`from_env`](Self::from_env), with another prefix than `CYCLES_`.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_env_with_prefix(prefix: &str) -> Result<Self, ConfigError> {
        env::read(prefix, |name| match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(ConfigError::new(name.to_owned(), "it is not valid UTF-8", "correct the variable"))
            }
        })
    }

    /// As [`from_env_with_prefix`](Self::from_env_with_prefix), with variables from anywhere: a vault, a file, a map.
    ///
    /// ```
    /// use runcycles::CyclesConfig;
    ///
    /// let config = CyclesConfig::from_vars("CYCLES_", |name| match name {
    ///     "CYCLES_BASE_URL" => Some("http://localhost:7878".to_owned()),
    ///     "CYCLES_API_KEY" => Some("cyc_live_example".to_owned()),
    ///     "CYCLES_TENANT" => Some("acme".to_owned()),
    ///     _ => None,
    /// })?;
    /// assert_eq!(config.subject.tenant.as_deref(), Some("acme"));
    /// # Ok::<(), runcycles::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_vars(prefix: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        env::read(prefix, |name| Ok(lookup(name)))
    }

    /// Checks that a call is for the client's tenant, where the client has one alone.
    pub(crate) fn check_tenant(&self, subject: &Subject) -> Result<(), ValidationError> {
        if !self.is_for_one_tenant || subject.tenant == self.subject.tenant {
            return Ok(());
        }
        let [found, own] = [subject, &self.subject].map(|subject| subject.tenant.as_deref().unwrap_or_default());
        let expected = format!("{own:?}, whose client this is; take the other tenant's from TenantClients");
        Err(ValidationError::new("subject.tenant", format!("{found:?}"), expected))
    }

    /// How long one attempt may take as a whole.
    pub(crate) fn attempt_timeout(&self) -> Duration {
        self.connect_timeout.saturating_add(self.read_timeout)
    }

    /// Checks what can be checked without a network.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        for (setting, timeout) in [("connect_timeout", self.connect_timeout), ("read_timeout", self.read_timeout)] {
            if timeout.is_zero() {
                return Err(ConfigError::new(setting, "it is zero", "give the authority some time, such as 2 seconds"));
            }
        }
        if !self.retry.multiplier.is_finite() || self.retry.multiplier < 1.0 {
            let found = format!("it is {}", self.retry.multiplier);
            return Err(ConfigError::new("retry.multiplier", found, "waits must not shrink: use 1 or more"));
        }
        self.on_unavailable.allowance().map_or(Ok(()), Allowance::validate)?;
        self.journal.validate()?;
        if !self.subject.has_no_level() {
            self.subject.validate().map_err(|error| {
                ConfigError::new("subject", error.to_string(), "correct the client's default levels")
            })?;
        }
        Ok(())
    }
}

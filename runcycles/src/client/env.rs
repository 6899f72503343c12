//! Settings from variables.

use std::str::FromStr;
use std::time::Duration;

use super::config::CyclesConfig;
use super::duration::parse_duration;
use super::journal::Durability;
use crate::error::ConfigError;
use crate::protocol::Level;

/// The least timeout without a unit. Below it the author most likely meant seconds, as in other clients.
const LEAST_BARE_TIMEOUT_MS: u64 = 50;

/// Reads every setting; `lookup` gives a variable's value by its full name.
pub(super) fn read(
    prefix: &str,
    lookup: impl Fn(&str) -> Result<Option<String>, ConfigError>,
) -> Result<CyclesConfig, ConfigError> {
    let get = |name: &str| -> Result<Option<(String, String)>, ConfigError> {
        let full = format!("{prefix}{name}");
        let value = lookup(&full)?.filter(|value| !value.trim().is_empty());
        Ok(value.map(|value| (full, value)))
    };
    let require = |name: &str, cure: &'static str| {
        get(name)?
            .map(|(_, value)| value)
            .ok_or_else(|| ConfigError::new(format!("{prefix}{name}"), "it is not set", cure))
    };

    let base_url = require("BASE_URL", "set it to the authority's address, such as http://localhost:7878")?;
    let api_key = require("API_KEY", "set it to a key of your tenant")?;
    let mut config = CyclesConfig::new(api_key, base_url);
    for level in Level::ALL {
        *config.subject.level_mut(level) = get(&level.as_str().to_ascii_uppercase())?.map(|(_, value)| value);
    }
    if let Some((name, value)) = get("CONNECT_TIMEOUT")? {
        config.connect_timeout = timeout(name, &value)?;
    }
    if let Some((name, value)) = get("READ_TIMEOUT")? {
        config.read_timeout = timeout(name, &value)?;
    }
    if let Some((name, value)) = get("RETRY_ENABLED")? {
        config.retry.enabled = boolean(name, &value)?;
    }
    if let Some((name, value)) = get("RETRY_MAX_ATTEMPTS")? {
        config.retry.max_attempts = number(name, &value)?;
    }
    if let Some((name, value)) = get("RETRY_INITIAL_DELAY")? {
        config.retry.initial_delay = duration(name, &value)?.0;
    }
    if let Some((name, value)) = get("RETRY_MULTIPLIER")? {
        config.retry.multiplier = number(name, &value)?;
    }
    if let Some((name, value)) = get("RETRY_MAX_DELAY")? {
        config.retry.max_delay = duration(name, &value)?.0;
    }
    if let Some((name, value)) = get("JOURNAL_ENABLED")? {
        config.journal.enabled = boolean(name, &value)?;
    }
    if let Some((_, value)) = get("JOURNAL_DIR")? {
        config.journal.directory = Some(value.into());
    }
    if let Some((name, value)) = get("JOURNAL_DURABILITY")? {
        config.journal.durability = durability(name, &value)?;
    }
    if let Some((name, value)) = get("UNKNOWN_SPEND")? {
        config.unknown_spend = word(name, &value)?;
    }
    if let Some((name, value)) = get("HEARTBEAT_POLICY")? {
        config.heartbeat = word(name, &value)?;
    }
    if let Some((name, value)) = get("ON_UNSETTLED")? {
        config.on_unsettled = word(name, &value)?;
    }
    if let Some((name, value)) = get("OBSERVED_DENIAL")? {
        config.observed_denial = word(name, &value)?;
    }
    if let Some((name, value)) = get("FAIL_OPEN")? {
        config.on_unavailable = value.parse().map_err(|error: ConfigError| error.of(name))?;
    }
    if let Some((name, value)) = get("MODE")? {
        config.mode = word(name, &value)?;
    }
    Ok(config)
}

fn timeout(name: String, value: &str) -> Result<Duration, ConfigError> {
    let (timeout, bare) = duration(name.clone(), value)?;
    if bare && timeout < Duration::from_millis(LEAST_BARE_TIMEOUT_MS) {
        let problem = format!("{value:?} is {value} milliseconds, too short to reach an authority");
        return Err(ConfigError::new(
            name,
            problem,
            format!("write {value}s for seconds, or {value}ms if you mean it"),
        ));
    }
    Ok(timeout)
}

/// A duration, and whether it came without a unit.
fn duration(name: String, value: &str) -> Result<(Duration, bool), ConfigError> {
    parse_duration(value).ok_or_else(|| {
        let problem = format!("{value:?} is not a duration");
        ConfigError::new(name, problem, "write whole milliseconds such as 500, or 500ms, or 2s")
    })
}

fn boolean(name: String, value: &str) -> Result<bool, ConfigError> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(ConfigError::new(name, format!("{value:?} is neither true nor false"), "write true or false")),
    }
}

fn number<N: std::str::FromStr>(name: String, value: &str) -> Result<N, ConfigError> {
    value
        .trim()
        .parse()
        .map_err(|_| ConfigError::new(name, format!("{value:?} is not a number in range"), "write a plain number"))
}

/// A policy, by its word in any case.
fn word<P: FromStr<Err = ConfigError>>(name: String, value: &str) -> Result<P, ConfigError> {
    value.trim().to_ascii_lowercase().parse().map_err(|error: ConfigError| error.of(name))
}

fn durability(name: String, value: &str) -> Result<Durability, ConfigError> {
    match value.trim().to_ascii_lowercase().as_str() {
        "process-crash" | "process_crash" => Ok(Durability::ProcessCrash),
        "power-loss" | "power_loss" => Ok(Durability::PowerLoss),
        _ => {
            let problem = format!("{value:?} is no durability");
            Err(ConfigError::new(name, problem, "write process-crash or power-loss"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{HeartbeatPolicy, JournalConfig, OnUnsettled, UnknownSpend};

    /// Settings with more variables than the required ones.
    fn with(variables: &[(&str, &str)]) -> Result<CyclesConfig, ConfigError> {
        let required = [("CYCLES_BASE_URL", "http://localhost"), ("CYCLES_API_KEY", "key")];
        let lookup = |name: &str| variables.iter().chain(&required).find(|(known, _)| *known == name);
        read("CYCLES_", |name| Ok(lookup(name).map(|(_, value)| (*value).to_owned())))
    }

    fn journal(variables: &[(&str, &str)]) -> Result<JournalConfig, ConfigError> {
        Ok(with(variables)?.journal)
    }

    #[test]
    fn the_journal_is_set_by_its_variables_and_blank_ones_count_as_absent() {
        let set = [
            ("CYCLES_JOURNAL_ENABLED", "false"),
            ("CYCLES_JOURNAL_DIR", "/var/lib/agent"),
            ("CYCLES_JOURNAL_DURABILITY", "Power-Loss"),
        ];
        let expected = JournalConfig {
            enabled: false,
            directory: Some("/var/lib/agent".into()),
            durability: Durability::PowerLoss,
        };
        assert_eq!(journal(&set), Ok(expected));
        assert_eq!(journal(&set.map(|(name, _)| (name, " "))), Ok(JournalConfig::default()));
    }

    #[test]
    fn an_unknown_durability_is_an_error_that_names_the_known_ones() {
        let error = journal(&[("CYCLES_JOURNAL_DURABILITY", "fsync")]).expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "invalid configuration: CYCLES_JOURNAL_DURABILITY: \"fsync\" is no durability; \
             write process-crash or power-loss"
        );
    }

    #[test]
    fn policies_are_set_by_their_words_in_any_case() {
        let config = with(&[
            ("CYCLES_UNKNOWN_SPEND", "Charge_Estimate"),
            ("CYCLES_HEARTBEAT_POLICY", " fail_on_finalize "),
            ("CYCLES_ON_UNSETTLED", "error"),
        ]);
        let config = config.expect("known words");
        assert_eq!(config.unknown_spend, UnknownSpend::ChargeEstimate);
        assert_eq!((config.heartbeat, config.on_unsettled), (HeartbeatPolicy::FailOnFinalize, OnUnsettled::Error));

        let error = with(&[("CYCLES_UNKNOWN_SPEND", "keep")]).expect_err("no such policy");
        assert_eq!(
            error.to_string(),
            "invalid configuration: CYCLES_UNKNOWN_SPEND: \"keep\" is no such policy; \
             write one of: release charge_estimate hold"
        );
    }
}

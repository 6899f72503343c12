//! Settings that cannot work are errors that say why, and what to do.

use std::collections::HashMap;
use std::time::Duration;

use runcycles::{ConfigError, CyclesClient, CyclesClientBuilder, CyclesConfig};

use crate::support::script::{API_KEY, Script};

const URL: &str = "http://authority.test";

/// Reads variables by the names after the prefix, on top of an address and a key.
fn read(variables: &[(&'static str, &'static str)]) -> Result<CyclesConfig, ConfigError> {
    let mut all = HashMap::from([("BASE_URL", URL), ("API_KEY", API_KEY)]);
    all.extend(variables.iter().copied());
    CyclesConfig::from_vars("CYCLES_", |name| all.get(name.strip_prefix("CYCLES_")?).map(|value| (*value).to_owned()))
}

#[track_caller]
fn refuses<T: std::fmt::Debug>(result: Result<T, ConfigError>, setting: &str, text: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.setting(), setting);
    let message = error.to_string();
    assert!(message.starts_with(&format!("invalid configuration: {setting}: ")), "{message}");
    assert!(message.contains(text), "{message}, expected {text}");
    assert!(!message.contains(API_KEY), "{message}");
}

#[test]
fn a_key_that_no_header_can_carry_is_refused_without_showing_it() {
    for (key, text) in [
        ("", "it is empty; set the key, for example by CYCLES_API_KEY"),
        (" \t", "it is empty"),
        ("cyc_live_do-not-show\n", "check it for line breaks"),
        ("cyc_live_do-not-show\r\nX-Admin: yes", "check it for line breaks"),
        ("cyc_live_do-not-show\u{0}", "no HTTP header can carry"),
    ] {
        refuses(CyclesClient::builder(key, URL).try_build(), "api_key", text);
    }
}

#[test]
fn an_address_that_can_never_work_is_refused() {
    for (url, text) in [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("localhost:7878", "\"localhost:7878\""),
        ("/v1", "has no scheme"),
        ("authority.test", "has no scheme"),
        ("ftp://authority.test", "has the scheme \"ftp\""),
        ("file:///etc", "file:///etc"),
        ("http://", "http://"),
        ("http:///path", "http:///path"),
        ("http://:80", "http://:80"),
        ("http://authority.test:99999", "99999"),
        ("http://authority.test:http", ":http"),
        ("http://[::1", "[::1"),
        ("http://authority test", "not a URL"),
        (" http://authority.test", "not a URL"),
        ("http://authority.test/a b", "not a URL"),
        ("http://bücher.test", "not a URL"),
        ("http://jane:secret@authority.test", "user name or password"),
        ("http://authority.test?tenant=acme", "query or fragment"),
        ("http://authority.test/#top", "query or fragment"),
    ] {
        refuses(CyclesClient::builder(API_KEY, url).try_build(), "base_url", text);
    }
    let swapped = CyclesClient::builder("http://authority.test", "cyc_live_secret").try_build().unwrap_err();
    assert!(!swapped.to_string().contains("secret") && swapped.to_string().contains("the key first"), "{swapped}");
    let secret = CyclesClient::builder(API_KEY, "http://jane:secret@authority.test").try_build().unwrap_err();
    assert!(!secret.to_string().contains("secret"), "{secret}");
}

#[test]
fn settings_that_contradict_their_purpose_are_refused() {
    let builder = || Script::new().builder();
    refuses(builder().connect_timeout(Duration::ZERO).try_build(), "connect_timeout", "it is zero");
    refuses(builder().read_timeout(Duration::ZERO).try_build(), "read_timeout", "it is zero");
    refuses(builder().tenant("a/b").try_build(), "subject", "subject.tenant");
    refuses(builder().agent("").try_build(), "subject", "subject.agent");
    for multiplier in [f32::NAN, f32::INFINITY, 0.5, -1.0] {
        let mut config = CyclesConfig::new(API_KEY, URL);
        config.retry.multiplier = multiplier;
        refuses(CyclesClientBuilder::from_config(config).try_build(), "retry.multiplier", "use 1 or more");
    }
}

#[test]
#[should_panic(expected = "invalid configuration: base_url: it is empty")]
fn building_without_asking_panics_on_what_can_never_work() {
    let _ = CyclesClient::builder(API_KEY, "").build();
}

#[test]
fn without_variables_everything_has_its_default() {
    let config = read(&[]).unwrap();
    assert!(config.subject.has_no_level());
    assert_eq!((config.connect_timeout, config.read_timeout), (Duration::from_secs(2), Duration::from_secs(5)));
    assert_eq!(config.retry, runcycles::RetryConfig::default());
}

#[test]
fn variables_set_everything_under_any_prefix() {
    let lookup = |name: &str| {
        let value = match name.strip_prefix("MY_")? {
            "BASE_URL" => URL,
            "API_KEY" => API_KEY,
            "TENANT" => "acme",
            "CONNECT_TIMEOUT" => "250ms",
            "READ_TIMEOUT" => " 2s ",
            "RETRY_ENABLED" => "false",
            "RETRY_MAX_ATTEMPTS" => "9",
            "RETRY_INITIAL_DELAY" => "20",
            "RETRY_MULTIPLIER" => "1.5",
            "RETRY_MAX_DELAY" => "1s",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let config = CyclesConfig::from_vars("MY_", lookup).unwrap();
    assert_eq!(config.subject.tenant.as_deref(), Some("acme"));
    assert_eq!((config.connect_timeout, config.read_timeout), (Duration::from_millis(250), Duration::from_secs(2)));
    let retry = config.retry;
    assert_eq!((retry.enabled, retry.max_attempts), (false, 9));
    assert_eq!((retry.initial_delay, retry.max_delay), (Duration::from_millis(20), Duration::from_secs(1)));
    assert!((retry.multiplier - 1.5).abs() < f32::EPSILON);
}

#[test]
fn an_address_and_a_key_are_required_and_blanks_are_absent() {
    for (name, setting) in [("BASE_URL", "CYCLES_BASE_URL"), ("API_KEY", "CYCLES_API_KEY")] {
        for blank in ["", "  "] {
            refuses(read(&[(name, blank)]), setting, "it is not set");
        }
    }
    let config = read(&[("TENANT", ""), ("READ_TIMEOUT", " "), ("RETRY_ENABLED", "")]).unwrap();
    assert!(config.subject.has_no_level());
    assert_eq!(config.read_timeout, Duration::from_secs(5));
}

#[test]
fn durations_are_milliseconds_or_carry_a_unit() {
    for (text, millis) in [("2s", 2_000), ("500ms", 500), ("2000", 2_000), ("50", 50), ("2ms", 2), ("0050", 50)] {
        assert_eq!(read(&[("READ_TIMEOUT", text)]).unwrap().read_timeout, Duration::from_millis(millis), "{text}");
    }
    for name in ["CONNECT_TIMEOUT", "READ_TIMEOUT", "RETRY_INITIAL_DELAY", "RETRY_MAX_DELAY"] {
        for text in ["2.0", "abc", "-1", "+1", "1e3", "2 s", "2m", "2S", "s", "ms", "18446744073709551616", "٣s", "1s1"]
        {
            refuses(read(&[(name, text)]), &format!("CYCLES_{name}"), "is not a duration; write whole milliseconds");
        }
    }
}

#[test]
fn a_bare_timeout_that_must_mean_seconds_is_refused() {
    for (text, cure) in [("2", "write 2s for seconds, or 2ms if you mean it"), ("49", "49s"), ("0", "0 milliseconds")] {
        refuses(read(&[("CONNECT_TIMEOUT", text)]), "CYCLES_CONNECT_TIMEOUT", cure);
    }
    // A wait may well be that short.
    assert_eq!(read(&[("RETRY_INITIAL_DELAY", "2")]).unwrap().retry.initial_delay, Duration::from_millis(2));
}

#[test]
fn booleans_and_numbers_are_read_as_people_write_them() {
    for (text, enabled) in [
        ("true", true),
        ("TRUE", true),
        ("1", true),
        ("yes", true),
        (" on ", true),
        ("false", false),
        ("0", false),
        ("No", false),
        ("off", false),
    ] {
        assert_eq!(read(&[("RETRY_ENABLED", text)]).unwrap().retry.enabled, enabled, "{text}");
    }
    for text in ["2", "y", "enabled", "t"] {
        refuses(read(&[("RETRY_ENABLED", text)]), "CYCLES_RETRY_ENABLED", "is neither true nor false");
    }
    for (name, text) in [
        ("RETRY_MAX_ATTEMPTS", "-1"),
        ("RETRY_MAX_ATTEMPTS", "4294967296"),
        ("RETRY_MAX_ATTEMPTS", "2.5"),
        ("RETRY_MULTIPLIER", "two"),
    ] {
        refuses(read(&[(name, text)]), &format!("CYCLES_{name}"), "is not a number in range");
    }
    for multiplier in ["0.5", "NaN", "inf"] {
        let config = read(&[("RETRY_MULTIPLIER", multiplier)]).unwrap();
        refuses(CyclesClientBuilder::from_config(config).try_build(), "retry.multiplier", "use 1 or more");
    }
}

#[test]
fn the_process_environment_is_read_under_the_prefix_that_is_asked_for() {
    refuses(CyclesConfig::from_env_with_prefix("NO_SUCH_PREFIX_"), "NO_SUCH_PREFIX_BASE_URL", "it is not set");
}

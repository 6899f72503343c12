//! Bodies of requests about subscriptions.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use runcycles::webhooks::{EventCategory, EventType};
use serde_json::{Map, Value};

use crate::http::object::{Integer, Text, request_object};
use crate::http::query::shown;
use crate::http::violations::Violations;
use crate::state::{RetryPolicy, SYSTEM, Subscription, SubscriptionStatus};

request_object! {
    /// What a subscription is made or changed with.
    SubscriptionBody {
        url: Text<'de>,
        event_types: Vec<Text<'de>>,
        event_categories: Vec<Text<'de>>,
        name: Text<'de>,
        description: Text<'de>,
        scope_filter: Text<'de>,
        thresholds: Map<String, Value>,
        signing_secret: Text<'de>,
        headers: BTreeMap<Text<'de>, Text<'de>>,
        retry_policy: RetryBody<'de>,
        disable_after_failures: Integer,
        metadata: Map<String, Value>,
        status: Text<'de>,
    }
}

request_object! {
    RetryBody {
        max_retries: Integer,
        initial_delay_ms: Integer,
        backoff_multiplier: f64,
        max_delay_ms: Integer,
    }
}

request_object! {
    /// What is to be delivered again.
    ReplayBody {
        from: Text<'de>,
        to: Text<'de>,
        event_types: Vec<Text<'de>>,
        max_events: Integer,
    }
}

impl SubscriptionBody<'_> {
    /// Sets what is given, and collects what cannot be. Returns the members that were given.
    pub(super) fn apply(&self, row: &mut Subscription, violations: &mut Violations) -> Vec<&'static str> {
        let mut given = Vec::new();
        let mut text = |name: &'static str, member: &Option<Text<'_>>, most: usize, set: &mut dyn FnMut(&str)| {
            if let Some(text) = member {
                violations.chars(name, text, 0..=most);
                set(text);
                given.push(name);
            }
        };
        text("url", &self.url, 2_048, &mut |url| url.clone_into(&mut row.url));
        text("name", &self.name, 256, &mut |name| row.name = Some(name.to_owned()));
        text("description", &self.description, 1_024, &mut |text| row.description = Some(text.to_owned()));
        text("scope_filter", &self.scope_filter, 1_024, &mut |filter| {
            row.scope_filter = Some(filter.to_ascii_lowercase()).filter(|filter| !filter.is_empty());
        });
        text("signing_secret", &self.signing_secret, 256, &mut |secret| secret.clone_into(&mut row.secret));
        if self.signing_secret.as_ref().is_some_and(|secret| secret.trim().is_empty()) {
            violations.add("signing_secret", "must not be blank");
        }
        if let Some(types) = &self.event_types {
            check_types(types, violations);
            row.event_types = owned(types);
            given.push("event_types");
        }
        if let Some(categories) = &self.event_categories {
            for name in
                categories.iter().filter(|name| matches!(EventCategory::from(&***name), EventCategory::Unknown(_)))
            {
                violations.add("event_categories", format_args!("unknown category {}", shown(name)));
            }
            row.event_categories = owned(categories);
            given.push("event_categories");
        }
        if let Some(headers) = &self.headers {
            check_headers(headers, violations);
            row.headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            given.push("headers");
        }
        if let Some(policy) = &self.retry_policy {
            row.retries = policy.apply(row.retries, violations);
            given.push("retry_policy");
        }
        if let Some(Integer(failures)) = self.disable_after_failures {
            violations.range("disable_after_failures", failures, 1..=i64::from(u32::MAX));
            row.disable_after = u32::try_from(failures).unwrap_or(u32::MAX);
            given.push("disable_after_failures");
        }
        if let Some(thresholds) = &self.thresholds {
            row.thresholds = Some(thresholds.clone());
            given.push("thresholds");
        }
        if let Some(metadata) = &self.metadata {
            row.metadata = Some(metadata.clone());
            given.push("metadata");
        }
        if let Some(status) = &self.status {
            match &**status {
                "ACTIVE" => row.status = SubscriptionStatus::Active,
                "PAUSED" => row.status = SubscriptionStatus::Paused,
                other => {
                    violations.add("status", format_args!("must be one of ACTIVE, PAUSED, found {}", shown(other)));
                }
            }
            given.push("status");
        }
        given
    }
}

impl RetryBody<'_> {
    fn apply(&self, before: RetryPolicy, violations: &mut Violations) -> RetryPolicy {
        let mut number = |name: &str, given: Option<Integer>, before: u64, allowed: std::ops::RangeInclusive<i64>| {
            let Some(Integer(number)) = given else { return before };
            violations.range(name, number, allowed);
            u64::try_from(number).unwrap_or(before)
        };
        let retries = number("retry_policy.max_retries", self.max_retries, before.max_retries.into(), 0..=10);
        let initial_delay_ms =
            number("retry_policy.initial_delay_ms", self.initial_delay_ms, before.initial_delay_ms, 100..=60_000);
        let max_delay_ms =
            number("retry_policy.max_delay_ms", self.max_delay_ms, before.max_delay_ms, 1_000..=3_600_000);
        let backoff_multiplier = self.backoff_multiplier.unwrap_or(before.backoff_multiplier);
        if !(1.0..=10.0).contains(&backoff_multiplier) {
            violations
                .add("retry_policy.backoff_multiplier", format_args!("must be 1 to 10, found {backoff_multiplier}"));
        }
        let max_retries = u32::try_from(retries).unwrap_or(u32::MAX);
        RetryPolicy { max_retries, initial_delay_ms, backoff_multiplier, max_delay_ms }
    }
}

/// Checks that a subscription asks for something, and a tenant's for nothing beyond the tenant.
pub(super) fn check_selectors(row: &Subscription) -> Result<(), String> {
    if row.event_types.is_empty() && row.event_categories.is_empty() {
        return Err("must have at least one, or a category".to_owned());
    }
    if *row.tenant == *SYSTEM {
        return Ok(());
    }
    let categories = row.event_types.iter().filter_map(|name| name.split('.').next());
    let mut categories = categories.chain(row.event_categories.iter().map(String::as_str));
    match categories.find(|category| !["budget", "reservation", "tenant"].contains(category)) {
        None => Ok(()),
        Some(other) => Err(format!(
            "a tenant may subscribe to budget, reservation and tenant, found {}: others are for operators",
            shown(other)
        )),
    }
}

fn check_types(types: &[Text<'_>], violations: &mut Violations) {
    let is_unknown =
        |name: &&Text<'_>| matches!(EventType::from(&***name), EventType::Unknown(_)) && !name.starts_with("custom.");
    for name in types.iter().filter(is_unknown) {
        violations.add("event_types", format_args!("unknown type {}", shown(name)));
    }
}

/// Headers of a delivery's own are the sender's.
fn check_headers(headers: &BTreeMap<Text<'_>, Text<'_>>, violations: &mut Violations) {
    for (name, value) in headers {
        let reserved = ["content-length", "content-type", "host", "traceparent", "transfer-encoding", "user-agent"];
        let lower = name.to_ascii_lowercase();
        if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err() {
            violations.add("headers", format_args!("{} is no header, or its value is none", shown(name)));
        } else if lower.starts_with("x-cycles-") || reserved.contains(&lower.as_str()) {
            violations.add("headers", format_args!("{} is set by the authority", shown(name)));
        }
    }
}

fn owned(texts: &[Text<'_>]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

//! Subscriptions and deliveries as answers show them. Secrets and the values of headers are not shown.

use crate::http::admin::{instant, instant_if, text_if};
use crate::http::json::Object;
use crate::state::Subscription;
use crate::webhooks::{DeliveryRecord, Health};

/// What stands for the value of a header.
const MASKED: &str = "********";

pub(super) fn subscription(object: &mut Object<'_>, row: &Subscription, health: Health) {
    object.text("subscription_id", &row.id);
    object.text("tenant_id", &row.tenant);
    text_if(object, "name", row.name.as_deref());
    text_if(object, "description", row.description.as_deref());
    object.text("url", &row.url);
    object.value("event_types", &row.event_types);
    if !row.event_categories.is_empty() {
        object.value("event_categories", &row.event_categories);
    }
    text_if(object, "scope_filter", row.scope_filter.as_deref());
    if let Some(thresholds) = &row.thresholds {
        object.value("thresholds", thresholds);
    }
    if !row.headers.is_empty() {
        let masked: std::collections::BTreeMap<_, _> = row.headers.keys().map(|name| (name, MASKED)).collect();
        object.value("headers", &masked);
    }
    object.object("retry_policy", |object| {
        object.count("max_retries", row.retries.max_retries.into());
        object.count("initial_delay_ms", row.retries.initial_delay_ms);
        object.value("backoff_multiplier", &row.retries.backoff_multiplier);
        object.count("max_delay_ms", row.retries.max_delay_ms);
    });
    object.count("disable_after_failures", row.disable_after.into());
    object.plain("status", row.status.as_str());
    object.count("consecutive_failures", health.consecutive_failures.into());
    instant(object, "created_at", row.created_at);
    instant_if(object, "updated_at", row.updated_at);
    instant_if(object, "last_triggered_at", health.last_triggered_at);
    instant_if(object, "last_success_at", health.last_success_at);
    instant_if(object, "last_failure_at", health.last_failure_at);
    if let Some(metadata) = &row.metadata {
        object.value("metadata", metadata);
    }
}

pub(super) fn delivery(object: &mut Object<'_>, subscription: &str, record: &DeliveryRecord) {
    object.text("delivery_id", &record.id);
    object.text("subscription_id", subscription);
    object.text("event_id", &record.told.id);
    object.text("event_type", record.told.event_type.as_str());
    object.plain("status", record.status.as_str());
    object.count("attempts", record.attempts.into());
    instant(object, "attempted_at", record.attempted_at);
    instant_if(object, "completed_at", record.completed_at);
    instant_if(object, "next_retry_at", record.next_retry_at);
    object.count_if("response_status", record.response_status.map(u64::from));
    object.count_if("response_time_ms", record.response_time_ms);
    text_if(object, "error_message", record.error.as_deref());
    object.text("trace_id", &record.told.trace_id);
}

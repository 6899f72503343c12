//! Events and deliveries: lists, and what is delivered again.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{Webhooks, Whose, body, not_found, shared, write};
use crate::engine::SortValue;
use crate::engine::admin::Page;
use crate::http::admin::{Listing, check_instant};
use crate::http::decode::parse;
use crate::http::exchange::Reply;
use crate::http::json::{self, Object};
use crate::http::object::Integer;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::violations::Violations;
use crate::state::Subscription;
use crate::webhooks::{DeliveryRecord, DeliveryStatus, Told};

impl Webhooks<'_> {
    pub(super) fn list_events(&self, whose: &Whose, query: &Query<'_>) -> Result<Reply, Problem> {
        let window = query.window("from", "to")?;
        let names = ["event_type", "category", "scope", "trace_id", "request_id"];
        let [event_type, category, scope, trace_id, request_id] = names.map(|name| query.get_some(name));
        let filters = format!("events {:?} {window:?} {:?}", whose.tenant, names.map(|name| query.get_some(name)));
        let listing = Listing::read(query, &["timestamp"], &filters)?;
        let is = |wanted: Option<&str>, found: &str| wanted.is_none_or(|wanted| wanted == found);
        let mut events = self.engine.desk().events();
        events.retain(|told| {
            whose.may_see(told)
                && is(event_type, told.event_type.as_str())
                && is(category, &told.category)
                && is(trace_id, &told.trace_id)
                && request_id.is_none_or(|wanted| told.request_id.as_deref() == Some(wanted))
                && scope.is_none_or(|wanted| told.scope.as_deref().is_some_and(|scope| scope.starts_with(wanted)))
                && window.as_ref().is_none_or(|window| window.contains(&told.at))
        });
        let page = listing.paging.cut(events.iter(), |told| (SortValue::Number(told.at), told.id.clone()));
        let write = |object: &mut Object<'_>, told: &Arc<Told>| write_event(object, told);
        Ok(Reply::ok(listing.write("events", &page, write)))
    }

    pub(super) fn find_event(&self, whose: &Whose, id: &str) -> Result<Reply, Problem> {
        let events = self.engine.desk().events();
        let found = events.into_iter().find(|told| told.id == id && whose.may_see(told));
        let found = found.ok_or_else(|| not_found("EVENT_NOT_FOUND", format!("Event not found: {id}")))?;
        Ok(Reply::ok(found.body.clone()))
    }

    pub(super) fn list_deliveries(&self, row: &Subscription, query: &Query<'_>) -> Result<Reply, Problem> {
        let window = query.window("from", "to")?;
        let status = query.one_of("status", &DeliveryStatus::ALL, DeliveryStatus::as_str, true)?;
        let filters = format!("deliveries {} {window:?} {status:?}", row.id);
        let listing = Listing::read(query, &["attempted_at"], &filters)?;
        let mut records = self.engine.desk().deliveries(&row.id);
        records.retain(|record| {
            status.is_none_or(|status| status == record.status)
                && window.as_ref().is_none_or(|window| window.contains(&record.attempted_at))
        });
        let key = |record: &DeliveryRecord| (SortValue::Number(record.attempted_at), record.id.clone());
        let page: Page<DeliveryRecord> = listing.paging.cut(records.iter(), key);
        let write = |object: &mut Object<'_>, record: &DeliveryRecord| write::delivery(object, &row.id, record);
        Ok(Reply::ok(listing.write("deliveries", &page, write)))
    }

    /// Queues what was told within a window again. It is all of it or nothing.
    pub(super) fn replay(&self, row: &Subscription) -> Result<Reply, Problem> {
        let body: body::ReplayBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        let from = violations.require("from", body.from.as_ref());
        let to = violations.require("to", body.to.as_ref());
        let from = check_instant("from", from, &mut violations).unwrap_or_default();
        let to = check_instant("to", to, &mut violations).unwrap_or_default();
        let Integer(most) = body.max_events.unwrap_or(Integer(100));
        violations.range("max_events", most, 1..=1_000);
        violations.into_result()?;

        let types = body.event_types.unwrap_or_default();
        let mut events = self.engine.desk().events();
        events.retain(|told| {
            (from..=to).contains(&told.at)
                && (types.is_empty() || types.iter().any(|name| **name == *told.event_type.as_str()))
                && row.wants(&told.tenant, told.event_type.as_str(), &told.category, told.scope.as_deref())
        });
        let count = events.len();
        if count > usize::try_from(most).unwrap_or(usize::MAX) {
            let message = format!(
                "Validation failed: max_events: {count} events are in the window, found {most}: narrow the window, or raise it"
            );
            return Err(Problem::invalid(message));
        }
        events.reverse();
        self.engine.desk().replay(&shared(row), events, self.engine.clock_ms());
        Ok(Reply::accepted(json::object(|answer| {
            answer.text("replay_id", &self.ids.next_named("replay_"));
            answer.count("events_queued", u64::try_from(count).unwrap_or(u64::MAX));
            answer.count("estimated_completion_seconds", 0);
        })))
    }
}

/// Writes an event as it was delivered.
fn write_event(object: &mut Object<'_>, told: &Told) {
    let members: std::collections::BTreeMap<String, Box<RawValue>> =
        serde_json::from_slice(&told.body).unwrap_or_default();
    for (name, value) in &members {
        object.member(name, value);
    }
}

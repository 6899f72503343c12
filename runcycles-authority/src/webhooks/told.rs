//! Events as they are delivered.

use std::sync::Arc;

use bytes::Bytes;
use runcycles::models::{EventId, Timestamp};
use runcycles::webhooks::{Actor, ActorType, Event, EventCategory, EventType};
use uuid::Uuid;

use super::Origin;
use crate::clock::Millis;
use crate::state::News;

/// An event as it is delivered, to everybody and every time: one byte sequence.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) event_type: EventType,
    pub(crate) category: String,
    pub(crate) tenant: Arc<str>,
    pub(crate) scope: Option<Arc<str>>,
    pub(crate) at: Millis,
    pub(crate) trace_id: String,
    pub(crate) request_id: Option<String>,
    pub(crate) body: Bytes,
}

impl Told {
    /// Makes an event of news; `None` where it cannot be written, which objects of texts and numbers always can.
    pub(super) fn new(news: News, at: Millis, origin: Option<Origin>) -> Option<Self> {
        let origin = origin.filter(|_| !news.is_own);
        let id = format!("evt_{}", Uuid::new_v4().simple());
        let category = news.event_type.as_str().split('.').next().unwrap_or_default().to_owned();
        let trace_id = match &origin {
            Some(origin) => String::from_utf8_lossy(&origin.trace_id).into_owned(),
            None => Uuid::new_v4().simple().to_string(),
        };
        let mut event = Event::new(
            EventId::new(id.clone()).ok()?,
            news.event_type.clone(),
            EventCategory::from(category.as_str()),
            Timestamp::from_epoch_ms(at).to_string(),
            news.tenant.to_string(),
            "runcycles-authority".to_owned(),
        );
        event.scope = news.scope.as_ref().map(ToString::to_string);
        event.data = Some(news.data);
        event.request_id = origin.map(|origin| origin.request_id.to_string());
        event.trace_id = Some(trace_id.clone());
        event.actor = Some(Actor::new(match origin {
            None => ActorType::System,
            Some(origin) if origin.is_operator => ActorType::Admin,
            Some(_) => ActorType::ApiKey,
        }));
        let body = serde_json::to_vec(&event).ok()?.into();
        let Event { event_type, request_id, .. } = event;
        Some(Self { id, event_type, category, tenant: news.tenant, scope: news.scope, at, trace_id, request_id, body })
    }
}

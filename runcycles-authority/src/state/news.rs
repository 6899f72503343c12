//! What happened, for those who are to be told.

use std::sync::Arc;

use runcycles::models::Extra;
use runcycles::webhooks::EventType;
use serde::Serialize;
use serde_json::Value;

/// Something that happened, on its way to being an event.
#[derive(Clone, Debug)]
pub(crate) struct News {
    pub(crate) event_type: EventType,
    pub(crate) tenant: Arc<str>,
    pub(crate) scope: Option<Arc<str>>,
    pub(crate) data: Extra,
    /// Whether no request caused it.
    pub(crate) is_own: bool,
}

impl News {
    /// News of a tenant. What is known beyond that is an object of one of the shapes of event data.
    pub(crate) fn of(event_type: EventType, tenant: impl Into<Arc<str>>, data: &impl Serialize) -> Self {
        let data = match serde_json::to_value(data) {
            Ok(Value::Object(data)) => data,
            // Objects of texts and numbers always serialise to one.
            _ => Extra::new(),
        };
        Self { event_type, tenant: tenant.into(), scope: None, data, is_own: false }
    }

    pub(crate) fn at(self, scope: Arc<str>) -> Self {
        Self { scope: Some(scope), ..self }
    }

    pub(crate) fn own(self) -> Self {
        Self { is_own: true, ..self }
    }
}

//! The envelope of every event.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::instant::parse_instant;
use super::{EventCategory, EventData, EventType};
use crate::protocol::string_enum::string_enum;
use crate::protocol::wire_object::{object_only, wire_object};
use crate::protocol::{EventId, Extra};

string_enum! {
    /// Who or what caused an event.
    pub enum ActorType {
        /// An operator.
        Admin = "admin",
        /// A tenant's API key.
        ApiKey = "api_key",
        /// An operator in a tenant's place.
        AdminOnBehalfOf = "admin_on_behalf_of",
        /// The authority itself.
        System = "system",
        /// A scheduled task.
        Scheduler = "scheduler",
    }
}

/// Who or what caused an event, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct Actor {
    /// What it is.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ActorType>,
    /// The API key's id; never the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The address that the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// Members from newer servers that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

object_only!(Actor);

impl Actor {
    /// An actor of a kind, of which nothing else is known.
    pub fn new(kind: ActorType) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }
}

wire_object! {
    /// Something that happened (Cycles governance protocol: `Event`).
    ///
    /// Members from newer servers are in `extra`, and `data` is kept as it was received: an event is written back as it was
    /// read. Amounts within `data` are whole numbers in the unit that stands beside them.
    pub struct Event {
        required {
            /// What a delivery is recognised by when it comes again.
            event_id: EventId,
            /// What happened.
            event_type: EventType,
            /// The group of types.
            category: EventCategory,
            /// When it happened, in ISO 8601; what events are ordered by.
            timestamp: String,
            /// Whose event it is; `__system__` for the authority's own.
            tenant_id: String,
            /// The service that noticed, such as `cycles-server`.
            source: String,
        }
        optional {
            /// The scope it is about.
            scope: String,
            /// Who or what caused it.
            actor: Actor,
            /// More about it, by type; [`typed_data`](Self::typed_data) reads it.
            data: Extra,
            /// What links it to other events.
            correlation_id: String,
            /// The request that caused it.
            request_id: String,
            /// The trace it belongs to: 32 lower-case hexadecimal digits.
            trace_id: String,
            /// Tags of operators.
            metadata: Extra,
        }
        list {}
    }
}

impl Event {
    /// What the event says beyond its envelope, by its type. A type that is not known, or data of another shape than the type
    /// has, is [`EventData::Other`].
    pub fn typed_data(&self) -> EventData {
        EventData::of(&self.event_type, self.data.clone().unwrap_or_default())
    }

    /// When it happened; `None` where the timestamp is no instant in ISO 8601.
    pub fn occurred_at(&self) -> Option<SystemTime> {
        parse_instant(&self.timestamp)
    }

    /// Whether it was sent to see whether deliveries arrive, and says nothing else.
    pub fn is_test(&self) -> bool {
        self.event_type == EventType::SystemWebhookTest
    }
}

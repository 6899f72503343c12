//! Routes of subscriptions and events, and who may use them.

use std::borrow::Cow;

use http::Method;

use crate::http::query::percent_decode;
use crate::state::Permission;

/// A route, on the operators' plane or on the tenants'.
#[derive(Debug)]
pub(in crate::http) struct WebhookRoute<'a> {
    pub(super) plane: Plane,
    pub(super) resource: Resource<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plane {
    Operators,
    Tenants,
}

#[derive(Debug)]
pub(super) enum Resource<'a> {
    Subscriptions,
    Subscription(Cow<'a, str>),
    Deliveries(Cow<'a, str>),
    Replay(Cow<'a, str>),
    Events,
    Event(Cow<'a, str>),
}

impl<'a> WebhookRoute<'a> {
    /// The route of a request; `POST /v1/events` is another plane's.
    pub(in crate::http) fn of(method: &Method, path: &'a str) -> Option<Self> {
        let path = path.strip_prefix("/v1/")?;
        let (plane, path) = match path.strip_prefix("admin/") {
            Some(path) => (Plane::Operators, path),
            None => (Plane::Tenants, path),
        };
        let mut segments = path.split('/');
        let (first, second, third) = (segments.next()?, segments.next(), segments.next());
        if segments.next().is_some() || second.is_some_and(str::is_empty) {
            return None;
        }
        let id = |id: &'a str| percent_decode(id, false);
        let resource = match (first, second, third) {
            ("webhooks", None, None) => Resource::Subscriptions,
            ("webhooks", Some(item), None) => Resource::Subscription(id(item)),
            ("webhooks", Some(item), Some("deliveries")) => Resource::Deliveries(id(item)),
            ("webhooks", Some(item), Some("replay")) if plane == Plane::Operators => Resource::Replay(id(item)),
            ("events", None, None) if plane == Plane::Operators || method == Method::GET => Resource::Events,
            ("events", Some(item), None) if plane == Plane::Operators => Resource::Event(id(item)),
            _ => return None,
        };
        Some(Self { plane, resource })
    }

    /// The methods of the route, as `Allow` names them.
    pub(super) fn allow(&self) -> &'static str {
        match self.resource {
            Resource::Subscriptions => "GET, POST",
            Resource::Subscription(_) => "DELETE, GET, PATCH",
            Resource::Replay(_) => "POST",
            Resource::Deliveries(_) | Resource::Events | Resource::Event(_) => "GET",
        }
    }

    /// What a tenant's key needs for a method; nothing where the route has no such method.
    pub(super) fn permission(&self, method: &Method) -> Option<Permission> {
        if !self.allow().split(", ").any(|allowed| allowed == method.as_str()) {
            return None;
        }
        Some(match self.resource {
            Resource::Events | Resource::Event(_) => Permission::EventsRead,
            _ if method == Method::GET => Permission::WebhooksRead,
            _ => Permission::WebhooksWrite,
        })
    }
}

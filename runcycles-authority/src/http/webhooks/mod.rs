//! Subscriptions to events, and the events themselves, for operators and tenants.

mod body;
mod events;
mod route;
mod write;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use runcycles::models::ErrorCode;

pub(super) use self::route::WebhookRoute;
use self::route::{Plane, Resource};
use super::admin::Listing;
use super::decode::parse;
use super::exchange::{Exchange, Reply};
use super::gate::{Gate, Principal, check};
use super::json;
use super::problem::Problem;
use super::query::Query;
use super::router::check_media_type;
use super::violations::Violations;
use crate::engine::Engine;
use crate::engine::admin::{
    ChangeSubscription, CreateSubscription, DeleteSubscription, ListSubscriptions, ReadSubscription,
};
use crate::ids::{IdSource, random_secret};
use crate::state::{SYSTEM, Subscription, SubscriptionStatus};
use crate::webhooks::{Told, check_url};

/// A request about subscriptions or events, and what answers it.
pub(super) struct Webhooks<'a> {
    pub(super) engine: &'a Engine,
    pub(super) gate: &'a Gate,
    pub(super) ids: &'a IdSource,
    pub(super) request: &'a Request<Bytes>,
}

/// Whose subscriptions or events a request is about.
struct Whose {
    /// The tenant that is named or implied; nobody in particular where an operator names none.
    tenant: Option<String>,
}

impl Whose {
    /// The operators' routes name the tenant by `tenant_id`, the tenants' own by `tenant` where an operator uses them.
    fn of(route: &WebhookRoute<'_>, principal: &Principal, query: &Query<'_>) -> Result<Self, Problem> {
        let named = |name: &str| query.get_some(name).map(str::to_owned);
        Ok(match (principal, route.plane) {
            (Principal::Tenant(caller), _) => Whose { tenant: Some(caller.tenant_name.to_string()) },
            (Principal::Operator, Plane::Operators) => Whose { tenant: named("tenant_id") },
            (Principal::Operator, Plane::Tenants) => match named("tenant") {
                Some(tenant) => Whose { tenant: Some(tenant) },
                None if matches!(route.resource, Resource::Subscriptions | Resource::Events) => {
                    return Err(Problem::invalid("Validation failed: tenant: must be given with the admin key"));
                }
                None => Whose { tenant: None },
            },
        })
    }

    /// Operators see everything, tenants what is theirs.
    fn may_see(&self, told: &Told) -> bool {
        self.tenant.as_deref().is_none_or(|tenant| tenant == &*told.tenant)
    }
}

impl Webhooks<'_> {
    pub(super) fn answer(&self, route: &WebhookRoute<'_>, exchange: &mut Exchange) -> Result<Reply, Problem> {
        let headers = self.request.headers();
        let method = self.request.method();
        let principal = match route.plane {
            Plane::Operators => self.gate.operator(headers).map(|()| Principal::Operator)?,
            Plane::Tenants => self.gate.either(headers)?,
        };
        if let Principal::Tenant(caller) = &principal {
            exchange.authenticated(&caller.tenant_name);
        }
        let permission = route.permission(method).ok_or_else(|| Problem::method_not_allowed(route.allow()))?;
        if let Principal::Tenant(caller) = &principal {
            check(caller, permission)?;
        }
        if !self.request.body().is_empty() {
            check_media_type(headers)?;
        }
        let query = Query::parse(self.request.uri().query());
        let whose = Whose::of(route, &principal, &query)?;
        self.dispatch(route, method, &whose, &query)
    }

    fn dispatch(
        &self,
        route: &WebhookRoute<'_>,
        method: &Method,
        whose: &Whose,
        query: &Query<'_>,
    ) -> Result<Reply, Problem> {
        match &route.resource {
            Resource::Subscriptions if method == Method::POST => self.create(whose),
            Resource::Subscriptions => self.list(whose, query),
            Resource::Subscription(id) if method == Method::PATCH => self.change(whose, id),
            Resource::Subscription(id) if method == Method::DELETE => {
                self.engine.execute(DeleteSubscription { id, owner: whose.tenant.as_deref() })?;
                Ok(Reply::no_content())
            }
            Resource::Subscription(id) => {
                let row = self.read(whose, id)?;
                Ok(Reply::ok(json::object(|object| write::subscription(object, &row, self.engine.desk().health(id)))))
            }
            Resource::Deliveries(id) => self.read(whose, id).and_then(|row| self.list_deliveries(&row, query)),
            Resource::Replay(id) => self.read(whose, id).and_then(|row| self.replay(&row)),
            Resource::Events => self.list_events(whose, query),
            Resource::Event(id) => self.find_event(whose, id),
        }
    }

    fn read(&self, whose: &Whose, id: &str) -> Result<Subscription, Problem> {
        Ok(self.engine.execute(ReadSubscription { id, owner: whose.tenant.as_deref() })?)
    }

    fn create(&self, whose: &Whose) -> Result<Reply, Problem> {
        let body: body::SubscriptionBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        let tenant = whose.tenant.as_deref().unwrap_or(SYSTEM);
        let url = violations.require("url", body.url.as_deref()).unwrap_or_default().to_owned();
        if violations.require("event_types", body.event_types.as_ref()).is_some_and(Vec::is_empty) {
            violations.add("event_types", "must have at least one");
        }
        if body.status.is_some() {
            violations.add("status", "must not be given: a subscription is made ACTIVE");
        }
        let mut row = Subscription::new(self.ids.next_named("whsub_"), tenant, url, random_secret());
        let changed = body.apply(&mut row, &mut violations);
        self.check(&row, &changed, &mut violations);
        violations.into_result()?;
        let row = self.engine.execute(CreateSubscription { row })?;
        let health = self.engine.desk().health(&row.id);
        Ok(Reply::created(json::object(|answer| {
            answer.object("subscription", |object| write::subscription(object, &row, health));
            answer.text("signing_secret", &row.secret);
        })))
    }

    fn change(&self, whose: &Whose, id: &str) -> Result<Reply, Problem> {
        let body: body::SubscriptionBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        // What is given is checked on the row as it is, and again as it is changed, should another change come between.
        let mut draft = self.read(whose, id)?;
        let changed = body.apply(&mut draft, &mut violations);
        self.check(&draft, &changed, &mut violations);
        violations.into_result()?;
        let is_exposed = self.engine.desk().is_exposed();
        let change = |row: &mut Subscription| {
            let mut violations = Violations::default();
            body.apply(row, &mut violations);
            if row.status == SubscriptionStatus::Active {
                check_url(&row.url, is_exposed).map_err(|problem| format!("Validation failed: url: {problem}"))?;
            }
            body::check_selectors(row).map_err(|problem| format!("Validation failed: event_types: {problem}"))
        };
        let owner = whose.tenant.as_deref();
        let row = self.engine.execute(ChangeSubscription { id, owner, changed, change })?;
        Ok(Reply::ok(json::object(|object| write::subscription(object, &row, self.engine.desk().health(id)))))
    }

    fn check(&self, row: &Subscription, changed: &[&'static str], violations: &mut Violations) {
        if changed.contains(&"url")
            && let Err(problem) = check_url(&row.url, self.engine.desk().is_exposed())
        {
            violations.add("url", problem);
        }
        if let Err(problem) = body::check_selectors(row) {
            violations.add("event_types", problem);
        }
    }

    fn list(&self, whose: &Whose, query: &Query<'_>) -> Result<Reply, Problem> {
        let status = query.one_of("status", &SubscriptionStatus::ALL, SubscriptionStatus::as_str, true)?;
        let search = super::admin::search(query)?;
        let event_type = query.get_some("event_type");
        let filters = format!("webhooks {:?} {status:?} {event_type:?} {search:?}", whose.tenant);
        let listing = Listing::read(query, &["created_at"], &filters)?;
        let page = self.engine.execute(ListSubscriptions {
            owner: whose.tenant.as_deref(),
            status,
            event_type,
            search,
            paging: listing.paging.clone(),
        });
        let desk = self.engine.desk();
        let write = |object: &mut json::Object<'_>, row: &Subscription| {
            write::subscription(object, row, desk.health(&row.id));
        };
        Ok(Reply::ok(listing.write("subscriptions", &page, write)))
    }
}

/// Something that is not there, by its own code.
fn not_found(code: &str, message: String) -> Problem {
    Problem::new(http::StatusCode::NOT_FOUND, ErrorCode::from(code), message)
}

/// The id of a subscription as lanes know it.
fn shared(row: &Subscription) -> Arc<str> {
    Arc::clone(&row.id)
}

//! Counters of quotas of actions (protocol v0.1.26).

use http::{HeaderName, HeaderValue};
use runcycles::models::{QuotaWindow, RiskClass};

use super::Admin;
use super::amounts::{instant, instant_if, text_if};
use super::lists::Listing;
use crate::engine::admin::{CounterRow, ListCounters, ResetCounter};
use crate::http::decode::parse;
use crate::http::exchange::Reply;
use crate::http::gate::{Principal, check};
use crate::http::json::{self, Object};
use crate::http::object::{Text, request_object};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::violations::Violations;
use crate::state::{Counted, Permission, Window};

const WINDOWS: [Window; 5] = [Window::Run, Window::Minute, Window::Hour, Window::Day, Window::TenantDay];

request_object! {
    ResetBody {
        tenant_id: Text<'de>,
        scope: Text<'de>,
        action_kind: Text<'de>,
        risk_class: Text<'de>,
        window: Text<'de>,
        window_key: Text<'de>,
        reason: Text<'de>,
    }
}

impl Admin<'_> {
    pub(super) fn list_counters(&self, principal: &Principal, query: &Query<'_>) -> Result<Reply, Problem> {
        let tenant = match (principal, query.get_some("tenant_id")) {
            (Principal::Tenant(caller), _) => caller.tenant_name.to_string(),
            (Principal::Operator, Some(tenant)) => tenant.to_owned(),
            (Principal::Operator, None) => {
                return Err(Problem::invalid("Validation failed: tenant_id: must be given with the admin key"));
            }
        };
        let scope = query.get_some("scope").map(str::to_ascii_lowercase);
        let kind = query.get_some("action_kind").map(str::to_owned);
        let window = query.one_of("window", &WINDOWS, window_name, false)?;
        let run_id = query.get_some("run_id").map(str::to_owned);
        let include_zero = query.boolean("include_zero")?.unwrap_or(false);
        let filters = format!("{tenant:?} {scope:?} {kind:?} {window:?} {run_id:?} {include_zero}");
        let listing = Listing::read(query, &["scope"], &filters)?;
        let paging = listing.paging.clone();
        let page = self.engine.execute(ListCounters { tenant, scope, kind, window, run_id, include_zero, paging });
        let reply = Reply::ok(listing.write("counters", &page, write));
        Ok(match principal {
            Principal::Tenant(caller) if !caller.permissions.allows(Permission::ActionQuotasRead) => {
                let header = HeaderName::from_static("x-cycles-permission-deprecated");
                reply.with_header(header, HeaderValue::from_static(Permission::BalancesRead.as_str()))
            }
            _ => reply,
        })
    }

    pub(super) fn reset_counter(&self) -> Result<Reply, Problem> {
        let body: ResetBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        violations.require("tenant_id", body.tenant_id.as_ref());
        violations.require("scope", body.scope.as_ref());
        let kind = violations.require("action_kind", body.action_kind.as_ref());
        let window = violations.require("window", body.window.as_ref());
        violations.require("window_key", body.window_key.as_ref());
        let window = window.and_then(|window| {
            let found = Window::of(&QuotaWindow::from(&**window));
            if found.is_none() {
                violations.add("window", format_args!("must be one of {}", WINDOWS.map(window_name).join(", ")));
            }
            found
        });
        let class = body.risk_class.as_ref().map(|class| RiskClass::from(&**class));
        let counted = match (kind, class) {
            (Some(kind), Some(class)) if &**kind == Counted::ANY_KIND => Some(Counted::Risk(class)),
            (Some(kind), None) if &**kind == Counted::ANY_KIND => {
                violations.add("risk_class", "must be given with the action kind __risk__");
                None
            }
            (kind, _) => kind.map(|kind| Counted::Kind(kind.to_string().into())),
        };
        if let Some(reason) = &body.reason {
            violations.chars("reason", reason, 0..=512);
        }
        violations.into_result()?;
        let text = |text: Option<&Text<'_>>| text.map(|text| text.to_string()).unwrap_or_default();
        let (Some(counted), Some(window)) = (counted, window) else { return Err(Problem::internal()) };
        let (row, previous) = self.engine.execute(ResetCounter {
            tenant: text(body.tenant_id.as_ref()),
            scope: text(body.scope.as_ref()),
            counted,
            window,
            instance: text(body.window_key.as_ref()),
            reason: body.reason.as_ref().map(|reason| reason.to_string()),
        })?;
        Ok(Reply::ok(json::object(|answer| {
            answer.object("counter", |object| write(object, &row));
            answer.count("previous_used", previous);
        })))
    }
}

/// Refuses a tenant's key that may read neither counters nor, which will do for one more version, balances.
pub(super) fn check_may_read(principal: &Principal) -> Result<(), Problem> {
    let Principal::Tenant(caller) = principal else { return Ok(()) };
    if caller.permissions.allows(Permission::BalancesRead) {
        return Ok(());
    }
    check(caller, Permission::ActionQuotasRead)
}

fn window_name(window: Window) -> &'static str {
    match window {
        Window::Run => "per_run",
        Window::Minute => "per_minute_tumbling",
        Window::Hour => "per_hour_tumbling",
        Window::Day => "per_day_tumbling",
        Window::TenantDay => "per_tenant_per_day",
    }
}

fn write(object: &mut Object<'_>, (key, counter): &CounterRow) {
    object.text("action_kind", key.counted.kind());
    text_if(object, "risk_class", key.counted.risk_class().map(RiskClass::as_str));
    object.plain("scope", &key.scope);
    object.plain("scope_path", &key.scope);
    object.plain("window", window_name(key.window));
    object.text("window_key", &key.instance);
    object.count("used", counter.used);
    object.count("limit", counter.limit);
    object.count("remaining", counter.limit.saturating_sub(counter.used));
    object.text("policy_id", &counter.policy);
    instant_if(object, "expires_at", key.window.end_after(counter.counted_at));
    instant(object, "last_incremented_at", counter.counted_at);
}

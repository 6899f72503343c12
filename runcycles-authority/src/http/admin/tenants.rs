//! Tenants.

use runcycles::models::{Metadata, ObserveMode};
use serde_json::{Map, Value};

use super::Admin;
use super::amounts::{check_word, instant, instant_if, text_if};
use super::lists::{Listing, search};
use crate::engine::admin::{ChangeTenant, CreateTenant, FindTenant, ListTenants, TenantChanges};
use crate::http::decode::{check_observe_mode, millis, parse};
use crate::http::exchange::Reply;
use crate::http::json::{self, Object};
use crate::http::object::{Integer, Text, request_object};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::violations::Violations;
use crate::state::{EXPIRY_POLICIES, Overage, Tenant, TenantStatus};

request_object! {
    TenantCreateBody {
        tenant_id: Text<'de>,
        name: Text<'de>,
        parent_tenant_id: Text<'de>,
        metadata: Map<String, Value>,
        default_commit_overage_policy: Text<'de>,
        default_reservation_ttl_ms: Integer,
        max_reservation_ttl_ms: Integer,
        max_reservation_extensions: Integer,
        reservation_expiry_policy: Text<'de>,
    } extension {
        observe_mode: Text<'de>,
    }
}

request_object! {
    TenantChangeBody {
        name: Text<'de>,
        status: Text<'de>,
        metadata: Map<String, Value>,
        default_commit_overage_policy: Text<'de>,
        default_reservation_ttl_ms: Integer,
        max_reservation_ttl_ms: Integer,
        max_reservation_extensions: Integer,
    } extension {
        observe_mode: Text<'de>,
    }
}

const SORT_KEYS: [&str; 4] = ["created_at", "tenant_id", "name", "status"];

impl Admin<'_> {
    pub(super) fn create_tenant(&self) -> Result<Reply, Problem> {
        let body: TenantCreateBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        if let Some(id) = violations.require("tenant_id", body.tenant_id.as_ref()) {
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if !(3..=64).contains(&id.len()) || !id.bytes().all(fits) {
                violations.add("tenant_id", "must be 3 to 64 characters out of a-z 0-9 -");
            }
        }
        let expiry_policy = body.reservation_expiry_policy.as_ref();
        let settings = TenantChanges {
            parent: body.parent_tenant_id.as_deref().map(str::to_owned),
            expiry_policy: check_word("reservation_expiry_policy", expiry_policy, &EXPIRY_POLICIES, &mut violations),
            metadata: check_metadata(body.metadata, &mut violations),
            overage: check_overage(body.default_commit_overage_policy.as_ref(), &mut violations),
            default_ttl_ms: check_ttl("default_reservation_ttl_ms", body.default_reservation_ttl_ms, &mut violations),
            max_ttl_ms: check_ttl("max_reservation_ttl_ms", body.max_reservation_ttl_ms, &mut violations),
            max_extensions: check_extensions(body.max_reservation_extensions, &mut violations),
            observe_mode: self.check_mode(body.observe_mode.as_ref(), &mut violations)?,
            ..TenantChanges::default()
        };
        violations.require("name", body.name.as_ref());
        let name = check_name(body.name.as_ref(), &mut violations).unwrap_or_default();
        violations.into_result()?;

        let id = body.tenant_id.as_deref().unwrap_or_default().to_owned();
        let (tenant, is_new) = self.engine.execute(CreateTenant { id, name, settings })?;
        let answer = json::object(|object| write(object, &tenant));
        Ok(if is_new { Reply::created(answer) } else { Reply::ok(answer) })
    }

    pub(super) fn find_tenant(&self, id: &str) -> Result<Reply, Problem> {
        let tenant = self.engine.execute(FindTenant { id })?;
        Ok(Reply::ok(json::object(|object| write(object, &tenant))))
    }

    pub(super) fn change_tenant(&self, id: &str) -> Result<Reply, Problem> {
        let body: TenantChangeBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        let words = TenantStatus::ALL.map(TenantStatus::as_str);
        let status = check_word("status", body.status.as_ref(), &words, &mut violations);
        let changes = TenantChanges {
            name: check_name(body.name.as_ref(), &mut violations),
            status: TenantStatus::ALL.into_iter().find(|known| Some(known.as_str()) == status),
            metadata: check_metadata(body.metadata, &mut violations),
            overage: check_overage(body.default_commit_overage_policy.as_ref(), &mut violations),
            default_ttl_ms: check_ttl("default_reservation_ttl_ms", body.default_reservation_ttl_ms, &mut violations),
            max_ttl_ms: check_ttl("max_reservation_ttl_ms", body.max_reservation_ttl_ms, &mut violations),
            max_extensions: check_extensions(body.max_reservation_extensions, &mut violations),
            observe_mode: self.check_mode(body.observe_mode.as_ref(), &mut violations)?,
            ..TenantChanges::default()
        };
        violations.into_result()?;
        let tenant = self.engine.execute(ChangeTenant { id, changes })?;
        Ok(Reply::ok(json::object(|object| write(object, &tenant))))
    }

    /// The mode of a body, where the authority speaks the extension that it is of.
    fn check_mode(&self, mode: Option<&Text<'_>>, violations: &mut Violations) -> Result<Option<ObserveMode>, Problem> {
        if mode.is_some() && !self.speaks_extensions {
            return Err(Problem::unknown_member("observe_mode"));
        }
        Ok(check_observe_mode(mode, violations))
    }

    pub(super) fn list_tenants(&self, query: &Query<'_>) -> Result<Reply, Problem> {
        let status = query.one_of("status", &TenantStatus::ALL, TenantStatus::as_str, false)?;
        let parent = query.get_some("parent_tenant_id").map(str::to_owned);
        let search = search(query)?;
        let listing = Listing::read(query, &SORT_KEYS, &format!("{status:?} {parent:?} {search:?}"))?;
        let (by, paging) = (listing.by, listing.paging.clone());
        let page = self.engine.execute(ListTenants { status, parent, search, by, paging });
        Ok(Reply::ok(listing.write("tenants", &page, write)))
    }
}

fn check_name(name: Option<&Text<'_>>, violations: &mut Violations) -> Option<String> {
    let name = name?;
    violations.chars("name", name, 1..=256);
    Some(name.to_string())
}

fn check_metadata(metadata: Option<Map<String, Value>>, violations: &mut Violations) -> Option<Metadata> {
    let metadata = metadata?;
    if metadata.len() > 32 || !metadata.values().all(Value::is_string) {
        violations.add("metadata", "must be at most 32 texts");
    }
    Some(metadata)
}

fn check_overage(policy: Option<&Text<'_>>, violations: &mut Violations) -> Option<Overage> {
    let words = Overage::ALL.map(Overage::as_str);
    Overage::from_wire(check_word("default_commit_overage_policy", policy, &words, violations)?)
}

fn check_ttl(member: &str, ttl: Option<Integer>, violations: &mut Violations) -> Option<u64> {
    let Integer(number) = ttl?;
    violations.range(member, number, 1_000..=86_400_000);
    ttl.map(millis)
}

fn check_extensions(most: Option<Integer>, violations: &mut Violations) -> Option<u32> {
    let Integer(number) = most?;
    violations.range("max_reservation_extensions", number, 0..=i64::from(i32::MAX));
    u32::try_from(number).ok()
}

fn write(object: &mut Object<'_>, tenant: &Tenant) {
    object.text("tenant_id", &tenant.id);
    object.text("name", &tenant.name);
    object.plain("status", tenant.status.as_str());
    text_if(object, "parent_tenant_id", tenant.parent.as_deref());
    object.plain("default_commit_overage_policy", tenant.settings.overage.as_str());
    object.count("default_reservation_ttl_ms", tenant.settings.default_ttl_ms);
    object.count("max_reservation_ttl_ms", tenant.settings.max_ttl_ms);
    object.number("max_reservation_extensions", i64::from(tenant.settings.max_extensions));
    text_if(object, "reservation_expiry_policy", tenant.expiry_policy);
    text_if(object, "observe_mode", tenant.observe_mode.as_ref().map(ObserveMode::as_str));
    if let Some(metadata) = &tenant.metadata {
        object.value("metadata", metadata);
    }
    instant(object, "created_at", tenant.created_at);
    instant_if(object, "updated_at", tenant.updated_at);
    instant_if(object, "suspended_at", tenant.suspended_at);
    instant_if(object, "closed_at", tenant.closed_at);
}

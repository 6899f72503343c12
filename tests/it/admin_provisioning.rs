//! Tenants, API keys and policies.

use std::time::Duration;

use runcycles::admin::{
    Admin, ApiKeyStatus, ListApiKeys, ListPolicies, ListTenants, NewApiKey, NewPolicy, NewTenant, PolicyChanges,
    PolicyStatus, RateLimits, ReservationTtlOverride, TenantChanges, TenantStatus,
};
use runcycles::models::{Caps, CommitOveragePolicy, ErrorCode, Metadata};
use runcycles::{Error, Reserve, Scope, usd};

use crate::support::office::{ADMIN_KEY, Office};
use crate::support::stream::collect;

#[tokio::test]
async fn a_tenant_a_key_and_a_budget_are_all_that_a_first_call_needs() {
    let office = Office::new().await;
    let admin = &office.admin;
    admin.create_tenant(NewTenant::new("globex", "Globex")).await.unwrap();
    let key = admin.create_api_key(NewApiKey::new("globex", "bots")).await.unwrap();
    admin.budget("tenant:globex").ensure(usd!(1)).await.unwrap();

    let client = office.client_with(key.key_secret.expose()).scoped(Scope::tenant("globex"));
    let guard = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02))).await.unwrap();
    guard.commit(usd!(0.02)).await.unwrap();
    assert_eq!(office.authority.ledger("tenant:globex").unwrap().spent, usd!(0.02));
}

#[tokio::test]
async fn a_tenant_is_created_once_found_changed_and_listed() {
    let office = Office::new().await;
    let admin = &office.admin;
    let mut metadata = Metadata::new();
    metadata.insert("plan".to_owned(), "gold".into());
    let new = NewTenant::new("globex", "Globex")
        .default_commit_overage_policy(CommitOveragePolicy::Reject)
        .default_reservation_ttl(Duration::from_secs(30))
        .max_reservation_extensions(3)
        .metadata(metadata);
    let created = admin.create_tenant(new.clone()).await.unwrap();
    assert_eq!((created.default_reservation_ttl_ms, created.max_reservation_extensions), (Some(30_000), Some(3)));
    assert_eq!(admin.create_tenant(new).await.unwrap(), created, "again gives the same");
    let error = admin.create_tenant(NewTenant::new("globex", "Another")).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::DuplicateResource));

    let changes = TenantChanges::new().name("Globex Corporation").status(TenantStatus::Suspended);
    admin.update_tenant("globex", changes).await.unwrap();
    let found = admin.tenant("globex").await.unwrap();
    assert_eq!((found.name.as_str(), found.status), ("Globex Corporation", TenantStatus::Suspended));
    let error = admin.tenant("initech").await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::TenantNotFound));

    let all = collect(admin.tenants(ListTenants::new().limit(1)), 10).await;
    let mut ids: Vec<_> = all.into_iter().map(|tenant| tenant.unwrap().tenant_id).collect();
    ids.sort();
    assert_eq!(ids, ["acme", "globex"]);
    let suspended = collect(admin.tenants(ListTenants::new().status(TenantStatus::Suspended)), 10).await;
    assert_eq!(suspended.len(), 1);
}

#[tokio::test]
async fn a_key_shows_its_secret_to_nobody_by_accident_and_opens_nothing_once_revoked() {
    let office = Office::new().await;
    let admin = &office.admin;
    let new = NewApiKey::new("acme", "bots").description("for bots").permissions(["reservations:create"]);
    let key = admin.create_api_key(new).await.unwrap();
    let secret = key.key_secret.expose().to_owned();
    assert!(!format!("{key:?}").contains(&secret) && format!("{key:?}").contains("<redacted>"));

    let filter = || ListApiKeys::new().tenant_id("acme").search("bots");
    let [listed] = &collect(admin.api_keys(filter()), 10).await[..] else { panic!("one key") };
    let listed = listed.as_ref().unwrap();
    assert_eq!((listed.key_id.as_str(), &listed.status), (key.key_id.as_str(), &ApiKeyStatus::Active));
    assert_eq!(listed.permissions, ["reservations:create"]);

    let revoked = admin.revoke_api_key(&key.key_id).await.unwrap();
    assert_eq!(revoked.status, ApiKeyStatus::Revoked);
    let error = admin.revoke_api_key(&key.key_id).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(409), Some(&ErrorCode::KeyRevoked)));
    let reserve = Reserve::new("a", "b").estimate(usd!(0.02));
    assert!(office.client_with(&secret).reserve(reserve).await.unwrap_err().is_auth());
}

#[tokio::test]
async fn a_policy_is_created_changed_and_listed() {
    let office = Office::new().await;
    let admin = &office.admin;
    let mut caps = Caps::new();
    caps.max_tokens = Some(512);
    let new = NewPolicy::new("acme", "small answers", "tenant:acme/app:chat/*")
        .description("for the free plan")
        .priority(7_u32)
        .caps(caps.clone())
        .reservation_ttl_override(ReservationTtlOverride::new().max_ttl(Duration::from_secs(120)).max_extensions(2))
        .rate_limits(RateLimits::new().max_reservations_per_minute(60));
    let created = admin.create_policy(new).await.unwrap();
    assert_eq!((created.priority, created.caps), (Some(7), Some(caps)));
    assert_eq!(created.reservation_ttl_override.unwrap().max_ttl_ms, Some(120_000));
    assert_eq!(created.rate_limits.unwrap().max_reservations_per_minute, Some(60));

    let changes = PolicyChanges::new().status(PolicyStatus::Disabled).priority(9_u32);
    let updated = admin.update_policy(&created.policy_id, changes).await.unwrap();
    assert_eq!((updated.status, updated.priority), (PolicyStatus::Disabled, Some(9)));
    let listed = collect(admin.policies(ListPolicies::new().tenant_id("acme")), 10).await;
    assert_eq!(listed[0].as_ref().unwrap().name, "small answers");
}

#[tokio::test]
async fn a_key_can_be_asked_what_it_may_do() {
    let office = Office::new().await;
    let may = office.admin.introspect().await.unwrap();
    assert_eq!((may.authenticated, may.auth_type.as_str()), (true, "admin"));
    assert!(may.can("manage_tenants") && !may.can("manage_weather"));
    assert_eq!(may.permissions, ["*"]);

    let stranger = Admin::builder("wrong", "http://admin.test").transport(office.authority.transport()).build();
    assert!(stranger.introspect().await.unwrap_err().is_auth());
}

#[tokio::test]
async fn requests_that_break_the_limits_are_not_sent() {
    let office = Office::with(runcycles_authority::AuthorityBuilder::record_requests).await;
    let admin = &office.admin;
    let mut number = Metadata::new();
    number.insert("plan".to_owned(), 1.into());
    let errors = [
        admin.create_tenant(NewTenant::new("Acme", "Acme")).await.unwrap_err(),
        admin.create_tenant(NewTenant::new("acme", "")).await.unwrap_err(),
        admin.create_tenant(NewTenant::new("acme", "Acme").metadata(number)).await.unwrap_err(),
        admin.create_tenant(NewTenant::new("acme", "A").max_reservation_ttl(Duration::ZERO)).await.unwrap_err(),
        admin.update_tenant("acme", TenantChanges::new().name("x".repeat(257))).await.unwrap_err(),
        admin.create_api_key(NewApiKey::new("acme", "")).await.unwrap_err(),
        admin.create_policy(NewPolicy::new("acme", "p", "app:chat")).await.unwrap_err(),
        admin
            .create_policy(
                NewPolicy::new("acme", "p", "tenant:acme").rate_limits(RateLimits::new().max_commits_per_minute(0)),
            )
            .await
            .unwrap_err(),
        collect(admin.tenants(ListTenants::new().limit(101)), 2).await.remove(0).unwrap_err(),
        collect(admin.tenants(ListTenants::new().search("x".repeat(129))), 2).await.remove(0).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::Validation(_)), "{error}");
    }
    for id in ["", ".", ".."] {
        assert!(matches!(admin.tenant(id).await, Err(Error::Config(_))), "{id:?}");
    }
    assert!(office.authority.requests().is_empty());
}

#[test]
fn settings_that_cannot_work_are_named_and_the_key_is_never_shown() {
    let error = |key: &str, url: &str| Admin::builder(key, url).try_build().unwrap_err().to_string();
    assert!(error("", "http://localhost").contains("admin_key: it is empty"));
    assert!(error("a\nb", "http://localhost").contains("admin_key"));
    assert!(error("key", "localhost").contains("base_url"));

    let builder = Admin::builder(ADMIN_KEY, "http://localhost:7979");
    assert!(!format!("{builder:?}").contains(ADMIN_KEY));
    assert!(!format!("{:?}", builder.build()).contains(ADMIN_KEY));
}

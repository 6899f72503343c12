//! A client for each tenant.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcycles::models::{Action, EventCreateRequest};
use runcycles::{Error, JournalConfig, Scope, TenantClients, cycles, tokens};
use runcycles_authority::Authority;

use crate::support::script::Script;
use crate::support::sent::Route;

#[cycles(tokens(10), "agent.run", client = clients.get(tenant)?, agent = "support-bot")]
async fn run(clients: &TenantClients, tenant: &str) -> Result<(), Error> {
    Ok(())
}

/// Clients of an authority, and how often a key was looked up.
fn clients(authority: &Authority) -> (TenantClients, Arc<AtomicUsize>) {
    let keys = ["customer-a", "customer-b"].map(|tenant| (tenant, authority.api_key(tenant)));
    let lookups = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&lookups);
    let clients = TenantClients::new("http://authority.test", move |tenant| {
        counter.fetch_add(1, Ordering::SeqCst);
        keys.iter().find(|(known, _)| *known == tenant).map(|(_, key)| key.clone())
    });
    let clients =
        clients.settings(|_, builder| builder.journal(JournalConfig::disabled())).transport(authority.transport());
    (clients, lookups)
}

async fn authority() -> Authority {
    let builder = Authority::builder().budget("tenant:customer-a", tokens(20)).budget("tenant:customer-b", tokens(20));
    builder.start().await.unwrap()
}

#[tokio::test]
async fn a_tenant_that_has_used_up_its_budget_stops_alone() {
    let authority = authority().await;
    let (clients, lookups) = clients(&authority);
    run(&clients, "customer-a").await.unwrap();
    run(&clients, "customer-a").await.unwrap();
    let denial = run(&clients, "customer-a").await.unwrap_err();
    assert_eq!(denial.refusal().and_then(|refusal| refusal.scope()), Some("tenant:customer-a"));
    run(&clients, "customer-b").await.unwrap();
    assert_eq!(authority.ledger("tenant:customer-b").unwrap().spent, tokens(10));
    assert_eq!((clients.len(), lookups.load(Ordering::SeqCst)), (2, 2));
}

#[tokio::test]
async fn a_thousand_gets_make_one_client_for_each_tenant() {
    let authority = authority().await;
    let (clients, lookups) = clients(&authority);
    for _ in 0..500 {
        clients.get("customer-a").unwrap();
        clients.get("customer-b").unwrap();
    }
    assert_eq!((clients.len(), lookups.load(Ordering::SeqCst)), (2, 2));
    clients.forget("customer-a");
    clients.get("customer-a").unwrap();
    assert_eq!((clients.len(), lookups.load(Ordering::SeqCst)), (2, 3), "a key that was changed is looked up again");
}

#[tokio::test]
async fn a_tenant_s_client_refuses_calls_for_others_before_they_are_sent() {
    #[cycles(tokens(10), "agent.run", client = clients.get("customer-a")?, tenant = "customer-b")]
    async fn mistaken(clients: &TenantClients) -> Result<(), Error> {
        unreachable!("the body of a call that is not admitted")
    }

    let script = Script::new();
    let clients = TenantClients::new("http://authority.test", |tenant| Some(format!("cyc_live_{tenant}")))
        .settings(|_, builder| builder.journal(JournalConfig::disabled()))
        .transport(script.clone());
    let error = mistaken(&clients).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid subject.tenant: found \"customer-b\", expected \"customer-a\", whose client this is; take the other \
         tenant's from TenantClients"
    );
    let event = EventCreateRequest::builder().subject(Scope::tenant("customer-b")).action(Action::new("a", "b"));
    let client = clients.get("customer-a").unwrap();
    let error = client.create_event(&event.actual(tokens(1)).build()).await.unwrap_err();
    assert!(matches!(&error, Error::Validation(error) if error.field() == "subject.tenant"), "{error}");
    assert!(script.sent().is_empty());
    run(&clients, "customer-b").await.unwrap();
    assert_eq!(script.of(Route::Reserve)[0].json()["subject"]["tenant"], "customer-b");
}

#[tokio::test]
async fn an_authority_refuses_a_tenant_by_another_s_key_before_the_body() {
    #[cycles(tokens(10), "agent.run", client = client, tenant = "customer-b")]
    async fn mistaken(client: &runcycles::CyclesClient) -> Result<(), Error> {
        unreachable!("the body of a call that is not admitted")
    }

    let authority = authority().await;
    let error = mistaken(&authority.client("customer-a")).await.unwrap_err();
    assert_eq!(error.status(), Some(403), "{error}");
}

#[tokio::test]
async fn a_tenant_without_a_key_or_with_an_impossible_name_has_no_client() {
    let authority = authority().await;
    let (clients, _) = clients(&authority);
    let error = run(&clients, "stranger").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid configuration: api_key: there is none for the tenant \"stranger\"; provision the tenant, or correct its name"
    );
    let clients = TenantClients::new("http://authority.test", |_| Some("cyc_live_do-not-show".to_owned()));
    let error = clients.get("customer-a/agent:attacker").unwrap_err();
    assert!(error.to_string().starts_with("invalid configuration: subject"), "{error}");
    assert!(clients.is_empty());
    assert!(!format!("{clients:?}").contains("do-not-show"));
}

#[tokio::test]
async fn settings_hold_for_every_client() {
    let clients = TenantClients::new("http://authority.test", |tenant| Some(format!("cyc_live_{tenant}")))
        .settings(|_, builder| builder.read_timeout(Duration::from_secs(1)).app("chatbot"));
    for tenant in ["customer-a", "customer-b"] {
        let config = clients.get(tenant).unwrap().config().clone();
        assert_eq!(config.read_timeout, Duration::from_secs(1));
        assert_eq!(config.subject, Scope::tenant(tenant).app("chatbot"));
    }
}

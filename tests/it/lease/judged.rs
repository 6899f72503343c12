//! What the authority judges call by call is not taken of a chunk.

use std::sync::atomic::{AtomicUsize, Ordering};

use runcycles::models::{ActionQuota, ActionRules, Level, ObserveMode, QuotaWindow};
use runcycles::{CyclesClient, Error, Lease, Scope, WithCyclesConfig, kinds, tokens, with_cycles};
use runcycles_authority::{Authority, Policy, Tenant};

use super::{LONG, ledger, open};

/// An authority whose policies are these rules.
async fn authority(rules: ActionRules) -> Authority {
    let policy = Policy::new("rules", "tenant:acme").actions(rules);
    let set_up = Authority::builder().budget("tenant:acme", tokens(1_000)).evaluate_policies();
    set_up.policy("acme", policy).start().await.unwrap()
}

/// Runs a call of a lease.
async fn run(client: &CyclesClient, lease: &Lease, config: WithCyclesConfig) -> Result<(), Error> {
    with_cycles(client, config.lease(lease), |_| async { Ok(((), tokens(1))) }).await
}

#[tokio::test]
async fn a_kind_of_action_that_is_denied_does_not_run_by_a_lease_of_another() {
    let authority = authority(ActionRules::new().deny([kinds::MESSAGE_EMAIL_SEND])).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    let bodies = AtomicUsize::new(0);
    let config = WithCyclesConfig::new(tokens(1)).action(kinds::MESSAGE_EMAIL_SEND, "smtp").lease(&lease);
    let sent = with_cycles(&client, config, |_| async {
        bodies.fetch_add(1, Ordering::SeqCst);
        Ok(((), tokens(1)))
    });
    assert!(sent.await.unwrap_err().is_blocked());
    assert_eq!(bodies.into_inner(), 0);

    let mails = lease.for_action(kinds::MESSAGE_EMAIL_SEND, "smtp");
    assert!(mails.try_take(tokens(1)).is_none());
    assert!(mails.take(tokens(1)).await.unwrap_err().is_blocked());
    assert_eq!((lease.stats().left, lease.stats().plain), (tokens(100), 2));
    // Another name is no other kind.
    assert!(lease.for_action("llm.completion", "large").take(tokens(1)).await.unwrap().is_leased());
}

#[tokio::test]
async fn a_call_of_a_run_is_counted_in_its_run() {
    let quota = ActionQuota::new("llm.completion", 2, QuotaWindow::PerRun);
    let authority = authority(ActionRules::new().quota(quota)).await;
    let client = authority.client("acme");
    let in_run = |run: &str| Scope::agent("crawler").dimension("run_id", run);
    let lease = client.lease(in_run("first"), tokens(100)).action("llm.completion", "small").open().await.unwrap();
    let call = |run: &str| WithCyclesConfig::new(tokens(1)).subject(in_run(run));
    for _ in 0..2 {
        run(&client, &lease, call("second")).await.unwrap();
    }
    assert!(run(&client, &lease, call("second")).await.unwrap_err().is_blocked(), "two are its quota");
    assert_eq!(lease.stats().plain, 3);
    run(&client, &lease, call("first")).await.unwrap();
    assert_eq!((lease.stats().plain, lease.stats().settled), (3, 1), "of its own run calls take of it");
}

#[tokio::test]
async fn calls_of_an_observed_tenant_are_not_judged_by_a_chunk_that_holds_nothing() {
    let tenant = Tenant::new("acme").observe_mode(ObserveMode::Observe);
    let authority = Authority::builder().tenant(tenant).budget("tenant:acme", tokens(100)).start().await.unwrap();
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    let config = || WithCyclesConfig::new(tokens(1)).subject(Scope::agent("crawler")).require([Level::Agent]);
    with_cycles(&client, config().action("llm.completion", "small"), |_| async { Ok(((), tokens(1))) }).await.unwrap();
    run(&client, &lease, config()).await.unwrap();
    let stats = lease.stats();
    assert_eq!((stats.plain, stats.returned, &stats.left), (1, 0, &tokens(100)));
    lease.close().await.unwrap();
    client.flush(LONG).await;
    assert_eq!(ledger(&authority), (0, 0, 100));
}

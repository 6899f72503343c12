//! What an authority can be made of.

use std::time::Duration;

use runcycles::models::{Amount, Caps, Unit};
use runcycles::{tokens, usd};
use runcycles_authority::{Authority, AuthorityBuilder, Budget, Tenant};

use crate::support::at_once;

#[track_caller]
fn refusal(builder: AuthorityBuilder) -> String {
    let error = at_once(builder.start()).expect_err("a refusal");
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

#[test]
fn a_scope_that_cannot_have_a_budget_is_explained() {
    let on = |scope: &str| refusal(Authority::builder().budget(scope, tokens(1)));

    for (scope, expected) in [
        ("", "found \"\", expected level:value segments"),
        ("acme", "found \"acme\", expected level:value segments"),
        ("agent:bot", "it does not start with a tenant"),
        ("tenant:acme/team:x", "unknown level \"team\", expected one of tenant, workspace"),
        ("tenant:acme/agent:x/workspace:y", "workspace follows agent, expected the order"),
        ("tenant:acme/agent:x/agent:y", "agent follows agent, expected the order"),
        ("tenant:acme/agent:", "agent is \"\", expected 1 to 128 characters"),
        ("tenant:acme/agent:a b", "agent is \"a b\", expected"),
        ("tenant:acme/agent:-x", "agent is \"-x\", expected"),
        ("tenant:acme/*", "found \"*\", expected level:value segments"),
    ] {
        let message = on(scope);
        assert!(message.starts_with(&format!("invalid scope {scope:?}: ")) && message.contains(expected), "{message}");
    }
}

#[test]
fn a_tenant_is_lower_case_so_that_two_never_share_a_scope() {
    for builder in [
        Authority::builder().tenant("Acme"),
        Authority::builder().api_key("key", "a/b"),
        Authority::builder().tenant(""),
    ] {
        let message = refusal(builder);
        assert!(message.starts_with("invalid tenant ") && message.contains("a-z"), "{message}");
    }
}

#[test]
fn a_budget_that_cannot_be_kept_is_explained() {
    let with = |budget: Budget| refusal(Authority::builder().budget("tenant:acme", budget));

    assert_eq!(
        with(Amount::new(Unit::from("EUROS"), 1).into()),
        "invalid budget at \"tenant:acme\": unknown unit \"EUROS\", expected one of USD_MICROCENTS, TOKENS, CREDITS, RISK_POINTS"
    );
    assert_eq!(
        with(Budget::new(tokens(1)).overdraft_limit(usd!(1))),
        "invalid budget at \"tenant:acme\": found an amount in USD_MICROCENTS, expected TOKENS as the allocation has"
    );
    assert!(with(tokens(u64::MAX).into()).contains("is outside 0 to 9223372036854775807"));
}

#[test]
fn what_is_given_twice_or_for_nothing_is_refused() {
    let twice = Authority::builder().budget("tenant:acme", tokens(1)).budget("tenant:ACME", tokens(2));
    assert_eq!(refusal(twice), "two budgets in TOKENS at \"tenant:ACME\": give one");

    let caps = Authority::builder().budget("tenant:acme", tokens(1)).caps("tenant:acme", Unit::Credits, Caps::new());
    assert!(refusal(caps).starts_with("caps for CREDITS at \"tenant:acme\", where there is no such budget"));
}

#[test]
fn leases_of_a_tenant_are_set_to_what_the_protocol_has() {
    let default_ttl = |millis| Tenant::new("acme").default_ttl(Duration::from_millis(millis));
    let max_ttl = |ttl| Tenant::new("acme").max_ttl(ttl);
    for (tenant, expected) in [
        (default_ttl(60), "invalid default_ttl 60ms of tenant acme: expected 1s to 24h"),
        (max_ttl(Duration::ZERO), "invalid max_ttl 0ns of tenant acme: expected 1s to 24h"),
        (max_ttl(Duration::from_secs(86_401)), "invalid max_ttl 86401s of tenant acme: expected 1s to 24h"),
    ] {
        assert_eq!(refusal(Authority::builder().tenant(tenant)), expected);
    }
    let bounds = default_ttl(1_000).max_ttl(Duration::from_secs(86_400));
    assert!(at_once(Authority::builder().tenant(bounds).start()).is_ok());
}

#[test]
fn a_key_that_no_header_can_carry_is_refused_and_not_shown() {
    for key in ["", " ", "a\nb", "sch\u{f6}n"] {
        let builder = Authority::builder().api_key(key, "acme");
        assert!(!format!("{builder:?}").contains("sch"));
        assert_eq!(
            refusal(builder),
            "the API key for tenant \"acme\" is blank or has characters that a header cannot carry"
        );
    }
}

#[test]
fn ledgers_are_found_by_scope_in_the_order_of_units() {
    let builder = Authority::builder().budget("tenant:acme", tokens(7)).budget("tenant:acme", usd!(5));
    let authority = at_once(builder.start()).expect("a valid set-up");

    let allocated: Vec<_> = authority.ledgers("tenant:Acme").into_iter().map(|ledger| ledger.allocated).collect();

    assert_eq!(allocated, [usd!(5), tokens(7)]);
    assert_eq!(authority.ledger("tenant:acme").expect("a budget").allocated, usd!(5));
    assert!(authority.ledger("tenant:other").is_none());
}

#[test]
fn operators_are_told_why_not() {
    let builder = Authority::builder().budget("tenant:acme", tokens(7));
    let authority = at_once(builder.start()).expect("a valid set-up");
    let refused = |outcome: Result<(), runcycles_authority::BudgetError>| outcome.expect_err("a refusal").to_string();

    let debit = runcycles_authority::Funding::Debit(tokens(8));
    assert_eq!(
        refused(authority.fund("tenant:acme", debit).map(drop)),
        "insufficient funds at tenant:acme: 8 tokens requested, 7 tokens remaining"
    );
    assert_eq!(
        refused(authority.fund("tenant:acme", usd!(1)).map(drop)),
        "no budget in USD_MICROCENTS at \"tenant:acme\""
    );
    assert_eq!(refused(authority.unfreeze("tenant:acme")), "the budget at tenant:acme is not frozen");
    assert_eq!(refused(authority.freeze("tenant:other")), "no budget at \"tenant:other\"");
    authority.freeze("tenant:acme").expect("a budget to freeze");
    assert_eq!(refused(authority.freeze("tenant:acme")), "the budget at tenant:acme is frozen");
    assert_eq!(refused(authority.fund("tenant:acme", tokens(1)).map(drop)), "the budget at tenant:acme is frozen");
}

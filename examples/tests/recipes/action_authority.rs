//! The agent that may not write to customers until it has a budget for it.

#[path = "../../action_authority/main.rs"]
#[expect(dead_code, reason = "the acts are played here without the program around them")]
mod example;

use std::time::Duration;

use runcycles::{Error, Mode, Scope, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Paint, Style, count_calls, tool};

use self::example::{Demo, Reader, result};
use super::Outcome;

#[tokio::test]
async fn the_email_is_sent_by_nobodys_leave_then_blocked_then_approved_then_frozen() -> Outcome {
    let demo = Demo::open(None, Duration::ZERO, Reader::Nobody).await?;

    let unguarded = demo.work(Mode::Off).await?;
    assert_eq!((unguarded.log.approved, unguarded.log.blocked, unguarded.emails), (4, 0, 1));
    let text = result(&unguarded, Paint::Red).render(80, Style::Plain).join("\n");
    assert!(text.contains("4 actions approved · 0 actions blocked"), "{text}");

    let guarded = demo.work(Mode::Enforce).await?;
    assert_eq!((guarded.log.approved, guarded.log.blocked, guarded.emails), (3, 1, 0));
    assert_eq!(
        guarded.log.lines,
        [
            "✓ read_case",
            "    Loaded case #4782 — Acme Corp",
            "✓ append_internal_note  [internal-notes]",
            "    POST /v1/reservations → 200 ALLOW",
            "    Billing discrepancy: $847 invoiced vs $720 contract. Investigating.",
            "✓ update_crm_status  [crm-updates]",
            "    POST /v1/reservations → 200 ALLOW",
            "    Status: Open → Investigating",
            "✗ send_customer_email  [send-email]",
            "    POST /v1/reservations → 409 BUDGET_EXCEEDED",
            "    Email blocked — not approved for autonomous execution. Escalated to human review.",
        ]
    );
    let text = result(&guarded, Paint::Green).render(80, Style::Plain).join("\n");
    assert!(text.contains("Cycles blocked the customer email before it was sent."), "{text}");
    assert!(text.contains("3 actions approved · 1 action blocked"), "{text}");

    let approved = demo.approve().await?;
    assert_eq!((approved.log.approved, approved.emails), (1, 1));
    let budgets = runcycles_examples::budgets(&demo.client(Mode::Enforce)?).await?;
    let email = budgets.iter().find(|budget| budget.scope == "toolset:send-email");
    assert_eq!(email.and_then(|budget| budget.spent.clone()), Some(usd!(0.01)));

    let frozen = demo.freeze().await?;
    assert_eq!((frozen.log.blocked, frozen.emails), (1, 0));
    assert!(matches!(frozen.error, Some(Error::Blocked { .. })), "{:?}", frozen.error);
    Ok(())
}

#[cycles(usd!(0.01), "tool.email", toolset = "send-email")]
async fn send_email() -> Result<(), Error> {
    tool("send-email").await;
    Ok(())
}

#[tokio::test]
async fn a_tool_without_any_budget_is_not_denied_unless_one_is_required() -> Outcome {
    let authority = Authority::builder().budget("tenant:acme/agent:support-bot", usd!(1)).start().await?;
    let client = authority.client("acme").scoped(Scope::agent("support-bot"));
    let (sent, calls) = count_calls(client.run(send_email())).await;
    sent?;
    assert_eq!(calls.of("send-email"), 1);
    Ok(())
}

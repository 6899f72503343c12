//! The agent: it works on a case, and answers the customer as its last step.

use runcycles::{Error, cycles, usd};

use super::desk::Desk;
use super::log::Log;

#[cycles(usd!(0.01), "tool.notes", action_name = "append-note", toolset = "internal-notes", require = "toolset")]
async fn append_note(desk: &Desk, note: &str) -> Result<(), Error> {
    desk.append(note).await;
    Ok(())
}

#[cycles(usd!(0.01), "tool.crm", action_name = "update-status", toolset = "crm-updates", require = "toolset")]
async fn update_status(desk: &Desk, status: &str) -> Result<(), Error> {
    desk.update(status).await;
    Ok(())
}

#[cycles(usd!(0.01), "tool.email", action_name = "send-reply", toolset = "send-email", require = "toolset")]
async fn send_email(desk: &Desk, to: &str, text: &str) -> Result<(), Error> {
    desk.send(to, text).await;
    Ok(())
}

/// Works on the case from its first step to its last.
pub(crate) async fn agent(desk: &Desk, log: &mut Log) -> Result<(), Error> {
    log.begin("read_case", None);
    desk.read().await;
    log.done(&["Loaded case #4782 — Acme Corp"]);

    log.begin("append_internal_note", Some("internal-notes"));
    let note = "Billing discrepancy: $847 invoiced vs $720 contract. Investigating.";
    append_note(desk, note).await?;
    log.approved(note);

    log.begin("update_crm_status", Some("crm-updates"));
    update_status(desk, "Investigating").await?;
    log.approved("Status: Open → Investigating");

    answer_customer(desk, log).await
}

/// The last step: without a budget for it, a person answers.
pub(crate) async fn answer_customer(desk: &Desk, log: &mut Log) -> Result<(), Error> {
    log.begin("send_customer_email", Some("send-email"));
    match send_email(desk, "jane@acme.com", "You are right: your contract says $720.").await {
        Ok(()) => log.approved("Email sent to jane@acme.com"),
        Err(error @ Error::BudgetExceeded { .. }) => {
            log.blocked(&error, "Email blocked — not approved for autonomous execution. Escalated to human review.");
        }
        // An operator's stop is not for the agent to deal with.
        Err(error) => {
            log.stopped(&error);
            return Err(error);
        }
    }
    Ok(())
}

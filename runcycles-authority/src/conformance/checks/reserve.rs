//! What a reservation holds, and when it is denied.

use serde_json::json;

use crate::conformance::check::{Check, checks};
use crate::conformance::provision::LedgerSpec;
use crate::conformance::scene::{Place, Scene, fresh};
use crate::conformance::wire::{Answer, Verdict, join_all};

pub(super) const CHECKS: &[Check] = checks! {
    "C-41" Required "a reservation that fits is granted for a minute" => granted;
    "C-42" Reference "the answer shows the scope, the balance and the lease" => granted_in_full;
    "C-43" Required "a reservation that does not fit is denied and holds nothing" => too_much;
    "C-44" Required "what is held cannot be reserved again" => nothing_left;
    "C-45" Reference "a reservation of zero fits where nothing is left" => zero;
    "C-46" Required "a denial by the parent leaves the child alone" => denied_by_parent;
    "C-47" Required "a reservation holds at every level with a budget" => held_at_every_level;
    "C-48" Required "levels without a budget are passed over" => unbudgeted_levels;
    "C-49" Required "levels that the subject skips are not filled in" => skipped_levels;
    "C-50" Reference "scopes do not depend on case" => case_folding;
    "C-51" Required "a subject without any budget is not found" => no_budget;
    "C-52" Required "a budget over its limit takes no reservations" => over_limit;
    "C-53" Required "a budget in another unit is a unit mismatch" => unit_mismatch;
    "C-54" Optional "a unit mismatch names the scope and the units" => unit_mismatch_details;
    "C-55" Reference "a parent in another unit is passed over" => parent_in_another_unit;
    "C-56" Required "a frozen and a closed budget take no reservations" => frozen_and_closed;
    "C-57" Reference "the parent's denial is the one that is told" => parent_first;
    "C-58" Required "debt without an overdraft limit blocks reservations" => outstanding_debt;
    "C-59" Reference "debt within the limit does not block reservations" => debt_within_limit;
    "C-60" Required "being over the limit goes before debt" => over_limit_before_debt;
    "C-61" Reference "a lease is cut to one hour" => longest_lease;
    "C-62" Required "parallel reservations never hold more than there is" => no_oversubscription;
    "C-63" Required "the largest amount is exact" => largest_amount;
    "C-64" Required "dimensions do not change the scopes" => dimensions;
};

/// Leeway for clocks that do not show the same time, in milliseconds.
const SKEW: i64 = 5_000;

/// Fails unless a lease ends this long after the moment between two readings of the clock.
fn ends_after(answer: &Answer, ttl: i64, before: i64, after: i64) -> Verdict {
    let (earliest, latest) = (before + ttl - SKEW, after + ttl + SKEW);
    let expires_at = answer.integer("expires_at_ms")?;
    let expected = format!("expires_at_ms between {earliest} and {latest}");
    answer.expect((earliest..=latest).contains(&expires_at), expected).map(drop)
}

fn has_scopes(answer: &Answer, place: &Place) -> Verdict {
    answer.has("affected_scopes", place.scopes()).map(drop)
}

async fn granted(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let before = scene.now_ms();
    let answer = scene.reserve(&agent, 40).ok().await?;
    let after = scene.now_ms();

    answer.has("decision", "ALLOW")?.amount("reserved", 40)?.text("reservation_id")?;
    ends_after(&answer, 60_000, before, after)?;
    has_scopes(&answer, &agent)?;
    scene.ledger(&agent).await?.reserved(40)?.remaining(60)?;
    Ok(())
}

async fn granted_in_full(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let answer = scene.reserve(&agent, 40).ok().await?;

    answer.has("scope_path", agent.scope())?;
    answer.expect(answer.rows("balances")?.len() == 1, "one balance")?;
    answer.has("balances.0.scope", format!("agent:{}", agent.name()))?.has("balances.0.scope_path", agent.scope())?;
    for (figure, amount) in [("remaining", 60), ("reserved", 40), ("spent", 0), ("allocated", 100)] {
        answer.amount(&format!("balances.0.{figure}"), amount)?;
    }
    let left = answer.integer("remaining_ttl_ms")?;
    answer.expect((60_000 - SKEW..=60_000).contains(&left), "remaining_ttl_ms of a fresh minute")?;
    answer.lacks("caps")?.lacks("reason_code").map(drop)
}

async fn too_much(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let before = scene.ledger(&agent).await?;
    scene.reserve(&agent, 101).refused(409, "BUDGET_EXCEEDED").await?;
    scene.unchanged(&agent, &before).await
}

async fn nothing_left(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    scene.hold(&agent, 100).await?;
    scene.reserve(&agent, 1).refused(409, "BUDGET_EXCEEDED").await.map(drop)
}

async fn zero(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    scene.hold(&agent, 100).await?;
    scene.hold(&agent, 0).await.map(drop)
}

async fn denied_by_parent(scene: &Scene) -> Verdict {
    let (parent, child) = scene.family(50, 100).await?;
    let before = (scene.ledger(&parent).await?, scene.ledger(&child).await?);
    scene.reserve(&child, 60).refused(409, "BUDGET_EXCEEDED").await?;
    scene.unchanged(&parent, &before.0).await?;
    scene.unchanged(&child, &before.1).await
}

async fn held_at_every_level(scene: &Scene) -> Verdict {
    let (parent, child) = scene.family(100, 100).await?;
    scene.hold(&child, 60).await?;
    for place in [parent, child] {
        scene.ledger(&place).await?.reserved(60)?.remaining(40)?;
    }
    Ok(())
}

async fn unbudgeted_levels(scene: &Scene) -> Verdict {
    let agent = scene.workspace().agent();
    scene.fund(&agent, 100).await?;
    let hold = scene.hold(&agent, 60).await?;
    has_scopes(&hold.answer, &agent)?;
    scene.ledger(&agent).await?.reserved(60)?.remaining(40)?;
    Ok(())
}

async fn skipped_levels(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    has_scopes(&scene.hold(&agent, 1).await?.answer, &agent)
}

async fn case_folding(scene: &Scene) -> Verdict {
    let name = fresh("Bot-X");
    let lower = scene.acme.place().below("agent", name.to_lowercase());
    let mixed = scene.acme.place().below("agent", name);
    scene.fund(&lower, 100).await?;
    let hold = scene.hold(&mixed, 40).await?;
    has_scopes(&hold.answer, &lower)?;
    scene.ledger(&lower).await?.reserved(40)?;
    Ok(())
}

async fn no_budget(scene: &Scene) -> Verdict {
    scene.reserve(&scene.agent(), 1).refused(404, "NOT_FOUND").await.map(drop)
}

async fn over_limit(scene: &Scene) -> Verdict {
    let agent = scene.over_limit().await?;
    scene.reserve(&agent, 1).refused(409, "OVERDRAFT_LIMIT_EXCEEDED").await.map(drop)
}

async fn unit_mismatch(scene: &Scene) -> Verdict {
    let agent = scene.in_credits(100).await?;
    scene.reserve(&agent, 1).refused(400, "UNIT_MISMATCH").await.map(drop)
}

async fn unit_mismatch_details(scene: &Scene) -> Verdict {
    let agent = scene.in_credits(100).await?;
    let refusal = scene.reserve(&agent, 1).refused(400, "UNIT_MISMATCH").await?;
    refusal
        .has("details.scope", agent.scope())?
        .has("details.requested_unit", "TOKENS")?
        .has("details.expected_units", json!(["CREDITS"]))
        .map(drop)
}

async fn parent_in_another_unit(scene: &Scene) -> Verdict {
    let parent = scene.workspace();
    let child = parent.agent();
    scene.open_spec(&LedgerSpec { unit: "CREDITS", ..parent.ledger(100) }).await?;
    scene.fund(&child, 100).await?;
    let hold = scene.hold(&child, 60).await?;
    let charged = hold.answer.rows("balances")?;
    hold.answer
        .expect(charged.len() == 1, "the balance of the child alone")?
        .has("balances.0.scope_path", child.scope())?;
    scene.ledger(&child).await?.reserved(60)?;
    let balances = scene.balances(&parent).ok().await?;
    let mut rows = balances.rows("balances")?.iter();
    let untouched = rows.any(|row| row["scope_path"] == parent.scope() && row["remaining"]["amount"] == 100);
    balances.expect(untouched, format!("remaining 100 CREDITS at {}", parent.scope())).map(drop)
}

async fn frozen_and_closed(scene: &Scene) -> Verdict {
    let frozen = scene.funded(100).await?;
    scene.freeze(&frozen).await?;
    scene.reserve(&frozen, 1).refused(409, "BUDGET_FROZEN").await?;

    let closed = scene.funded(100).await?;
    scene.close_ledger(&closed).await?;
    scene.reserve(&closed, 1).refused(409, "BUDGET_CLOSED").await.map(drop)
}

async fn parent_first(scene: &Scene) -> Verdict {
    let (parent, child) = scene.family(100, 10).await?;
    scene.freeze(&parent).await?;
    scene.reserve(&child, 50).refused(409, "BUDGET_FROZEN").await?;

    let (_, child) = scene.family(10, 100).await?;
    scene.freeze(&child).await?;
    scene.reserve(&child, 50).refused(409, "BUDGET_EXCEEDED").await.map(drop)
}

async fn outstanding_debt(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    scene.target.seeding.set_debt(&agent.ledger(100), 10).await?;
    scene.reserve(&agent, 1).refused(409, "DEBT_OUTSTANDING").await.map(drop)
}

async fn debt_within_limit(scene: &Scene) -> Verdict {
    let agent = scene.funded_with_limit(100, 50).await?;
    let overrun = scene.hold_with(&agent, 60, "ALLOW_WITH_OVERDRAFT").await?;
    let other = scene.hold(&agent, 40).await?;
    scene.commit(&overrun.id, 90).ok().await?.amount("charged", 90)?;
    scene.ledger(&agent).await?.spent(60)?.reserved(40)?.debt(30)?.remaining(-30)?;
    scene.release(&other.id).ok().await?;
    scene.ledger(&agent).await?.remaining(10)?;
    scene.hold(&agent, 10).await.map(drop)
}

async fn over_limit_before_debt(scene: &Scene) -> Verdict {
    let agent = scene.funded_with_limit(100, 50).await?;
    let overrun = scene.hold_with(&agent, 60, "ALLOW_WITH_OVERDRAFT").await?;
    let other = scene.hold(&agent, 40).await?;
    scene.commit(&overrun.id, 90).ok().await?;
    scene.release(&other.id).ok().await?;
    scene.target.provisioner.set_overdraft_limit(&agent.ledger(100), 0).await?;
    scene.ledger(&agent).await?.debt(30)?.over_limit(true)?;
    scene.reserve(&agent, 1).refused(409, "OVERDRAFT_LIMIT_EXCEEDED").await.map(drop)
}

async fn longest_lease(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let before = scene.now_ms();
    let hold = scene.reserve(&agent, 1).with("ttl_ms", 86_400_000).held().await?;
    ends_after(&hold.answer, 3_600_000, before, scene.now_ms())
}

async fn no_oversubscription(scene: &Scene) -> Verdict {
    let agent = scene.funded(20).await?;
    let answers = join_all((0..50).map(|_| scene.reserve(&agent, 1))).await?;
    let (granted, denied): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.code() == 200);
    for denial in denied {
        denial.refusal(409, "BUDGET_EXCEEDED")?;
    }
    let ledger = scene.ledger(&agent).await?;
    ledger
        .remaining(0)?
        .reserved(20)?
        .expect(granted.len() == 20, format!("20 of 50 granted, not {}", granted.len()))?;
    Ok(())
}

async fn largest_amount(scene: &Scene) -> Verdict {
    let agent = scene.funded(i64::MAX).await?;
    scene.ledger(&agent).await?.remaining(i64::MAX)?.allocated(i64::MAX)?;
    let hold = scene.hold(&agent, i64::MAX).await?;
    hold.answer.amount("reserved", i64::MAX)?;
    scene.ledger(&agent).await?.remaining(0)?.reserved(i64::MAX)?;
    Ok(())
}

async fn dimensions(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let dimensions = json!({"run": "r-1", "cost_center": "42"});
    let hold = scene.reserve(&agent, 1).with("subject.dimensions", dimensions).held().await?;
    has_scopes(&hold.answer, &agent)
}

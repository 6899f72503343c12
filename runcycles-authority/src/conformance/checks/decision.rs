//! Asking without holding: dry runs and decisions.

use serde_json::{Value, json};

use crate::conformance::check::{Check, checks};
use crate::conformance::provision::ProvisionError;
use crate::conformance::scene::{Operation, Place, Scene, fresh};
use crate::conformance::wire::{Answer, Verdict};

pub(super) const CHECKS: &[Check] = checks! {
    "C-65" Required "a dry run that fits is allowed and holds nothing" => dry_run_allowed;
    "C-66" Required "a dry run that does not fit is a denial, not an error" => dry_run_denied;
    "C-67" Optional "a dry run's denial has its reason" => dry_run_reason;
    "C-68" Reference "a dry run's denial tells every reason of a reservation" => dry_run_reasons;
    "C-69" Required "a wrong unit is an error in a dry run and a decision too" => wrong_unit;
    "C-70" Required "a dry run and a reservation do not share a key" => shared_key;
    "C-71" Optional "a decision that fits is allowed and holds nothing" => decision_allowed;
    "C-72" Optional "a decision that does not fit is a denial with its reason" => decision_denied;
    "C-73" Reference "a decision's denial names the scopes" => decision_scopes;
    "C-74" Required "caps come with ALLOW_WITH_CAPS and only then" => caps;
    "C-75" Reference "a denial is remembered under its key" => remembered_denial;
    "C-76" Required "a closed tenant is denied" => closed_tenant;
};

/// Fails unless an answer decides so and holds nothing.
fn decides<'a>(answer: &'a Answer, decision: &str) -> Verdict<&'a Answer> {
    let scopes = answer.rows("affected_scopes")?;
    answer.expect(!scopes.is_empty(), "affected_scopes")?;
    answer.has("decision", decision)?.lacks("reservation_id")?.lacks("expires_at_ms")
}

async fn dry_run_allowed(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let before = scene.ledger(&agent).await?;
    decides(&scene.dry_run(&agent, 40).ok().await?, "ALLOW")?;
    scene.unchanged(&agent, &before).await?;
    if scene.has(Operation::List) {
        let list = scene.list_at(&agent).ok().await?;
        list.expect(list.rows("reservations")?.is_empty(), "no reservations")?;
    }
    Ok(())
}

async fn dry_run_denied(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    decides(&scene.dry_run(&agent, 101).ok().await?, "DENY").map(drop)
}

async fn dry_run_reason(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    scene.dry_run(&agent, 101).ok().await?.has("reason_code", "BUDGET_EXCEEDED").map(drop)
}

async fn dry_run_reasons(scene: &Scene) -> Verdict {
    let denied = async |agent: Place, reason: &str| {
        let answer = scene.dry_run(&agent, 1).ok().await?;
        decides(&answer, "DENY")?.has("reason_code", reason).map(drop)
    };
    denied(scene.agent(), "BUDGET_NOT_FOUND").await?;
    let frozen = scene.funded(100).await?;
    scene.freeze(&frozen).await?;
    denied(frozen, "BUDGET_FROZEN").await?;
    denied(scene.over_limit().await?, "OVERDRAFT_LIMIT_EXCEEDED").await?;
    let closed = scene.funded(100).await?;
    scene.close_ledger(&closed).await?;
    denied(closed, "BUDGET_CLOSED").await
}

async fn wrong_unit(scene: &Scene) -> Verdict {
    let agent = scene.in_credits(100).await?;
    scene.dry_run(&agent, 1).refused(400, "UNIT_MISMATCH").await?;
    if scene.has(Operation::Decide) {
        scene.decide(&agent, 1).refused(400, "UNIT_MISMATCH").await?;
    }
    Ok(())
}

async fn shared_key(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let key = fresh("key");
    scene.dry_run(&agent, 40).key(key.as_str()).ok().await?;
    scene.reserve(&agent, 40).key(key).refused(409, "IDEMPOTENCY_MISMATCH").await?;
    scene.ledger(&agent).await?.reserved(0)?.remaining(100)?;

    let key = fresh("key");
    scene.reserve(&agent, 40).key(key.as_str()).ok().await?;
    scene.dry_run(&agent, 40).key(key).refused(409, "IDEMPOTENCY_MISMATCH").await?;
    scene.ledger(&agent).await?.reserved(40)?.remaining(60)?;
    Ok(())
}

async fn decision_allowed(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let before = scene.ledger(&agent).await?;
    scene.decide(&agent, 40).ok().await?.has("decision", "ALLOW")?.lacks("caps")?;
    scene.unchanged(&agent, &before).await
}

async fn decision_denied(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let answer = scene.decide(&agent, 101).ok().await?;
    answer.has("decision", "DENY")?.has("reason_code", "BUDGET_EXCEEDED").map(drop)
}

async fn decision_scopes(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    scene.decide(&agent, 101).ok().await?.has("affected_scopes", agent.scopes()).map(drop)
}

const CAPS: [&str; 5] = ["max_tokens", "max_steps_remaining", "tool_allowlist", "tool_denylist", "cooldown_ms"];

/// Fails unless caps are there exactly where the decision says so.
fn has_fitting_caps(answer: &Answer) -> Verdict {
    if answer.text("decision")? != "ALLOW_WITH_CAPS" {
        return answer.lacks("caps").map(drop);
    }
    let caps = answer.find("caps").and_then(Value::as_object);
    let known = caps.is_some_and(|caps| caps.keys().all(|name| CAPS.contains(&name.as_str())));
    answer.expect(known, format!("caps out of {}", CAPS.join(", "))).map(drop)
}

async fn caps(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let mut calls = vec![scene.reserve(&agent, 1), scene.dry_run(&agent, 1), scene.dry_run(&agent, 1_000)];
    if scene.has(Operation::Decide) {
        calls.extend([scene.decide(&agent, 1), scene.decide(&agent, 1_000)]);
    }
    for call in &calls {
        has_fitting_caps(&call.clone().ok().await?)?;
    }

    let caps = json!({
        "max_tokens": 1_000,
        "max_steps_remaining": 5,
        "tool_allowlist": ["search"],
        "tool_denylist": ["shell"],
        "cooldown_ms": 10,
    });
    match scene.target.seeding.set_caps(&agent.ledger(100), &caps).await {
        Ok(()) => {}
        // No operation leads to caps, so a server need not have any.
        Err(ProvisionError::Unsupported(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    for call in calls {
        let answer = call.key(fresh("key")).ok().await?;
        has_fitting_caps(&answer)?;
        answer.expect(answer.text("decision")? != "ALLOW", "decision = ALLOW_WITH_CAPS or DENY")?;
    }
    Ok(())
}

async fn remembered_denial(scene: &Scene) -> Verdict {
    let agent = scene.funded(10).await?;
    let call = scene.decide(&agent, 50);
    call.clone().ok().await?.has("decision", "DENY")?;
    scene.credit(&agent, 90).await?;
    call.clone().ok().await?.has("decision", "DENY")?;
    call.key(fresh("key")).ok().await?.has("decision", "ALLOW").map(drop)
}

async fn closed_tenant(scene: &Scene) -> Verdict {
    let owner = scene.tenant().await?;
    let agent = owner.place().agent();
    scene.fund(&agent, 100).await?;
    scene.reserve(&agent, 1).api_key(&owner.key.secret).held().await?;

    scene.target.provisioner.close_tenant(&owner.tenant).await?;

    let mut questions = vec![scene.dry_run(&agent, 1)];
    if scene.has(Operation::Decide) {
        questions.push(scene.decide(&agent, 1));
    }
    // The tenant's keys may end with it.
    let ended = |answer: &Answer| answer.code() == 401 && answer.json()["error"] == "UNAUTHORIZED";
    for question in questions {
        let answer = question.api_key(&owner.key.secret).await?;
        if !ended(&answer) {
            answer.status(200)?.has("decision", "DENY")?.has("reason_code", "TENANT_CLOSED")?;
        }
    }
    let answer = scene.reserve(&agent, 1).api_key(&owner.key.secret).await?;
    if !ended(&answer) {
        answer.refusal(409, "TENANT_CLOSED")?;
    }
    Ok(())
}

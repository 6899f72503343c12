//! The reference admin plane.

use http::Method;
use serde_json::json;

use crate::conformance::check::{Check, checks};
use crate::conformance::provision::{AdminPlane, LedgerSpec};
use crate::conformance::scene::{Operation, Place, Scene, fresh};
use crate::conformance::wire::{Call, Stop, Verdict};

pub(super) const CHECKS: &[Check] = checks! {
    "C-146" Admin "a tenant is created once, by its id and name" => create_tenant;
    "C-147" Admin "a tenant's id has 3 to 64 lower-case letters, digits and hyphens" => tenant_ids;
    "C-148" Admin "a key works until it is revoked" => key_lifecycle;
    "C-149" Admin "a budget is created once" => create_budget;
    "C-150" Admin "a scope has a budget in each unit" => second_unit;
    "C-151" Admin "a budget's scope is canonical and of its tenant" => budget_scopes;
    "C-152" Admin "an allocation is in the budget's unit" => allocation_unit;
    "C-153" Admin "CREDIT adds to the allocation" => credit;
    "C-154" Admin "DEBIT takes from what remains" => debit;
    "C-155" Admin "RESET changes the allocation and keeps what was spent and held" => reset;
    "C-156" Admin "RESET_SPENT starts a period and keeps what is held" => reset_spent;
    "C-157" Admin "REPAY_DEBT pays debt and adds the rest" => repay_debt;
    "C-158" Admin "only RESET_SPENT takes a spent amount" => stray_spent;
    "C-159" Admin "a funding sent again is applied once" => fund_replay;
    "C-160" Admin "a funding of zero clears the limit's mark" => clear_over_limit;
    "C-161" Admin "a frozen budget takes neither reservations nor funds until it is unfrozen" => freeze;
    "C-162" Admin "the admin plane needs the admin key" => admin_key;
    "C-163" Admin "a key without budgets:write creates no budgets" => permissions;
    "C-164" Admin "a closed tenant's key ends, and operators can still read" => close_tenant;
};

impl Scene {
    fn admin(&self) -> Verdict<&AdminPlane> {
        self.target.admin.as_ref().ok_or_else(|| Stop::skipped("no admin plane was given"))
    }
}

async fn create_tenant(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let id: String = fresh("own").chars().take(40).collect();
    admin.new_tenant(&id).answered(201).await?.has("tenant_id", id.as_str())?.has("status", "ACTIVE")?;
    admin.new_tenant(&id).ok().await?.has("tenant_id", id.as_str())?;
    admin.new_tenant(&id).with("name", "another name").refused(409, "DUPLICATE_RESOURCE").await.map(drop)
}

async fn tenant_ids(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    for id in ["ab", "Acme", "a_b"] {
        admin.new_tenant(id).answered(400).await?;
    }
    Ok(())
}

async fn key_lifecycle(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let agent = scene.funded(100).await?;
    let created = admin.new_key(&scene.acme.tenant).answered(201).await?;
    let secret = created.text("key_secret")?;
    scene.reserve(&agent, 1).api_key(secret).ok().await?;
    admin.end_key(created.text("key_id")?).ok().await?;
    scene.reserve(&agent, 1).api_key(secret).refused(401, "UNAUTHORIZED").await.map(drop)
}

async fn create_budget(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let ledger = scene.agent().ledger(100);
    let created = admin.new_ledger(&ledger).answered(201).await?;
    created.has("status", "ACTIVE")?.has("scope", ledger.scope.as_str())?.has("unit", "TOKENS")?;
    for (figure, amount) in [("allocated", 100), ("remaining", 100), ("reserved", 0), ("spent", 0), ("debt", 0)] {
        created.amount(figure, amount)?;
    }
    admin.new_ledger(&ledger).refused(409, "DUPLICATE_RESOURCE").await.map(drop)
}

async fn second_unit(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let ledger = scene.agent().ledger(100);
    admin.new_ledger(&ledger).answered(201).await?;
    admin.new_ledger(&LedgerSpec { unit: "CREDITS", ..ledger }).answered(201).await.map(drop)
}

async fn budget_scopes(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let acme = scene.acme.place().scope();
    let name = fresh("x");
    for scope in [
        format!("agent:{name}"),
        format!("{acme}/agent:{name}/workspace:y"),
        format!("{acme}/foo:{name}"),
        format!("{acme}/*"),
        format!("{}/agent:{name}", scene.other.place().scope()),
    ] {
        admin.new_ledger(&LedgerSpec { scope, ..scene.agent().ledger(100) }).answered(400).await?;
    }
    Ok(())
}

async fn allocation_unit(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let call = admin.new_ledger(&scene.agent().ledger(100)).with("allocated.unit", "CREDITS");
    call.refused(400, "UNIT_MISMATCH").await.map(drop)
}

/// Funds a ledger and expects its figures to be these.
async fn funds(call: Call, figures: &[(&str, i64)]) -> Verdict {
    let funded = call.ok().await?;
    for (figure, amount) in figures {
        funded.amount(figure, *amount)?;
    }
    Ok(())
}

/// An agent of 100, of which 30 are spent and 10 held.
async fn used(scene: &Scene) -> Verdict<Place> {
    let agent = scene.funded(100).await?;
    scene.spend(&agent, 30).await?;
    scene.hold(&agent, 10).await?;
    Ok(agent)
}

async fn credit(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let agent = scene.funded(50).await?;
    let figures =
        [("previous_allocated", 50), ("new_allocated", 150), ("previous_remaining", 50), ("new_remaining", 150)];
    funds(admin.fund(&agent.ledger(50), "CREDIT", 100), &figures).await?;
    scene.ledger(&agent).await?.remaining(150)?.allocated(150)?;
    Ok(())
}

async fn debit(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let agent = scene.funded(100).await?;
    let ledger = agent.ledger(100);
    admin.fund(&ledger, "DEBIT", 101).refused(409, "BUDGET_EXCEEDED").await?;
    scene.ledger(&agent).await?.remaining(100)?.allocated(100)?;
    funds(admin.fund(&ledger, "DEBIT", 20), &[("new_allocated", 80), ("new_remaining", 80)]).await?;
    scene.ledger(&agent).await?.remaining(80)?.allocated(80)?;
    Ok(())
}

async fn reset(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let agent = used(scene).await?;
    let reset = admin.fund(&agent.ledger(100), "RESET", 200);
    funds(reset, &[("new_allocated", 200), ("new_remaining", 160)]).await?;
    scene.ledger(&agent).await?.allocated(200)?.remaining(160)?.spent(30)?.reserved(10)?;
    Ok(())
}

async fn reset_spent(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let agent = used(scene).await?;
    let reset = admin.fund(&agent.ledger(100), "RESET_SPENT", 200);
    funds(reset.clone(), &[("new_allocated", 200), ("new_remaining", 190)]).await?;
    scene.ledger(&agent).await?.allocated(200)?.remaining(190)?.spent(0)?.reserved(10)?;

    let reset = reset.key(fresh("key")).with("spent", json!({"unit": "TOKENS", "amount": 5}));
    funds(reset, &[("new_allocated", 200), ("new_remaining", 185)]).await?;
    scene.ledger(&agent).await?.remaining(185)?.spent(5)?.reserved(10)?;
    Ok(())
}

async fn repay_debt(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let agent = scene.funded_with_limit(100, 50).await?;
    let hold = scene.hold_with(&agent, 100, "ALLOW_WITH_OVERDRAFT").await?;
    scene.commit(&hold.id, 150).ok().await?;
    scene.ledger(&agent).await?.debt(50)?.remaining(-50)?;
    let repay = admin.fund(&agent.ledger(100), "REPAY_DEBT", 60);
    funds(repay, &[("new_allocated", 110), ("new_remaining", 10)]).await?;
    scene.ledger(&agent).await?.debt(0)?.allocated(110)?.remaining(10)?;
    Ok(())
}

async fn stray_spent(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let agent = scene.funded(100).await?;
    let call = admin.fund(&agent.ledger(100), "CREDIT", 10);
    call.with("spent", json!({"unit": "TOKENS", "amount": 5})).answered(400).await?;
    scene.ledger(&agent).await?.remaining(100)?;
    Ok(())
}

async fn fund_replay(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let agent = scene.funded(100).await?;
    let credit = admin.fund(&agent.ledger(100), "CREDIT", 10);
    credit.clone().ok().await?;
    credit.clone().ok().await?.amount("new_allocated", 110)?;
    credit.with("amount.amount", 11).refused(409, "IDEMPOTENCY_MISMATCH").await?;
    scene.ledger(&agent).await?.allocated(110)?.remaining(110)?;
    Ok(())
}

async fn clear_over_limit(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let agent = scene.over_limit().await?;
    admin.fund(&agent.ledger(100), "CREDIT", 0).ok().await?;
    scene.ledger(&agent).await?.over_limit(false)?;
    scene.reserve(&agent, 1).refused(409, "BUDGET_EXCEEDED").await.map(drop)
}

async fn freeze(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let agent = scene.funded(100).await?;
    let ledger = agent.ledger(100);
    admin.switch(&ledger, "freeze").ok().await?.has("status", "FROZEN")?;
    admin.switch(&ledger, "freeze").answered(409).await?;
    scene.reserve(&agent, 1).refused(409, "BUDGET_FROZEN").await?;
    admin.fund(&ledger, "CREDIT", 1).refused(409, "BUDGET_FROZEN").await?;
    admin.switch(&ledger, "unfreeze").ok().await?.has("status", "ACTIVE")?;
    scene.hold(&agent, 1).await.map(drop)
}

async fn admin_key(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let ledger = scene.agent().ledger(100);
    for call in [admin.get_tenant(&scene.acme.tenant), admin.new_ledger(&ledger)] {
        call.clone().without_key().answered(401).await?;
        call.admin_key(&fresh("wrong")).answered(401).await?;
    }
    Ok(())
}

async fn permissions(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let narrow = admin.new_key(&scene.acme.tenant).with("permissions", json!(["reservations:create", "balances:read"]));
    let created = narrow.answered(201).await?;
    let call = admin.new_ledger(&scene.agent().ledger(100)).without("tenant_id");
    call.api_key(created.text("key_secret")?).refused(403, "INSUFFICIENT_PERMISSIONS").await.map(drop)
}

async fn close_tenant(scene: &Scene) -> Verdict {
    let admin = scene.admin()?;
    let owner = scene.tenant().await?;
    let agent = owner.place().agent();
    scene.fund(&agent, 100).await?;
    let hold = scene.reserve(&agent, 10).api_key(&owner.key.secret).held().await?;

    admin.change_tenant(&owner.tenant, json!({"status": "CLOSED"})).ok().await?.has("status", "CLOSED")?;

    let key = &owner.key.secret;
    for call in [scene.reserve(&agent, 1), scene.commit(&hold.id, 1), scene.release(&hold.id)] {
        let answer = call.api_key(key).await?;
        if answer.code() != 401 {
            answer.refusal(409, "TENANT_CLOSED")?;
        }
    }
    admin.get_tenant(&owner.tenant).ok().await?.has("status", "CLOSED")?;
    if scene.has(Operation::List) {
        let list = scene.list().method(Method::GET).query("tenant", &owner.tenant).admin_key(admin.admin_key());
        let list = list.ok().await?;
        list.has("reservations.0.reservation_id", hold.id)?;
    }
    Ok(())
}

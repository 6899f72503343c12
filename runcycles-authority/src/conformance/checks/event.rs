//! Spend that was never reserved.

use crate::conformance::check::{Check, checks};
use crate::conformance::scene::Scene;
use crate::conformance::wire::Verdict;

pub(super) const CHECKS: &[Check] = checks! {
    "C-114" Optional "an event is charged" => charged;
    "C-115" Reference "an event's answer tells a charge only where it was capped" => charge_not_told;
    "C-116" Optional "REJECT refuses an event that does not fit" => rejected;
    "C-117" Optional "ALLOW_IF_AVAILABLE caps an event" => capped;
    "C-118" Optional "ALLOW_WITH_OVERDRAFT makes debt within the limit" => overdraft;
    "C-119" Reference "neither the limit's mark nor debt stops an event" => over_limit_or_indebted;
    "C-120" Optional "an event needs an open budget in its unit" => blocked;
    "C-121" Optional "an event sent again is charged once" => replay;
};

async fn charged(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    scene.event(&agent, 30).answered(201).await?.has("status", "APPLIED")?.text("event_id")?;
    scene.ledger(&agent).await?.spent(30)?.remaining(70)?;
    Ok(())
}

async fn charge_not_told(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let answer = scene.event(&agent, 30).answered(201).await?;
    answer.lacks("charged")?.amount("balances.0.remaining", 70).map(drop)
}

async fn rejected(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let before = scene.ledger(&agent).await?;
    scene.event(&agent, 101).with("overage_policy", "REJECT").refused(409, "BUDGET_EXCEEDED").await?;
    scene.unchanged(&agent, &before).await
}

async fn capped(scene: &Scene) -> Verdict {
    let (parent, child) = scene.family(50, 950).await?;
    let event = scene.event(&child, 100).with("overage_policy", "ALLOW_IF_AVAILABLE");
    event.answered(201).await?.amount("charged", 50)?;
    scene.ledger(&parent).await?.spent(50)?.remaining(0)?.over_limit(true)?;
    scene.ledger(&child).await?.spent(50)?.remaining(900)?.over_limit(false)?;
    Ok(())
}

async fn overdraft(scene: &Scene) -> Verdict {
    let agent = scene.funded_with_limit(100, 50).await?;
    let event = |amount: i64| scene.event(&agent, amount).with("overage_policy", "ALLOW_WITH_OVERDRAFT");
    let before = scene.ledger(&agent).await?;
    event(151).refused(409, "OVERDRAFT_LIMIT_EXCEEDED").await?;
    scene.unchanged(&agent, &before).await?;
    event(150).answered(201).await?;
    scene.ledger(&agent).await?.spent(100)?.debt(50)?.remaining(-50)?.balanced()?;
    Ok(())
}

async fn over_limit_or_indebted(scene: &Scene) -> Verdict {
    for (limit, policy, remaining) in [(0, "ALLOW_IF_AVAILABLE", 40), (50, "ALLOW_WITH_OVERDRAFT", 10)] {
        let agent = scene.funded_with_limit(100, limit).await?;
        let overrun = scene.hold_with(&agent, 60, policy).await?;
        let other = scene.hold(&agent, 40).await?;
        scene.commit(&overrun.id, 90).ok().await?;
        scene.release(&other.id).ok().await?;
        scene.ledger(&agent).await?.remaining(remaining)?.over_limit(limit == 0)?;
        scene.event(&agent, 5).answered(201).await?;
        scene.ledger(&agent).await?.remaining(remaining - 5)?;
    }
    Ok(())
}

async fn blocked(scene: &Scene) -> Verdict {
    let frozen = scene.funded(100).await?;
    scene.freeze(&frozen).await?;
    scene.event(&frozen, 1).refused(409, "BUDGET_FROZEN").await?;
    scene.event(&scene.agent(), 1).refused(404, "NOT_FOUND").await?;
    scene.event(&scene.in_credits(100).await?, 1).refused(400, "UNIT_MISMATCH").await?;
    let closed = scene.funded(100).await?;
    scene.close_ledger(&closed).await?;
    scene.event(&closed, 1).refused(409, "BUDGET_CLOSED").await.map(drop)
}

async fn replay(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let event = scene.event(&agent, 30);
    let first = event.clone().answered(201).await?;
    event.clone().await?.replays(&first)?;
    event.with("actual.amount", 31).refused(409, "IDEMPOTENCY_MISMATCH").await?;
    scene.ledger(&agent).await?.spent(30)?.remaining(70)?;
    Ok(())
}

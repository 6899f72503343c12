//! What a commit charges.

use serde_json::json;

use crate::conformance::check::{Check, checks};
use crate::conformance::scene::{Ledger, Operation, Scene, fresh};
use crate::conformance::wire::{Verdict, join_all};

pub(super) const CHECKS: &[Check] = checks! {
    "C-77" Required "a commit charges what was spent and returns the rest" => charged;
    "C-78" Required "a commit tells what it returned" => released;
    "C-79" Required "a commit of zero returns the whole hold" => zero;
    "C-80" Required "REJECT refuses an overrun and leaves the reservation active" => rejected_overrun;
    "C-81" Required "ALLOW_IF_AVAILABLE charges an overrun that fits" => available_overrun;
    "C-82" Required "ALLOW_IF_AVAILABLE caps an overrun and marks the budget over its limit" => capped_overrun;
    "C-83" Required "an overrun is capped by the level that has least" => capped_by_parent;
    "C-84" Required "ALLOW_WITH_OVERDRAFT makes debt within the limit" => overdraft;
    "C-85" Required "ALLOW_WITH_OVERDRAFT refuses debt beyond the limit" => overdraft_beyond_limit;
    "C-86" Reference "debt may be as high as the limit" => overdraft_to_the_limit;
    "C-87" Required "ALLOW_WITH_OVERDRAFT without a limit caps the overrun" => overdraft_without_limit;
    "C-88" Reference "an overrun respects every level's limit at once" => mixed_limits;
    "C-89" Required "a commit in another unit is refused and leaves the reservation active" => unit_mismatch;
    "C-90" Required "a second commit with a new key is refused" => second_commit;
    "C-91" Required "a second commit with the same key gets the same answer and charges nothing" => replay;
    "C-92" Required "a second commit with the same key and another amount is a mismatch" => mismatch;
    "C-93" Required "a settled reservation cannot be settled in the other way" => settled;
    "C-94" Required "an unknown reservation is not found" => unknown;
    "C-95" Required "a commit within the grace period is taken" => within_grace, waits;
    "C-96" Required "a commit after the grace period is too late" => after_grace, waits;
    "C-97" Reference "a frozen budget lets work in flight settle" => frozen_meanwhile;
    "C-98" Required "parallel commits with one key charge once" => parallel_replays;
    "C-99" Reference "the answer shows the balance of every level with a budget" => balances;
    "C-100" Optional "what was committed can be read, with its metadata" => read_back;
};

async fn charged(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 50).await?;
    scene.commit(&hold.id, 30).ok().await?.has("status", "COMMITTED")?.amount("charged", 30)?;
    scene.ledger(&agent).await?.spent(30)?.reserved(0)?.remaining(70)?;
    Ok(())
}

async fn released(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 50).await?;
    scene.commit(&hold.id, 30).ok().await?.amount("released", 20)?;
    let hold = scene.hold(&agent, 50).await?;
    let exact = scene.commit(&hold.id, 50).ok().await?;
    let nothing = exact.find("released.amount").is_none_or(|amount| amount == 0);
    exact.expect(nothing, "released absent or 0").map(drop)
}

async fn zero(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 50).await?;
    scene.commit(&hold.id, 0).ok().await?.amount("charged", 0)?;
    scene.ledger(&agent).await?.spent(0)?.reserved(0)?.remaining(100)?;
    Ok(())
}

async fn rejected_overrun(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let hold = scene.hold_with(&agent, 100, "REJECT").await?;
    let before = scene.ledger(&agent).await?;
    scene.commit(&hold.id, 101).refused(409, "BUDGET_EXCEEDED").await?;
    scene.unchanged(&agent, &before).await?;
    if scene.has(Operation::Get) {
        scene.still_active(&hold.id).await?;
    }
    scene.commit(&hold.id, 100).ok().await?.amount("charged", 100)?;
    scene.ledger(&agent).await?.spent(100)?.remaining(900)?;
    Ok(())
}

async fn available_overrun(scene: &Scene) -> Verdict {
    let agent = scene.funded(10_000).await?;
    let hold = scene.hold_with(&agent, 4_000, "ALLOW_IF_AVAILABLE").await?;
    scene.commit(&hold.id, 9_000).ok().await?.amount("charged", 9_000)?;
    scene.ledger(&agent).await?.spent(9_000)?.reserved(0)?.remaining(1_000)?.debt(0)?.over_limit(false)?;
    Ok(())
}

async fn capped_overrun(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000_000).await?;
    scene.spend(&agent, 990_000).await?;
    let hold = scene.hold_with(&agent, 1_000, "ALLOW_IF_AVAILABLE").await?;
    scene.commit(&hold.id, 50_000).ok().await?.amount("charged", 10_000)?;
    scene.ledger(&agent).await?.spent(1_000_000)?.remaining(0)?.debt(0)?.over_limit(true)?;
    scene.reserve(&agent, 1).refused(409, "OVERDRAFT_LIMIT_EXCEEDED").await.map(drop)
}

async fn capped_by_parent(scene: &Scene) -> Verdict {
    let (parent, child) = scene.family(150, 1_000).await?;
    let hold = scene.hold_with(&child, 100, "ALLOW_IF_AVAILABLE").await?;
    scene.commit(&hold.id, 200).ok().await?.amount("charged", 150)?;
    scene.ledger(&parent).await?.spent(150)?.remaining(0)?.over_limit(true)?;
    scene.ledger(&child).await?.spent(150)?.remaining(850)?.over_limit(false)?;
    Ok(())
}

async fn overdraft(scene: &Scene) -> Verdict {
    let agent = scene.funded_with_limit(1_000_000, 100_000).await?;
    scene.spend(&agent, 950_000).await?;
    let hold = scene.hold_with(&agent, 1_000, "ALLOW_WITH_OVERDRAFT").await?;
    scene.commit(&hold.id, 100_000).ok().await?.amount("charged", 100_000)?;
    scene.ledger(&agent).await?.spent(1_000_000)?.debt(50_000)?.remaining(-50_000)?.balanced()?;
    Ok(())
}

async fn overdraft_beyond_limit(scene: &Scene) -> Verdict {
    let agent = scene.funded_with_limit(1_000_000, 100_000).await?;
    scene.spend(&agent, 950_000).await?;
    let hold = scene.hold_with(&agent, 1_000, "ALLOW_WITH_OVERDRAFT").await?;
    let before = scene.ledger(&agent).await?;
    scene.commit(&hold.id, 500_000).refused(409, "OVERDRAFT_LIMIT_EXCEEDED").await?;
    scene.unchanged(&agent, &before).await?;
    scene.still_active(&hold.id).await
}

async fn overdraft_to_the_limit(scene: &Scene) -> Verdict {
    let agent = scene.funded_with_limit(1_000, 100).await?;
    let hold = scene.hold_with(&agent, 1_000, "ALLOW_WITH_OVERDRAFT").await?;
    scene.commit(&hold.id, 1_100).ok().await?.amount("charged", 1_100)?;
    scene.ledger(&agent).await?.debt(100)?.remaining(-100)?.over_limit(false)?;
    Ok(())
}

async fn overdraft_without_limit(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000_000).await?;
    scene.spend(&agent, 950_000).await?;
    let hold = scene.hold_with(&agent, 1_000, "ALLOW_WITH_OVERDRAFT").await?;
    scene.commit(&hold.id, 100_000).ok().await?.amount("charged", 50_000)?;
    scene.ledger(&agent).await?.spent(1_000_000)?.remaining(0)?.debt(0)?.over_limit(true)?;
    Ok(())
}

async fn mixed_limits(scene: &Scene) -> Verdict {
    let parent = scene.workspace();
    let child = parent.agent();
    scene.fund(&parent, 130).await?;
    scene.fund_with_limit(&child, 100, 100).await?;
    let hold = scene.hold_with(&child, 100, "ALLOW_WITH_OVERDRAFT").await?;
    scene.commit(&hold.id, 150).ok().await?.amount("charged", 130)?;
    scene.ledger(&parent).await?.spent(130)?.remaining(0)?.over_limit(true)?;
    scene.ledger(&child).await?.spent(100)?.debt(30)?.remaining(-30)?.over_limit(false)?;

    let parent = scene.workspace();
    let child = parent.agent();
    scene.fund_with_limit(&parent, 120, 100).await?;
    scene.fund_with_limit(&child, 100, 20).await?;
    let hold = scene.hold_with(&child, 100, "ALLOW_WITH_OVERDRAFT").await?;
    let before = (scene.ledger(&parent).await?, scene.ledger(&child).await?);
    scene.commit(&hold.id, 130).refused(409, "OVERDRAFT_LIMIT_EXCEEDED").await?;
    scene.unchanged(&parent, &before.0).await?;
    scene.unchanged(&child, &before.1).await?;
    scene.commit(&hold.id, 120).ok().await?.amount("charged", 120)?;
    scene.ledger(&parent).await?.spent(120)?.remaining(0)?;
    scene.ledger(&child).await?.spent(100)?.debt(20)?.remaining(-20)?;
    Ok(())
}

async fn unit_mismatch(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 50).await?;
    scene.commit(&hold.id, 30).with("actual.unit", "CREDITS").refused(400, "UNIT_MISMATCH").await?;
    scene.ledger(&agent).await?.spent(0)?.reserved(50)?;
    scene.still_active(&hold.id).await
}

async fn second_commit(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 50).await?;
    scene.commit(&hold.id, 30).ok().await?;
    scene.commit(&hold.id, 30).refused(409, "RESERVATION_FINALIZED").await?;
    scene.ledger(&agent).await?.spent(30)?.remaining(70)?;
    Ok(())
}

async fn replay(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 50).await?;
    let commit = scene.commit(&hold.id, 30);
    let first = commit.clone().ok().await?;
    commit.await?.replays(&first)?;
    scene.ledger(&agent).await?.spent(30)?.remaining(70)?;
    Ok(())
}

async fn mismatch(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 50).await?;
    let commit = scene.commit(&hold.id, 30);
    commit.clone().ok().await?;
    commit.with("actual.amount", 31).refused(409, "IDEMPOTENCY_MISMATCH").await?;
    scene.ledger(&agent).await?.spent(30)?.remaining(70)?;
    Ok(())
}

async fn settled(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 50).await?;
    scene.release(&hold.id).ok().await?;
    scene.commit(&hold.id, 30).refused(409, "RESERVATION_FINALIZED").await?;

    let hold = scene.hold(&agent, 50).await?;
    scene.commit(&hold.id, 30).ok().await?;
    scene.release(&hold.id).refused(409, "RESERVATION_FINALIZED").await?;
    scene.ledger(&agent).await?.spent(30)?.reserved(0)?.remaining(70)?;
    Ok(())
}

async fn unknown(scene: &Scene) -> Verdict {
    let id = uuid::Uuid::new_v4().to_string();
    let mut calls = vec![scene.commit(&id, 1), scene.release(&id), scene.extend(&id, 1_000)];
    if scene.has(Operation::Get) {
        calls.push(scene.get(&id));
    }
    for call in calls {
        call.refused(404, "NOT_FOUND").await?;
    }
    Ok(())
}

async fn within_grace(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.brief_hold(&agent, 50, 5_000).await?;
    scene.pass(2_000).await;
    scene.commit(&hold.id, 30).ok().await?.amount("charged", 30)?;
    Ok(())
}

async fn after_grace(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.brief_hold(&agent, 50, 0).await?;
    scene.pass(2_000).await;
    scene.commit(&hold.id, 30).refused(410, "RESERVATION_EXPIRED").await?;
    scene.ledger(&agent).await?.spent(0)?;
    Ok(())
}

async fn frozen_meanwhile(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 50).await?;
    scene.freeze(&agent).await?;
    scene.commit(&hold.id, 30).ok().await?.amount("charged", 30)?;
    Ok(())
}

async fn parallel_replays(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 50).await?;
    let commit = scene.commit(&hold.id, 30);
    let answers = join_all((0..10).map(|_| commit.clone())).await?;
    let first = answers.iter().find(|answer| answer.code() == 200);
    let first = first.ok_or_else(|| answers[0].fault("200 for at least one of ten"))?;
    for answer in &answers {
        // A server may ask the losers of the race to come again.
        if answer.code() < 500 && answer.code() != 429 {
            answer.replays(first)?;
        }
    }
    scene.ledger(&agent).await?.spent(30)?.reserved(0)?.remaining(70)?;
    Ok(())
}

async fn balances(scene: &Scene) -> Verdict {
    let (parent, child) = scene.family(200, 100).await?;
    let hold = scene.hold(&child, 50).await?;
    let answer = scene.commit(&hold.id, 30).ok().await?;
    let balances = answer.rows("balances")?;
    answer.expect(balances.len() == 2, "two balances")?;
    answer.has("balances.0.scope_path", parent.scope())?.has("balances.1.scope_path", child.scope())?;
    for (balance, remaining) in balances.iter().zip([170, 70]) {
        Ledger::read(&answer, balance)?.remaining(remaining)?.spent(30)?.reserved(0)?.balanced()?;
    }
    Ok(())
}

async fn read_back(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 50).await?;
    let metadata = json!({"trace": fresh("trace"), "steps": [1, 2], "nested": {"ok": true}});
    scene.commit(&hold.id, 30).with("metadata", metadata.clone()).ok().await?;
    let read = scene.get(&hold.id).ok().await?;
    read.has("committed_metadata", metadata)?.has("status", "COMMITTED")?.amount("committed", 30)?;
    read.integer("finalized_at_ms").map(drop)
}

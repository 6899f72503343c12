//! The same request again.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::conformance::check::{Check, checks};
use crate::conformance::scene::{Scene, fresh};
use crate::conformance::wire::{Verdict, join_all};

pub(super) const CHECKS: &[Check] = checks! {
    "C-122" Required "a reservation sent again is the same one" => replay;
    "C-123" Required "a key with another estimate is a mismatch" => mismatch;
    "C-124" Required "tenants do not share keys" => another_tenant;
    "C-125" Required "a reservation and a decision do not share keys" => another_operation;
    "C-126" Reference "a denial is not remembered under its key" => denial_not_cached;
    "C-127" Reference "commits of two reservations do not share keys" => another_reservation;
    "C-128" Reference "the order of members and white space do not matter" => reordered;
    "C-129" Reference "a default that is written out is the same as one left out" => written_defaults;
    "C-130" Required "a reservation sent again after its commit gets its first answer" => replay_after_commit;
    "C-131" Required "parallel reservations with one key are one" => parallel_replays;
};

async fn replay(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let reserve = scene.reserve(&agent, 40);
    let first = reserve.clone().ok().await?;
    let again = reserve.ok().await?;
    for member in ["reservation_id", "expires_at_ms"] {
        again.has(member, first.find(member).cloned().unwrap_or_default())?;
    }
    let left = |member: Option<&Value>| member.and_then(Value::as_i64);
    let (before, after) = (left(first.find("remaining_ttl_ms")), left(again.find("remaining_ttl_ms")));
    again.expect(after <= before.or(after), "remaining_ttl_ms that is not larger than before")?;
    scene.ledger(&agent).await?.reserved(40)?.remaining(60)?;
    Ok(())
}

async fn mismatch(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let reserve = scene.reserve(&agent, 40);
    reserve.clone().ok().await?;
    reserve.with("estimate.amount", 41).refused(409, "IDEMPOTENCY_MISMATCH").await?;
    scene.ledger(&agent).await?.reserved(40)?.remaining(60)?;
    Ok(())
}

async fn another_tenant(scene: &Scene) -> Verdict {
    let ours = scene.funded(100).await?;
    let theirs = scene.other.place().agent();
    scene.fund(&theirs, 100).await?;
    let key = fresh("key");
    let our_hold = scene.reserve(&ours, 40).key(key.as_str()).held().await?;
    let their_hold = scene.reserve(&theirs, 30).key(key).api_key(&scene.other.key.secret).held().await?;
    their_hold.answer.expect(their_hold.id != our_hold.id, "a reservation of its own")?;
    scene.ledger(&ours).await?.reserved(40)?;
    scene.ledger_by(&scene.other, &theirs).await?.reserved(30)?;
    Ok(())
}

async fn another_operation(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let key = fresh("key");
    scene.decide(&agent, 40).key(key.as_str()).ok().await?.has("decision", "ALLOW")?;
    scene.reserve(&agent, 30).key(key).held().await?;
    scene.ledger(&agent).await?.reserved(30)?;
    Ok(())
}

async fn denial_not_cached(scene: &Scene) -> Verdict {
    let agent = scene.funded(50).await?;
    let reserve = scene.reserve(&agent, 60);
    reserve.clone().refused(409, "BUDGET_EXCEEDED").await?;
    scene.credit(&agent, 50).await?;
    reserve.held().await?;
    scene.ledger(&agent).await?.reserved(60)?.remaining(40)?;
    Ok(())
}

async fn another_reservation(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let key = fresh("key");
    for actual in [10, 20] {
        let hold = scene.hold(&agent, 40).await?;
        scene.commit(&hold.id, actual).key(key.as_str()).ok().await?.amount("charged", actual)?;
    }
    scene.ledger(&agent).await?.spent(30)?;
    Ok(())
}

/// The same JSON with every object's members in reverse order and much white space.
fn write_reversed(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            text.push_str("{\n");
            for (index, (name, member)) in members.iter().rev().enumerate() {
                let comma = if index == 0 { "" } else { " , " };
                let _ = write!(text, "{comma}{} :\t", Value::from(name.as_str()));
                write_reversed(member, text);
            }
            text.push_str("\n}");
        }
        other => {
            let _ = write!(text, "{other}");
        }
    }
}

async fn reordered(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let metadata = json!({"b": 1, "a": {"z": [1, 2], "y": "x"}});
    let reserve =
        scene.reserve(&agent, 40).with("metadata", metadata).with("subject.dimensions", json!({"k": "1", "j": "2"}));
    let first = reserve.clone().ok().await?;
    let mut reversed = String::new();
    let body: Value = serde_json::from_str(&reserve.body_text()).unwrap_or_default();
    write_reversed(&body, &mut reversed);
    reserve.text(reversed).await?.replays(&first)?;
    scene.ledger(&agent).await?.reserved(40)?;
    Ok(())
}

async fn written_defaults(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let reserve = scene.reserve(&agent, 10);
    let first = reserve.clone().ok().await?;
    reserve.clone().with("grace_period_ms", 5_000).await?.replays(&first)?;
    reserve.with("dry_run", false).await?.replays(&first)?;
    scene.ledger(&agent).await?.reserved(10)?;
    Ok(())
}

async fn replay_after_commit(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let reserve = scene.reserve(&agent, 40);
    let first = reserve.clone().held().await?;
    scene.commit(&first.id, 30).ok().await?;
    let again = reserve.await?;
    again.replays(&first.answer)?;
    let left = again.find("remaining_ttl_ms");
    again.expect(left.is_none_or(|left| left == 0), "remaining_ttl_ms = 0 or none")?;
    scene.ledger(&agent).await?.spent(30)?.reserved(0)?;
    Ok(())
}

async fn parallel_replays(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let reserve = scene.reserve(&agent, 4);
    let answers = join_all((0..20).map(|_| reserve.clone())).await?;
    let mut granted = answers.iter().filter(|answer| answer.code() == 200);
    let first = granted.next().ok_or_else(|| answers[0].fault("200 for at least one of twenty"))?;
    let id = first.text("reservation_id")?;
    for answer in granted {
        answer.has("reservation_id", id)?;
    }
    scene.ledger(&agent).await?.reserved(4)?.remaining(96)?;
    Ok(())
}

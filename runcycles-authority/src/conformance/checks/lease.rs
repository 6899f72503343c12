//! How a reservation ends without a commit, and how it is kept from ending.

use crate::conformance::check::{Check, checks};
use crate::conformance::scene::{Hold, Operation, Place, Scene};
use crate::conformance::wire::{Answer, Verdict};

pub(super) const CHECKS: &[Check] = checks! {
    "C-101" Required "a release returns the hold" => released;
    "C-102" Required "a second release gets the same answer or is refused, by its key" => released_again;
    "C-103" Required "a release within the grace period is taken, and after it too late" => grace, waits;
    "C-104" Required "an extension counts from where the lease ended" => extended;
    "C-105" Required "what is left of a lease agrees with its end" => remaining_ttl;
    "C-106" Required "an extension within the grace period is too late" => no_extension_in_grace, waits;
    "C-107" Required "an extension sent again extends once and tells what is left now" => extension_replay, waits;
    "C-108" Required "an extension's key with another length is a mismatch" => extension_mismatch;
    "C-109" Required "a settled reservation cannot be extended" => extension_after_settlement;
    "C-110" Reference "a reservation can be extended ten times" => extension_count;
    "C-111" Required "a hold returns by itself when its lease is over" => expired, waits;
    "C-112" Optional "an expired reservation can be found in the list" => expired_row, waits;
    "C-113" Reference "extensions are not cut to the longest lease" => long_extensions;
};

/// How far the end of a lease and what is said to be left of it may be apart, in milliseconds.
const LEEWAY: i64 = 1_000;

async fn released(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 40).await?;
    scene.release(&hold.id).ok().await?.has("status", "RELEASED")?.amount("released", 40)?;
    scene.ledger(&agent).await?.reserved(0)?.spent(0)?.remaining(100)?;
    Ok(())
}

async fn released_again(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 40).await?;
    let release = scene.release(&hold.id);
    let first = release.clone().ok().await?;
    release.await?.replays(&first)?;
    scene.release(&hold.id).refused(409, "RESERVATION_FINALIZED").await?;
    scene.ledger(&agent).await?.reserved(0)?.remaining(100)?;
    Ok(())
}

async fn grace(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let (graced, late) = (scene.brief_hold(&agent, 40, 5_000).await?, scene.brief_hold(&agent, 40, 0).await?);
    scene.pass(2_000).await;
    scene.release(&graced.id).ok().await?.amount("released", 40)?;
    scene.release(&late.id).refused(410, "RESERVATION_EXPIRED").await.map(drop)
}

async fn extended(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 40).await?;
    let before = scene.ledger(&agent).await?;
    extend(scene, &hold, hold.answer.integer("expires_at_ms")?, 5_000).await?;
    scene.unchanged(&agent, &before).await
}

/// Extends a lease and expects it to end that much later.
async fn extend(scene: &Scene, hold: &Hold, expires_at: i64, by_ms: i64) -> Verdict<Answer> {
    let answer = scene.extend(&hold.id, by_ms).ok().await?;
    answer.has("status", "ACTIVE")?.has("expires_at_ms", expires_at + by_ms)?;
    Ok(answer)
}

async fn remaining_ttl(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let agrees = |answer: &Answer, before: i64, after: i64| {
        let Some(left) = answer.find("remaining_ttl_ms") else { return Ok(()) };
        let end = answer.integer("expires_at_ms")?;
        let (least, most) = ((end - after - LEEWAY).max(0), end - before + LEEWAY);
        let fits = left.as_i64().is_some_and(|left| (least..=most).contains(&left));
        answer.expect(fits, format!("remaining_ttl_ms between {least} and {most}")).map(drop)
    };
    let before = scene.now_ms();
    let hold = scene.hold(&agent, 40).await?;
    agrees(&hold.answer, before, scene.now_ms())?;

    let before = scene.now_ms();
    let extended = scene.extend(&hold.id, 5_000).ok().await?;
    agrees(&extended, before, scene.now_ms())
}

async fn no_extension_in_grace(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.brief_hold(&agent, 40, 5_000).await?;
    scene.pass(2_000).await;
    scene.extend(&hold.id, 5_000).refused(410, "RESERVATION_EXPIRED").await.map(drop)
}

async fn extension_replay(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 40).await?;
    let extend = scene.extend(&hold.id, 5_000);
    let first = extend.clone().ok().await?;
    scene.pass(1_000).await;
    let again = extend.ok().await?;
    again.replays(&first)?;
    if let Some(left) = first.find("remaining_ttl_ms") {
        let now_left = again.integer("remaining_ttl_ms")?;
        let expected = format!("remaining_ttl_ms below {left}, since time has passed");
        again.expect(left.as_i64().is_some_and(|left| now_left < left), expected)?;
    }
    if scene.has(Operation::Get) {
        scene.get(&hold.id).ok().await?.has("expires_at_ms", first.integer("expires_at_ms")?)?;
    }
    Ok(())
}

async fn extension_mismatch(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 40).await?;
    let extend = scene.extend(&hold.id, 5_000);
    extend.clone().ok().await?;
    extend.with("extend_by_ms", 6_000).refused(409, "IDEMPOTENCY_MISMATCH").await.map(drop)
}

async fn extension_after_settlement(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let (committed, released) = (scene.hold(&agent, 40).await?, scene.hold(&agent, 40).await?);
    scene.commit(&committed.id, 40).ok().await?;
    scene.release(&released.id).ok().await?;
    for hold in [committed, released] {
        scene.extend(&hold.id, 5_000).refused(409, "RESERVATION_FINALIZED").await?;
    }
    Ok(())
}

async fn extension_count(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 40).await?;
    for _ in 0..10 {
        scene.extend(&hold.id, 1).ok().await?;
    }
    scene.extend(&hold.id, 1).refused(409, "MAX_EXTENSIONS_EXCEEDED").await.map(drop)
}

/// Lets a hold's lease and grace period pass, and waits at most 15 seconds for it to return.
async fn until_returned(scene: &Scene, place: &Place, remaining: i64) -> Verdict {
    scene.pass(1_500).await;
    for _ in 0..30 {
        if scene.ledger(place).await?.figures.remaining == remaining {
            break;
        }
        scene.pass(500).await;
    }
    scene.ledger(place).await?.remaining(remaining)?.reserved(0)?.spent(0)?;
    Ok(())
}

async fn expired(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.brief_hold(&agent, 40, 0).await?;
    until_returned(scene, &agent, 100).await?;
    let mut calls = vec![scene.commit(&hold.id, 1), scene.release(&hold.id), scene.extend(&hold.id, 1_000)];
    if scene.has(Operation::Get) {
        calls.push(scene.get(&hold.id));
    }
    for call in calls {
        call.refused(410, "RESERVATION_EXPIRED").await?;
    }
    scene.ledger(&agent).await?.remaining(100)?;
    Ok(())
}

async fn expired_row(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.brief_hold(&agent, 40, 0).await?;
    until_returned(scene, &agent, 100).await?;
    let list = scene.list_at(&agent).query("status", "EXPIRED").ok().await?;
    list.has("reservations.0.reservation_id", hold.id)?.has("reservations.0.status", "EXPIRED").map(drop)
}

async fn long_extensions(scene: &Scene) -> Verdict {
    const HOUR: i64 = 3_600_000;
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 40).await?;
    let first = extend(scene, &hold, hold.answer.integer("expires_at_ms")?, HOUR).await?;
    extend(scene, &hold, first.integer("expires_at_ms")?, HOUR).await.map(drop)
}

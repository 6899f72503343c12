//! What a tenant can see and touch of another's: nothing.

use crate::conformance::check::{Check, checks};
use crate::conformance::scene::{Operation, Scene};
use crate::conformance::wire::Verdict;

pub(super) const CHECKS: &[Check] = checks! {
    "C-15" Required "a subject of another tenant is refused and charges nobody" => foreign_subject;
    "C-16" Required "a reservation of another tenant cannot be settled, extended or read" => foreign_reservation;
    "C-17" Required "balances of another tenant are refused" => foreign_balances;
    "C-18" Optional "a list of another tenant's reservations is refused" => foreign_list;
    "C-19" Required "lists show nothing of other tenants" => closed_lists;
};

async fn foreign_subject(scene: &Scene) -> Verdict {
    let theirs = scene.other.place().agent();
    scene.fund(&theirs, 100).await?;
    let before = scene.ledger_by(&scene.other, &theirs).await?;

    scene.reserve(&theirs, 1).refused(403, "FORBIDDEN").await?;
    scene.dry_run(&theirs, 1).refused(403, "FORBIDDEN").await?;
    if scene.has(Operation::Decide) {
        scene.decide(&theirs, 1).refused(403, "FORBIDDEN").await?;
    }
    if scene.has(Operation::Event) {
        scene.event(&theirs, 1).refused(403, "FORBIDDEN").await?;
    }

    scene.ledger_by(&scene.other, &theirs).await?.unchanged_since(&before)
}

async fn foreign_reservation(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 10).await?;
    let before = scene.ledger(&agent).await?;

    let stranger = &scene.other.key.secret;
    scene.commit(&hold.id, 1).api_key(stranger).refused(403, "FORBIDDEN").await?;
    scene.release(&hold.id).api_key(stranger).refused(403, "FORBIDDEN").await?;
    scene.extend(&hold.id, 1_000).api_key(stranger).refused(403, "FORBIDDEN").await?;
    if scene.has(Operation::Get) {
        scene.get(&hold.id).api_key(stranger).refused(403, "FORBIDDEN").await?;
    }

    scene.unchanged(&agent, &before).await?;
    scene.still_active(&hold.id).await
}

async fn foreign_balances(scene: &Scene) -> Verdict {
    scene.balances(&scene.other.place()).refused(403, "FORBIDDEN").await.map(drop)
}

async fn foreign_list(scene: &Scene) -> Verdict {
    scene.list().query("tenant", &scene.other.tenant).refused(403, "FORBIDDEN").await.map(drop)
}

async fn closed_lists(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    scene.hold(&agent, 10).await?;
    let ours = scene.acme.place().scope();
    let mut lists = vec![
        (scene.balances(&scene.other.place()), "balances"),
        (scene.any("/v1/balances").query("agent", agent.name()), "balances"),
    ];
    if scene.has(Operation::List) {
        lists.push((scene.list(), "reservations"));
        lists.push((scene.list().query("agent", agent.name()), "reservations"));
    }
    for (call, member) in lists {
        for page in scene.walk(call.api_key(&scene.other.key.secret), member).await? {
            let is_ours = |row: &serde_json::Value| {
                let scope = row["scope_path"].as_str().unwrap_or_default();
                scope == ours || scope.starts_with(&format!("{ours}/"))
            };
            page.expect(!page.rows(member)?.iter().any(is_ours), format!("nothing below {ours}"))?;
        }
    }
    Ok(())
}

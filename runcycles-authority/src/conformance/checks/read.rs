//! Reservations and balances as they are read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::errors::provoke;
use crate::conformance::check::{Check, checks};
use crate::conformance::scene::{Ledger, Operation, Place, Scene, fresh};
use crate::conformance::wire::{Answer, Verdict};

pub(super) const CHECKS: &[Check] = checks! {
    "C-132" Optional "a reservation can be read as it was made" => read_one;
    "C-133" Optional "a reservation's metadata can be read" => read_metadata;
    "C-134" Optional "a list finds a reservation by its key" => list_by_key;
    "C-135" Optional "a list refuses filters that mean nothing" => senseless_filters;
    "C-136" Optional "a sorted list shows every row once, in order" => sorted_list;
    "C-137" Optional "a cursor is refused under another order" => foreign_cursor;
    "C-138" Optional "a list's filter names a whole segment" => whole_segment;
    "C-139" Optional "a list's window includes its ends" => inclusive_window;
    "C-140" Optional "a list shows metadata where it is asked to" => include_metadata;
    "C-141" Required "every balance adds up, in one unit, at the place asked for" => sound_balances;
    "C-142" Reference "a tenant's balances are those of all its levels" => all_balances;
    "C-143" Required "a walk of single pages shows every ledger once" => single_pages;
    "C-144" Reference "a balance leaves out debt, limit and mark where there is none" => plain_balance;
    "C-145" Reference "no answer has a null member" => no_nulls;
};

/// A value without members that are null.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, member)| !member.is_null());
            Value::Object(kept.map(|(name, member)| (name.clone(), without_nulls(member))).collect())
        }
        other => other.clone(),
    }
}

fn ids(pages: &[Answer]) -> Verdict<Vec<String>> {
    let mut ids = Vec::new();
    for page in pages {
        for row in page.rows("reservations")? {
            ids.push(row["reservation_id"].as_str().unwrap_or_default().to_owned());
        }
    }
    Ok(ids)
}

/// A workspace with a ledger and holds of 1, 2, 3 … by agents below it; the ids of the holds.
async fn workspace_with_holds(scene: &Scene, holds: i64) -> Verdict<(Place, Vec<String>)> {
    let workspace = scene.workspace();
    scene.fund(&workspace, 1_000).await?;
    let mut ids = Vec::new();
    for estimate in 1..=holds {
        ids.push(scene.hold(&workspace.agent(), estimate).await?.id);
    }
    Ok((workspace, ids))
}

async fn read_one(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let before = scene.now_ms();
    let action = json!({"kind": "tool.call", "name": "search", "tags": ["a", "b"]});
    let hold = scene.reserve(&agent, 40).with("action", action.clone()).held().await?;
    let after = scene.now_ms();

    let read = scene.get(&hold.id).ok().await?;

    read.has("reservation_id", hold.id.as_str())?.has("status", "ACTIVE")?.amount("reserved", 40)?;
    for (member, sent) in [("subject", agent.subject()), ("action", action)] {
        let found = read.find(member).map(without_nulls);
        read.expect(found.as_ref() == Some(&sent), format!("{member} = {sent}"))?;
    }
    read.has("affected_scopes", agent.scopes())?.has("scope_path", agent.scope())?;
    read.has("expires_at_ms", hold.answer.integer("expires_at_ms")?)?;
    let (earliest, latest) = (before - 5_000, after + 5_000);
    let created_at = read.integer("created_at_ms")?;
    read.expect((earliest..=latest).contains(&created_at), format!("created_at_ms between {earliest} and {latest}"))?;
    read.lacks("finalized_at_ms").map(drop)
}

async fn read_metadata(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let metadata = json!({"trace": fresh("trace"), "nested": {"steps": [1, 2]}});
    let hold = scene.reserve(&agent, 40).with("metadata", metadata.clone()).held().await?;
    scene.get(&hold.id).ok().await?.has("metadata", metadata).map(drop)
}

async fn list_by_key(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let key = fresh("key");
    let hold = scene.reserve(&agent, 10).key(key.as_str()).held().await?;
    scene.hold(&agent, 20).await?;
    let list = scene.list().query("idempotency_key", &key).ok().await?;
    let rows = list.rows("reservations")?;
    list.expect(rows.len() == 1, "one row")?.has("reservations.0.reservation_id", hold.id).map(drop)
}

async fn senseless_filters(scene: &Scene) -> Verdict {
    for (name, value) in [("status", "BOGUS"), ("sort_by", "bogus"), ("sort_dir", "up"), ("from", "yesterday")] {
        scene.list().query(name, value).invalid().await?;
    }
    let window = scene.list().query("from", "2026-01-02T00:00:00Z").query("to", "2026-01-01T00:00:00Z");
    window.invalid().await.map(drop)
}

async fn sorted_list(scene: &Scene) -> Verdict {
    let (workspace, holds) = workspace_with_holds(scene, 5).await?;
    let expected: BTreeSet<_> = holds.into_iter().collect();
    for direction in ["asc", "desc"] {
        let sorted = scene.list_at(&workspace).query("sort_by", "created_at_ms").query("sort_dir", direction);
        let pages = scene.walk(sorted.query("limit", "2"), "reservations").await?;
        let last = &pages[pages.len() - 1];
        last.has("has_more", false)?.lacks("next_cursor")?;
        let found = ids(&pages)?;
        let once = found.len() == expected.len() && found.iter().cloned().collect::<BTreeSet<_>>() == expected;
        last.expect(once, format!("each of {expected:?} once, found {found:?}"))?;
        let mut times = Vec::new();
        for page in &pages {
            page.expect(page.rows("reservations")?.len() <= 2, "at most two rows")?;
            times
                .extend(page.rows("reservations")?.iter().map(|row| row["created_at_ms"].as_i64().unwrap_or_default()));
        }
        let sorted = if direction == "asc" { times.is_sorted() } else { times.iter().rev().is_sorted() };
        last.expect(sorted, format!("created_at_ms in order {direction}, found {times:?}"))?;
    }
    Ok(())
}

async fn foreign_cursor(scene: &Scene) -> Verdict {
    let (workspace, _) = workspace_with_holds(scene, 3).await?;
    let sorted = |by: &str, direction: &str| {
        scene.list_at(&workspace).query("sort_by", by).query("sort_dir", direction).query("limit", "1")
    };
    let page = sorted("created_at_ms", "asc").ok().await?;
    let cursor = page.text("next_cursor")?;
    sorted("created_at_ms", "asc").query("cursor", cursor).ok().await?;
    sorted("created_at_ms", "desc").query("cursor", cursor).invalid().await?;
    sorted("reserved", "asc").query("cursor", cursor).invalid().await.map(drop)
}

async fn whole_segment(scene: &Scene) -> Verdict {
    let workspace = scene.workspace();
    scene.fund(&workspace, 100).await?;
    let agent = workspace.agent();
    let hold = scene.hold(&agent, 1).await?;
    scene.hold(&workspace.below("agent", format!("{}-2", agent.name())), 1).await?;
    let pages = scene.walk(scene.list().query("agent", agent.name()), "reservations").await?;
    pages[0].expect(ids(&pages)? == [hold.id], "the one row of this agent").map(drop)
}

async fn inclusive_window(scene: &Scene) -> Verdict {
    let (workspace, holds) = workspace_with_holds(scene, 1).await?;
    let row = scene.list_at(&workspace).ok().await?;
    let created_at = iso_instant(row.integer("reservations.0.created_at_ms")?);
    let list = scene.list_at(&workspace).query("from", &created_at).query("to", &created_at).ok().await?;
    list.has("reservations.0.reservation_id", holds[0].as_str()).map(drop)
}

/// An instant such as `2025-11-22T01:30:00.250Z`.
fn iso_instant(epoch_ms: i64) -> String {
    const DAY_MS: i64 = 86_400_000;
    let (days, ms) = (epoch_ms.div_euclid(DAY_MS), epoch_ms.rem_euclid(DAY_MS));
    // Years begin in March here, so that the leap day is the last of its year; 719,468 days lie before 1970.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

async fn include_metadata(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let metadata = json!({"trace": fresh("trace")});
    scene.reserve(&agent, 10).with("metadata", metadata.clone()).held().await?;
    scene.list_at(&agent).ok().await?.lacks("reservations.0.metadata")?;
    for include in ["metadata", "metadata,bogus"] {
        let list = scene.list_at(&agent).query("include", include).ok().await?;
        list.has("reservations.0.metadata", metadata.clone())?;
    }
    Ok(())
}

async fn sound_balances(scene: &Scene) -> Verdict {
    let agent = scene.funded_with_limit(100, 50).await?;
    let overrun = scene.hold_with(&agent, 60, "ALLOW_WITH_OVERDRAFT").await?;
    scene.hold(&agent, 40).await?;
    scene.commit(&overrun.id, 90).ok().await?;
    let answer = scene.balances(&agent).ok().await?;
    let balances = answer.rows("balances")?;
    answer.expect(!balances.is_empty(), "a balance")?;
    let segment = format!("agent:{}", agent.name());
    for balance in balances {
        Ledger::read(&answer, balance)?.balanced()?;
        let path = balance["scope_path"].as_str().unwrap_or_default();
        answer.expect(path.split('/').any(|found| found == segment), format!("a scope_path with {segment}"))?;
        let units: BTreeSet<_> =
            balance.as_object().into_iter().flatten().filter_map(|(_, member)| member["unit"].as_str()).collect();
        answer.expect(units.len() == 1, "one unit in a balance")?;
    }
    Ok(())
}

async fn all_balances(scene: &Scene) -> Verdict {
    let owner = scene.tenant().await?;
    let mut place = owner.place();
    for level in ["workspace", "app", "agent"] {
        scene.fund(&place, 100).await?;
        place = place.below(level, fresh(level));
    }
    scene.fund(&place, 100).await?;
    let call = scene.balances(&owner.place()).api_key(&owner.key.secret);
    let pages = scene.walk(call, "balances").await?;
    let mut found = BTreeSet::new();
    for page in &pages {
        found.extend(page.rows("balances")?.iter().filter_map(|row| row["scope_path"].as_str()));
    }
    let expected = place.scopes();
    let all = found == expected.iter().map(String::as_str).collect();
    pages[0].expect(all, format!("balances of {}", expected.join(", "))).map(drop)
}

async fn single_pages(scene: &Scene) -> Verdict {
    let workspace = scene.workspace();
    let places = [workspace.clone(), workspace.agent(), workspace.agent()];
    for place in &places {
        scene.fund(place, 100).await?;
    }
    let pages = scene.walk(scene.balances(&workspace).query("limit", "1"), "balances").await?;
    let mut found = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        page.expect(page.rows("balances")?.len() <= 1, "at most one balance")?;
        page.has("has_more", index + 1 < pages.len())?;
        found.extend(page.rows("balances")?.iter().filter_map(|row| row["scope_path"].as_str()));
    }
    found.sort_unstable();
    let mut expected = places.map(|place| place.scope());
    expected.sort_unstable();
    pages[0].expect(found == expected, format!("each of {} once, found {found:?}", expected.join(", "))).map(drop)
}

async fn plain_balance(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let answer = scene.balances(&agent).ok().await?;
    answer.amount("balances.0.remaining", 100)?;
    answer.lacks("balances.0.debt")?.lacks("balances.0.overdraft_limit")?.lacks("balances.0.is_over_limit").map(drop)
}

/// The path of a member that is null.
fn null_member(value: &Value) -> Option<String> {
    let below = |name: &str, member: &Value| match member {
        Value::Null => Some(name.to_owned()),
        _ => null_member(member).map(|rest| format!("{name}.{rest}")),
    };
    match value {
        Value::Object(members) => members.iter().find_map(|(name, member)| below(name, member)),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| below(&index.to_string(), item)),
        _ => None,
    }
}

async fn no_nulls(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 10).await?;
    let mut answers = provoke(scene).await?;
    for call in scene.every_operation(&agent, &hold) {
        answers.push(call.await?);
    }
    if scene.has(Operation::Get) {
        answers.push(scene.get(&hold.id).ok().await?);
    }
    answers.push(scene.dry_run(&agent, 1_000).ok().await?);
    for answer in &answers {
        if let Some(member) = null_member(answer.json()) {
            return Err(answer.fault(format!("no null, but {member} is")));
        }
    }
    Ok(())
}

//! Requests that are not valid: refused, and nothing changes.

use http::Method;
use serde_json::{Value, json};

use crate::conformance::check::{Check, checks};
use crate::conformance::scene::{Operation, Place, Scene, fresh};
use crate::conformance::wire::{Call, Verdict};

pub(super) const CHECKS: &[Check] = checks! {
    "C-20" Required "a body that is not a JSON object is refused" => not_an_object;
    "C-21" Required "unknown members are refused" => unknown_members;
    "C-22" Required "missing members are refused" => missing_members;
    "C-23" Required "an idempotency key has 1 to 256 characters" => key_length;
    "C-24" Required "a subject has a level" => subject_without_level;
    "C-25" Required "an amount is 0 to 9223372036854775807" => amount_range;
    "C-26" Required "a unit is one of the protocol's, in its case" => unknown_unit;
    "C-27" Required "ttl_ms is 1000 to 86400000" => ttl_range;
    "C-28" Required "grace_period_ms is 0 to 60000" => grace_range;
    "C-29" Required "an overage policy is one of the protocol's" => unknown_policy;
    "C-30" Required "an action's kind, name and tags have their lengths" => action_lengths;
    "C-31" Required "the header's idempotency key must be the body's" => key_in_header;
    "C-32" Reference "a header does not replace the body's idempotency key" => key_only_in_header;
    "C-33" Required "a subject has up to 16 dimensions of up to 256 characters" => dimension_limits;
    "C-34" Reference "a level's value has no spaces or delimiters and up to 128 characters" => level_charset;
    "C-35" Required "extend_by_ms is 1 to 86400000" => extension_range;
    "C-36" Required "a settlement has its members" => settlement_members;
    "C-37" Required "metrics are in range" => metric_ranges;
    "C-38" Required "balances need a filter" => unfiltered_balances;
    "C-39" Required "limit is 1 to 200" => limit_range;
    "C-40" Hygiene "unknown routes, methods, media types and mistyped queries get their own status" => http_statuses;
};

/// Sends calls that are not valid, and sees that they change nothing.
async fn all_invalid(scene: &Scene, place: &Place, calls: impl IntoIterator<Item = Call>) -> Verdict {
    let before = scene.ledger(place).await?;
    for call in calls {
        call.invalid().await?;
    }
    scene.unchanged(place, &before).await
}

async fn not_an_object(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let hold = scene.hold(&agent, 10).await?;
    let bodies = ["{", "", "[]", "null"];
    let calls = bodies.map(|body| [scene.reserve(&agent, 1).text(body), scene.commit(&hold.id, 1).text(body)]);
    all_invalid(scene, &agent, calls.into_iter().flatten()).await
}

async fn unknown_members(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let hold = scene.hold(&agent, 10).await?;
    let reserve = scene.reserve(&agent, 1);
    let mut calls = vec![
        reserve.clone().with("surprise", 1),
        reserve.clone().with("subject.surprise", "x"),
        reserve.clone().with("action.surprise", "x"),
        reserve.with("estimate.surprise", 1),
        scene.commit(&hold.id, 1).with("surprise", 1),
        scene.commit(&hold.id, 1).with("actual.surprise", 1),
        scene.release(&hold.id).with("surprise", 1),
        scene.extend(&hold.id, 1_000).with("surprise", 1),
    ];
    if scene.has(Operation::Decide) {
        calls.push(scene.decide(&agent, 1).with("surprise", 1));
    }
    if scene.has(Operation::Event) {
        calls.push(scene.event(&agent, 1).with("surprise", 1));
    }
    all_invalid(scene, &agent, calls).await
}

async fn missing_members(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let members = [
        "idempotency_key",
        "subject",
        "action",
        "action.kind",
        "action.name",
        "estimate",
        "estimate.unit",
        "estimate.amount",
    ];
    all_invalid(scene, &agent, members.map(|member| scene.reserve(&agent, 1).without(member))).await
}

async fn key_length(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let of_length = |chars: usize| format!("{:-<chars$}", fresh("key"));
    let calls = [String::new(), of_length(257)].map(|key| scene.reserve(&agent, 1).key(key));
    all_invalid(scene, &agent, calls).await?;
    scene.reserve(&agent, 1).key(of_length(256)).ok().await.map(drop)
}

async fn subject_without_level(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let subjects = [json!({}), json!({"dimensions": {"team": "core"}})];
    all_invalid(scene, &agent, subjects.map(|subject| scene.reserve(&agent, 1).with("subject", subject))).await
}

async fn amount_range(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let amounts = [json!(-1), json!(9_223_372_036_854_775_808_u64)];
    all_invalid(scene, &agent, amounts.map(|amount| scene.reserve(&agent, 1).with("estimate.amount", amount))).await
}

async fn unknown_unit(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let units = ["DOLLARS", "tokens"];
    all_invalid(scene, &agent, units.map(|unit| scene.reserve(&agent, 1).with("estimate.unit", unit))).await
}

async fn ttl_range(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    all_invalid(scene, &agent, [999, 86_400_001].map(|ttl| scene.reserve(&agent, 1).with("ttl_ms", ttl))).await?;
    for ttl in [1_000, 86_400_000] {
        scene.reserve(&agent, 1).with("ttl_ms", ttl).ok().await?;
    }
    Ok(())
}

async fn grace_range(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let with_grace = |grace: i64| scene.reserve(&agent, 1).with("grace_period_ms", grace);
    all_invalid(scene, &agent, [-1, 60_001].map(with_grace)).await?;
    for grace in [0, 60_000] {
        with_grace(grace).ok().await?;
    }
    Ok(())
}

async fn unknown_policy(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let mut calls = vec![scene.reserve(&agent, 1)];
    if scene.has(Operation::Event) {
        calls.push(scene.event(&agent, 1));
    }
    all_invalid(scene, &agent, calls.into_iter().map(|call| call.with("overage_policy", "MAYBE"))).await
}

async fn action_lengths(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let reserve = |member: &str, value: Value| scene.reserve(&agent, 1).with(member, value);
    let tags = |count: usize, chars: usize| json!(vec!["t".repeat(chars); count]);
    let too_long = [
        reserve("action.kind", "k".repeat(65).into()),
        reserve("action.name", "n".repeat(257).into()),
        reserve("action.tags", tags(11, 1)),
        reserve("action.tags", tags(1, 65)),
    ];
    all_invalid(scene, &agent, too_long).await?;
    let longest = reserve("action.kind", "k".repeat(64).into())
        .with("action.name", "n".repeat(256))
        .with("action.tags", tags(10, 64));
    longest.ok().await.map(drop)
}

async fn key_in_header(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let hold = scene.hold(&agent, 10).await?;
    let calls = || [scene.reserve(&agent, 1), scene.extend(&hold.id, 1_000), scene.commit(&hold.id, 1)];
    all_invalid(scene, &agent, calls().map(|call| call.header("x-idempotency-key", fresh("other")))).await?;
    for call in calls() {
        let key = fresh("key");
        call.key(key.as_str()).header("x-idempotency-key", key).ok().await?;
    }
    Ok(())
}

async fn key_only_in_header(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let call = scene.reserve(&agent, 1).without("idempotency_key").header("x-idempotency-key", fresh("key"));
    all_invalid(scene, &agent, [call]).await
}

async fn dimension_limits(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let with_dimensions = |count: usize, chars: usize| {
        let dimensions = (0..count).map(|index| (format!("d{index}"), Value::from("v".repeat(chars))));
        scene.reserve(&agent, 1).with("subject.dimensions", Value::Object(dimensions.collect()))
    };
    all_invalid(scene, &agent, [with_dimensions(17, 1), with_dimensions(1, 257)]).await?;
    with_dimensions(16, 256).ok().await.map(drop)
}

async fn level_charset(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let values = ["a b".to_owned(), "a/b".to_owned(), "a:b".to_owned(), "a".repeat(129)];
    all_invalid(scene, &agent, values.map(|value| scene.reserve(&agent, 1).with("subject.agent", value))).await
}

async fn extension_range(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let hold = scene.hold(&agent, 10).await?;
    let calls = [
        scene.extend(&hold.id, 0),
        scene.extend(&hold.id, 86_400_001),
        scene.extend(&hold.id, 1).without("extend_by_ms"),
    ];
    all_invalid(scene, &agent, calls).await?;
    let extended = scene.extend(&hold.id, 1).ok().await?;
    let expires_at = hold.answer.integer("expires_at_ms")? + 1;
    extended.has("expires_at_ms", expires_at).map(drop)
}

async fn settlement_members(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let hold = scene.hold(&agent, 10).await?;
    let calls = [
        scene.commit(&hold.id, 1).without("actual"),
        scene.commit(&hold.id, 1).without("idempotency_key"),
        scene.release(&hold.id).without("idempotency_key"),
        scene.release(&hold.id).with("reason", "r".repeat(257)),
    ];
    all_invalid(scene, &agent, calls).await?;
    scene.release(&hold.id).with("reason", "r".repeat(256)).ok().await.map(drop)
}

async fn metric_ranges(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let hold = scene.hold(&agent, 10).await?;
    let mut calls = vec![scene.commit(&hold.id, 1)];
    if scene.has(Operation::Event) {
        calls.push(scene.event(&agent, 1));
    }
    let metrics = [json!({"tokens_input": -1}), json!({"model_version": "m".repeat(129)})];
    let bent = metrics
        .into_iter()
        .flat_map(|metrics| calls.clone().into_iter().map(move |call| call.with("metrics", metrics.clone())));
    all_invalid(scene, &agent, bent).await
}

async fn unfiltered_balances(scene: &Scene) -> Verdict {
    scene.any("/v1/balances").invalid().await.map(drop)
}

async fn limit_range(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    let mut lists = vec![scene.balances(&agent)];
    if scene.has(Operation::List) {
        lists.push(scene.list());
    }
    for list in lists {
        for limit in ["0", "201"] {
            list.clone().query("limit", limit).invalid().await?;
        }
        for limit in ["1", "200"] {
            list.clone().query("limit", limit).ok().await?;
        }
    }
    Ok(())
}

async fn http_statuses(scene: &Scene) -> Verdict {
    let agent = scene.funded(1_000).await?;
    for (call, status) in [
        (scene.any("/v1/nowhere"), 404),
        (scene.reserve(&agent, 1).method(Method::PUT), 405),
        (scene.reserve(&agent, 1).header("content-type", "text/plain"), 415),
        (scene.balances(&agent).query("limit", "abc"), 400),
    ] {
        call.answered(status).await?;
    }
    Ok(())
}

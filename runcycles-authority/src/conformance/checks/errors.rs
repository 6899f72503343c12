//! Errors of every kind that a client can bring about by itself.

use crate::conformance::scene::{Scene, fresh};
use crate::conformance::wire::{Answer, Verdict};

/// The codes that an error can have.
pub(super) const CODES: [&str; 17] = [
    "INVALID_REQUEST",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "NOT_FOUND",
    "BUDGET_EXCEEDED",
    "BUDGET_FROZEN",
    "BUDGET_CLOSED",
    "RESERVATION_EXPIRED",
    "RESERVATION_FINALIZED",
    "IDEMPOTENCY_MISMATCH",
    "UNIT_MISMATCH",
    "OVERDRAFT_LIMIT_EXCEEDED",
    "DEBT_OUTSTANDING",
    "MAX_EXTENSIONS_EXCEEDED",
    "LIMIT_EXCEEDED",
    "TENANT_CLOSED",
    "INTERNAL_ERROR",
];

/// One error of each kind.
pub(super) async fn provoke(scene: &Scene) -> Verdict<Vec<Answer>> {
    let agent = scene.funded(100).await?;
    let stranger = scene.other.place().agent();
    let in_credits = scene.in_credits(100).await?;
    let mut errors = Vec::new();
    for call in [
        scene.reserve(&agent, 1).without_key(),
        scene.reserve(&agent, 1).text("{"),
        scene.reserve(&agent, 1).with("ttl_ms", 999),
        scene.reserve(&in_credits, 1),
        scene.reserve(&stranger, 1),
        scene.reserve(&scene.agent(), 1),
        scene.release(&fresh("unknown")),
        scene.reserve(&agent, 101),
    ] {
        let answer = call.await?;
        answer.expect(answer.code() >= 400, "an error")?;
        errors.push(answer);
    }
    Ok(errors)
}

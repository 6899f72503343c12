//! What members of a payload say of each other.

use super::super::tree::Tree;
use super::Flaw;

/// A subject has a level.
pub(super) fn check_subject(request: &Tree) -> Result<(), Flaw> {
    let levels = request.get("subject").map_or(&[][..], Tree::members);
    if levels.iter().any(|(name, _)| name != "dimensions") {
        return Ok(());
    }
    Err(Flaw::new("found no level, expected at least one").within("subject").within("request"))
}

/// Limits come with the decision that has them, and with no other.
pub(super) fn check_caps(response: &Tree) -> Result<(), Flaw> {
    let is_capped = response.get("decision").and_then(Tree::text) == Some("ALLOW_WITH_CAPS");
    if is_capped == response.get("caps").is_some() {
        return Ok(());
    }
    Err(Flaw::new("expected limits with ALLOW_WITH_CAPS, and with no other decision").within("caps").within("response"))
}

/// A dry run holds nothing and may be denied; anything else holds, and a live denial is a refusal instead.
pub(super) fn check_reserve(request: &Tree, response: &Tree) -> Result<(), Flaw> {
    let is_dry = request.get("dry_run") == Some(&Tree::Flag(true));
    let flaw = |member: &str, problem: &str| Err(Flaw::new(problem).within(member).within("response"));
    if response.get("decision").and_then(Tree::text) == Some("DENY") && !is_dry {
        return flaw("decision", "found DENY, expected a dry run with it: a live denial is an error");
    }
    if is_dry {
        for member in ["reservation_id", "expires_at_ms"] {
            if response.get(member).is_some() {
                return flaw(member, "found it after a dry run, which holds nothing");
            }
        }
        return Ok(());
    }
    match response.get("reservation_id") {
        Some(_) => Ok(()),
        None => flaw("reservation_id", "found nothing, expected the reservation that is held"),
    }
}

/// A refusal names the reservation where its operation has one.
pub(super) fn check_error(body: &Tree) -> Result<(), Flaw> {
    let endpoint = body.get("endpoint").and_then(Tree::text).unwrap_or_default();
    match (endpoint.contains("{reservation_id}"), body.get("reservation_id")) {
        (true, None) => Err(Flaw::new(format!("found nothing, expected it for {endpoint}")).within("reservation_id")),
        (false, Some(_)) => Err(Flaw::new(format!("found it for {endpoint}, which has none")).within("reservation_id")),
        _ => Ok(()),
    }
}

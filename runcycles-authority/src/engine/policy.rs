//! Which policy applies to a reservation.

use crate::clock::Millis;
use crate::scope::ScopePath;
use crate::state::{Policy, State, TenantId};

/// The policy that applies to a path, where the authority was told to evaluate policies: of those that match one of its
/// scopes now, the one with the highest priority, then the one that matches the innermost scope, then the newest.
pub(super) fn applying<'s>(state: &'s State, tenant: TenantId, path: &ScopePath, now: Millis) -> Option<&'s Policy> {
    if !state.rules().evaluate_policies {
        return None;
    }
    best_matching(state, tenant, path, now).map(|(_, policy)| policy)
}

/// The same wherever it is asked, and the depth of the innermost scope that it matches.
pub(super) fn best_matching<'s>(
    state: &'s State,
    tenant: TenantId,
    path: &ScopePath,
    now: Millis,
) -> Option<(usize, &'s Policy)> {
    let policies = state.policies().of_tenant(tenant).filter(|policy| policy.is_effective(now));
    let matching = policies.filter_map(|policy| Some((policy.pattern.depth_in(path)?, policy)));
    matching.max_by_key(|(depth, policy)| (policy.priority, *depth, policy.created_at))
}

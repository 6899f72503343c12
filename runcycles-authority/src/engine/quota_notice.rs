//! What operators are told of quotas.

use crate::state::QuotaNotice;

/// Tells what has happened to a quota, once the state is free again.
pub(super) fn tell(notice: &QuotaNotice) {
    match notice {
        QuotaNotice::ThresholdApproaching { key, used, limit, threshold, policy } => {
            let (scope, counted, window, instance) = (&*key.scope, &key.counted, key.window.as_wire(), &*key.instance);
            tracing::warn!(scope, %counted, %window, instance, used, limit, threshold, policy = &**policy, "a quota of actions is nearly used up");
        }
        QuotaNotice::CounterReset { key, previous, limit, policy, reason } => {
            let (scope, counted, window, instance) = (&*key.scope, &key.counted, key.window.as_wire(), &*key.instance);
            let reason = reason.as_deref();
            tracing::info!(scope, %counted, %window, instance, previous, limit, policy = &**policy, reason, "a counter of actions was set to zero");
        }
    }
}

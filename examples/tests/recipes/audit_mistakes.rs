//! The findings of an audit.

#[path = "../../audit_mistakes.rs"]
#[expect(dead_code, reason = "the story is told here without its main function")]
mod example;

use runcycles::AuditFinding;

use self::example::{Numbers, story};
use super::Outcome;

#[tokio::test]
async fn each_mistake_is_exactly_one_finding() -> Outcome {
    let told = story().await?;
    let Numbers { tenant_alone, one_size_for_all, no_cap_for_runs, every_level_at_once, well_guarded, calls } = told;
    assert!(matches!(tenant_alone.as_slice(), [AuditFinding::TenantOnly { .. }]), "{tenant_alone:?}");
    assert!(matches!(one_size_for_all.as_slice(), [AuditFinding::SameEnvelope { .. }]), "{one_size_for_all:?}");
    assert!(matches!(no_cap_for_runs.as_slice(), [AuditFinding::NoRunCap { .. }]), "{no_cap_for_runs:?}");
    assert!(matches!(every_level_at_once.as_slice(), [AuditFinding::TooManyBudgets { .. }]), "{every_level_at_once:?}");
    assert_eq!(well_guarded, []);
    assert_eq!(calls.total(), 10);
    Ok(())
}

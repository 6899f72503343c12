//! Fingerprints of requests.

use super::decode::{
    ActionBody, CheckedAmount, CommitBody, DecideBody, EventBody, ExtendBody, MetricsBody, ReleaseBody, ReserveBody,
    SubjectBody, millis,
};
use super::object::{Integer, Text};
use crate::clock::Millis;
use crate::fingerprint::{Canonical, Fingerprint};

/// The fingerprint of a request about an action and an amount, without its key, up to what is special to its kind.
fn begin(kind: &str, subject: &SubjectBody<'_>, action: &ActionBody<'_>, amount: CheckedAmount) -> Canonical {
    let mut canonical = Canonical::new(kind);
    subject.write(&mut canonical);
    action.write(&mut canonical);
    write_amount(&mut canonical, amount);
    canonical
}

impl ReserveBody<'_> {
    pub(super) fn fingerprint(
        &self,
        subject: &SubjectBody<'_>,
        action: &ActionBody<'_>,
        estimate: CheckedAmount,
    ) -> Fingerprint {
        let mut canonical = begin("reserve", subject, action, estimate);
        canonical.optional(self.ttl_ms, |canonical, ttl| canonical.number(millis(ttl)));
        canonical.number(millis(self.grace_period_ms.unwrap_or(Self::DEFAULT_GRACE_MS)));
        write_text(&mut canonical, self.overage_policy.as_ref());
        canonical.number(u64::from(self.dry_run.unwrap_or(false)));
        canonical.optional(self.metadata.as_ref(), Canonical::object);
        if let Some(mode) = &self.observe_mode {
            canonical.text(mode);
        }
        write_policy_keys(&mut canonical, action);
        canonical.finish()
    }
}

impl DecideBody<'_> {
    pub(super) fn fingerprint(
        &self,
        subject: &SubjectBody<'_>,
        action: &ActionBody<'_>,
        estimate: CheckedAmount,
    ) -> Fingerprint {
        let mut canonical = begin("decide", subject, action, estimate);
        canonical.optional(self.metadata.as_ref(), Canonical::object);
        write_policy_keys(&mut canonical, action);
        canonical.finish()
    }
}

impl EventBody<'_> {
    pub(super) fn fingerprint(
        &self,
        subject: &SubjectBody<'_>,
        action: &ActionBody<'_>,
        actual: CheckedAmount,
    ) -> Fingerprint {
        let mut canonical = begin("event", subject, action, actual);
        write_text(&mut canonical, self.overage_policy.as_ref());
        canonical.optional(self.metrics.as_ref(), |canonical, metrics| metrics.write(canonical));
        canonical.optional(self.client_time_ms, |canonical, time| canonical.number(millis(time)));
        canonical.optional(self.metadata.as_ref(), Canonical::object);
        write_policy_keys(&mut canonical, action);
        canonical.finish()
    }
}

impl CommitBody<'_> {
    pub(super) fn fingerprint(&self, actual: CheckedAmount) -> Fingerprint {
        let mut canonical = Canonical::new("commit");
        write_amount(&mut canonical, actual);
        canonical.optional(self.metrics.as_ref(), |canonical, metrics| metrics.write(canonical));
        canonical.optional(self.metadata.as_ref(), Canonical::object);
        canonical.finish()
    }
}

impl ReleaseBody<'_> {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut canonical = Canonical::new("release");
        write_text(&mut canonical, self.reason.as_ref());
        canonical.finish()
    }
}

impl ExtendBody<'_> {
    pub(super) fn fingerprint(&self, extend_by: Millis) -> Fingerprint {
        let mut canonical = Canonical::new("extend");
        canonical.number(extend_by);
        canonical.optional(self.metadata.as_ref(), Canonical::object);
        canonical.finish()
    }
}

impl SubjectBody<'_> {
    fn write(&self, canonical: &mut Canonical) {
        for level in [&self.tenant, &self.workspace, &self.app, &self.workflow, &self.agent, &self.toolset] {
            write_text(canonical, level.as_ref());
        }
        canonical.optional(self.dimensions.as_ref(), |canonical, dimensions| {
            canonical.number(dimensions.len() as u64);
            for (name, value) in dimensions {
                canonical.text(name);
                canonical.text(value);
            }
        });
    }
}

impl ActionBody<'_> {
    fn write(&self, canonical: &mut Canonical) {
        write_text(canonical, self.kind.as_ref());
        write_text(canonical, self.name.as_ref());
        canonical.optional(self.tags.as_ref(), |canonical, tags| {
            canonical.number(tags.len() as u64);
            for tag in tags {
                canonical.text(tag);
            }
        });
    }
}

impl MetricsBody<'_> {
    fn write(&self, canonical: &mut Canonical) {
        for count in [self.tokens_input, self.tokens_output, self.latency_ms] {
            canonical.optional(count, |canonical, Integer(count)| canonical.number(count.cast_unsigned()));
        }
        write_text(canonical, self.model_version.as_ref());
        canonical.optional(self.custom.as_ref(), Canonical::object);
    }
}

fn write_text(canonical: &mut Canonical, text: Option<&Text<'_>>) {
    canonical.optional(text, |canonical, text| canonical.text(text));
}

fn write_amount(canonical: &mut Canonical, amount: CheckedAmount) {
    canonical.text(amount.unit.as_str());
    canonical.number(amount.value.cast_unsigned());
}

/// Members of an extension stand at the end, and only where there are any: a form without them is what it always was.
fn write_policy_keys(canonical: &mut Canonical, action: &ActionBody<'_>) {
    let Some(keys) = &action.policy_keys else { return };
    canonical.text("policy_keys");
    for text in [&keys.host, &keys.recipient_domain, &keys.resource_type, &keys.path_prefix] {
        write_text(canonical, text.as_ref());
    }
    canonical.optional(keys.custom.as_ref(), |canonical, custom| {
        canonical.number(custom.len() as u64);
        for (name, value) in custom {
            canonical.text(name);
            canonical.text(value);
        }
    });
}

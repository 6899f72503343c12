//! Fingerprints of requests.

use super::decode::{
    ActionBody, CheckedAmount, CommitBody, DecideBody, EventBody, ExtendBody, MetricsBody, ReleaseBody, ReserveBody,
    SubjectBody, millis,
};
use super::object::{Integer, Text};
use crate::clock::Millis;
use crate::fingerprint::{Canonical, Fingerprint};

/// What requests about an action and an amount have in common, without their key.
fn write_asked(canonical: &mut Canonical, subject: &SubjectBody<'_>, action: &ActionBody<'_>, amount: CheckedAmount) {
    subject.write(canonical);
    action.write(canonical);
    write_amount(canonical, amount);
}

impl ReserveBody<'_> {
    pub(super) fn fingerprint(
        &self,
        subject: &SubjectBody<'_>,
        action: &ActionBody<'_>,
        estimate: CheckedAmount,
    ) -> Fingerprint {
        Canonical::fingerprint("reserve", |canonical| {
            write_asked(canonical, subject, action, estimate);
            canonical.optional(self.ttl_ms, |canonical, ttl| canonical.number(millis(ttl)));
            canonical.number(millis(self.grace_period_ms.unwrap_or(Self::DEFAULT_GRACE_MS)));
            write_text(canonical, self.overage_policy.as_ref());
            canonical.number(u64::from(self.dry_run.unwrap_or(false)));
            canonical.optional(self.metadata.as_ref(), Canonical::object);
            if let Some(mode) = &self.observe_mode {
                canonical.text(mode);
            }
            write_policy_keys(canonical, action);
        })
    }
}

impl DecideBody<'_> {
    pub(super) fn fingerprint(
        &self,
        subject: &SubjectBody<'_>,
        action: &ActionBody<'_>,
        estimate: CheckedAmount,
    ) -> Fingerprint {
        Canonical::fingerprint("decide", |canonical| {
            write_asked(canonical, subject, action, estimate);
            canonical.optional(self.metadata.as_ref(), Canonical::object);
            write_policy_keys(canonical, action);
        })
    }
}

impl EventBody<'_> {
    pub(super) fn fingerprint(
        &self,
        subject: &SubjectBody<'_>,
        action: &ActionBody<'_>,
        actual: CheckedAmount,
    ) -> Fingerprint {
        Canonical::fingerprint("event", |canonical| {
            write_asked(canonical, subject, action, actual);
            write_text(canonical, self.overage_policy.as_ref());
            canonical.optional(self.metrics.as_ref(), |canonical, metrics| metrics.write(canonical));
            canonical.optional(self.client_time_ms, |canonical, time| canonical.number(millis(time)));
            canonical.optional(self.metadata.as_ref(), Canonical::object);
            write_policy_keys(canonical, action);
        })
    }
}

impl CommitBody<'_> {
    pub(super) fn fingerprint(&self, actual: CheckedAmount) -> Fingerprint {
        Canonical::fingerprint("commit", |canonical| {
            write_amount(canonical, actual);
            canonical.optional(self.metrics.as_ref(), |canonical, metrics| metrics.write(canonical));
            canonical.optional(self.metadata.as_ref(), Canonical::object);
        })
    }
}

impl ReleaseBody<'_> {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Canonical::fingerprint("release", |canonical| {
            write_text(canonical, self.reason.as_ref());
        })
    }
}

impl ExtendBody<'_> {
    pub(super) fn fingerprint(&self, extend_by: Millis) -> Fingerprint {
        Canonical::fingerprint("extend", |canonical| {
            canonical.number(extend_by);
            canonical.optional(self.metadata.as_ref(), Canonical::object);
        })
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

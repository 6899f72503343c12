//! Requests that change something, or ask whether they could.

use http::{HeaderMap, HeaderValue};

use super::answer;
use super::decode::{
    ActionBody, AmountBody, CheckedAmount, CommitBody, DecideBody, EventBody, ExtendBody, PolicyKeysBody, ReleaseBody,
    ReserveBody, SubjectBody, boxed, check_key, check_observe_mode, check_overage, millis, parse, shared,
};
use super::exchange::Reply;
use super::gate::{Gate, Principal};
use super::names::{DEPRECATED_KIND, IDEMPOTENCY_KEY};
use super::object::{Integer, Text};
use super::problem::Problem;
use super::registry::Registry;
use super::violations::Violations;
use crate::engine::admin::{AdminRefusal, within};
use crate::engine::{
    ActionFacts, Caller, Commit, Committed, Decide, Engine, Extend, RUN_ID, RecordEvent, Release, Reserve, Reserved,
    SubjectPath,
};
use crate::ids::IdSource;

/// A request with a body, and what answers it.
pub(super) struct Write<'a> {
    pub(super) engine: &'a Engine,
    pub(super) gate: &'a Gate,
    pub(super) ids: &'a IdSource,
    /// The extensions of protocol v0.1.26, where the authority speaks them.
    pub(super) registry: Option<&'a Registry>,
    pub(super) headers: &'a HeaderMap,
}

impl Write<'_> {
    pub(super) fn answer_reservation(&self, caller: &Caller, body: ReserveBody<'_>) -> Result<Reply, Problem> {
        let kind = body.action.as_ref().and_then(|action| action.kind.clone());
        let reply = Reply::ok(answer::reserved(&self.reserve(caller, body)?));
        Ok(self.about_kind(reply, kind.as_deref().unwrap_or_default()))
    }

    pub(super) fn reserve(&self, caller: &Caller, mut body: ReserveBody<'_>) -> Result<Reserved, Problem> {
        let mut violations = Violations::default();
        check_key(body.idempotency_key.as_ref(), &mut violations);
        let subject = check_subject(body.subject.take(), &mut violations);
        let action = check_action(body.action.take(), &mut violations);
        let estimate = check_amount("estimate", body.estimate.as_ref(), &mut violations);
        if let Some(Integer(ttl)) = body.ttl_ms {
            violations.range("ttl_ms", ttl, 1_000..=86_400_000);
        }
        if let Some(Integer(grace)) = body.grace_period_ms {
            violations.range("grace_period_ms", grace, 0..=60_000);
        }
        let overage = check_overage(body.overage_policy.as_ref(), &mut violations);
        let observe_mode = check_observe_mode(body.observe_mode.as_ref(), &mut violations);
        let (subject, action, estimate) = complete(subject, action, estimate, violations)?;
        self.check_extensions(&action, body.observe_mode.as_ref())?;
        self.check_sender(&subject, body.idempotency_key.as_ref(), caller)?;
        let path = self.check_scope(subject.path(), caller)?;

        let outcome = self.engine.execute(Reserve {
            id: self.ids.next(),
            tenant: caller.tenant,
            key: body.idempotency_key.as_deref().unwrap_or_default(),
            fingerprint: body.fingerprint(&subject, &action, estimate),
            subject: path,
            action: action.named(),
            unit: estimate.unit,
            estimate: estimate.value,
            ttl_ms: body.ttl_ms.map(millis),
            grace_ms: millis(body.grace_period_ms.unwrap_or(ReserveBody::DEFAULT_GRACE_MS)),
            overage,
            dry_run: body.dry_run.unwrap_or(false),
            observe_mode,
            policy_keys: action.policy_keys.as_ref().map(|keys| Box::new(keys.to_keys())),
            metadata: boxed(body.metadata),
        });
        Ok(outcome?)
    }

    pub(super) fn decide(&self, caller: &Caller, body: &[u8]) -> Result<Reply, Problem> {
        let mut body: DecideBody<'_> = parse(body)?;
        let mut violations = Violations::default();
        check_key(body.idempotency_key.as_ref(), &mut violations);
        let subject = check_subject(body.subject.take(), &mut violations);
        let action = check_action(body.action.take(), &mut violations);
        let estimate = check_amount("estimate", body.estimate.as_ref(), &mut violations);
        let (subject, action, estimate) = complete(subject, action, estimate, violations)?;
        self.check_extensions(&action, None)?;
        self.check_sender(&subject, body.idempotency_key.as_ref(), caller)?;
        let path = self.check_scope(subject.path(), caller)?;
        let keys = action.policy_keys.as_ref().map(PolicyKeysBody::to_keys);

        let outcome = self.engine.execute(Decide {
            tenant: caller.tenant,
            key: shared(body.idempotency_key.as_ref()),
            fingerprint: body.fingerprint(&subject, &action, estimate),
            path: path.path,
            unit: estimate.unit,
            estimate: estimate.value,
            action: ActionFacts {
                kind: action.kind.as_deref().unwrap_or_default(),
                keys: keys.as_ref(),
                run_id: path.dimensions.get(RUN_ID).map(String::as_str),
            },
        });
        Ok(self.about_kind(Reply::ok(answer::decided(&outcome?)), action.kind.as_deref().unwrap_or_default()))
    }

    pub(super) fn record_event(&self, caller: &Caller, body: &[u8]) -> Result<Reply, Problem> {
        let mut body: EventBody<'_> = parse(body)?;
        let mut violations = Violations::default();
        check_key(body.idempotency_key.as_ref(), &mut violations);
        let subject = check_subject(body.subject.take(), &mut violations);
        let action = check_action(body.action.take(), &mut violations);
        let actual = check_amount("actual", body.actual.as_ref(), &mut violations);
        let overage = check_overage(body.overage_policy.as_ref(), &mut violations);
        if let Some(metrics) = &body.metrics {
            metrics.check(&mut violations);
        }
        if let Some(Integer(time)) = body.client_time_ms {
            violations.range("client_time_ms", time, 0..=i64::MAX);
        }
        let (subject, action, actual) = complete(subject, action, actual, violations)?;
        self.check_extensions(&action, None)?;
        self.check_sender(&subject, body.idempotency_key.as_ref(), caller)?;
        let path = self.check_scope(subject.path(), caller)?;

        let outcome = self.engine.execute(RecordEvent {
            id: self.ids.next(),
            tenant: caller.tenant,
            key: shared(body.idempotency_key.as_ref()),
            fingerprint: body.fingerprint(&subject, &action, actual),
            path: path.path,
            unit: actual.unit,
            actual: actual.value,
            overage,
        });
        Ok(Reply::created(answer::applied(&outcome?)))
    }

    pub(super) fn commit(&self, caller: &Caller, id: &str, body: CommitBody<'_>) -> Result<Committed, Problem> {
        let mut violations = Violations::default();
        check_key(body.idempotency_key.as_ref(), &mut violations);
        let actual = check_amount("actual", body.actual.as_ref(), &mut violations);
        if let Some(metrics) = &body.metrics {
            metrics.check(&mut violations);
        }
        let actual = given(actual, violations)?;
        self.check_key_header(body.idempotency_key.as_ref())?;

        let outcome = self.engine.execute(Commit {
            tenant: caller.tenant,
            id,
            key: body.idempotency_key.as_deref().unwrap_or_default(),
            fingerprint: body.fingerprint(actual),
            unit: actual.unit,
            actual: actual.value,
            metadata: boxed(body.metadata),
        });
        Ok(outcome?)
    }

    pub(super) fn release(&self, principal: &Principal, id: &str, body: &[u8]) -> Result<Reply, Problem> {
        let body: ReleaseBody<'_> = parse(body)?;
        let mut violations = Violations::default();
        check_key(body.idempotency_key.as_ref(), &mut violations);
        if let Some(reason) = &body.reason {
            violations.chars("reason", reason, 0..=256);
        }
        violations.into_result()?;
        self.check_key_header(body.idempotency_key.as_ref())?;

        let outcome = self.engine.execute(Release {
            tenant: principal.tenant(),
            id,
            key: body.idempotency_key.as_deref().unwrap_or_default(),
            fingerprint: body.fingerprint(),
        });
        Ok(Reply::ok(answer::released(&outcome?)))
    }

    pub(super) fn extend(&self, caller: &Caller, id: &str, body: &[u8]) -> Result<Reply, Problem> {
        let body: ExtendBody<'_> = parse(body)?;
        let mut violations = Violations::default();
        check_key(body.idempotency_key.as_ref(), &mut violations);
        let extend_by = violations.require("extend_by_ms", body.extend_by_ms);
        if let Some(Integer(extend_by)) = extend_by {
            violations.range("extend_by_ms", extend_by, 1..=86_400_000);
        }
        let by_ms = millis(given(extend_by, violations)?);
        self.check_key_header(body.idempotency_key.as_ref())?;

        let outcome = self.engine.execute(Extend {
            tenant: caller.tenant,
            id,
            key: body.idempotency_key.as_deref().unwrap_or_default(),
            fingerprint: body.fingerprint(by_ms),
            by_ms,
        });
        Ok(Reply::ok(answer::extended(&outcome?)))
    }

    /// Refuses members of extensions, where the authority does not speak them.
    fn check_extensions(&self, action: &ActionBody<'_>, observe_mode: Option<&Text<'_>>) -> Result<(), Problem> {
        match (self.registry, observe_mode, &action.policy_keys) {
            (None, Some(_), _) => Err(Problem::unknown_member("observe_mode")),
            (None, None, Some(_)) => Err(Problem::unknown_member("policy_keys")),
            _ => Ok(()),
        }
    }

    /// An answer that says where the kind of its action is on its way out.
    fn about_kind(&self, reply: Reply, kind: &str) -> Reply {
        let is_deprecated = self.registry.is_some_and(|registry| registry.is_deprecated(kind));
        match is_deprecated.then(|| HeaderValue::from_str(kind)) {
            Some(Ok(kind)) => reply.with_header(DEPRECATED_KIND, kind),
            _ => reply,
        }
    }

    /// What is checked once the limits are kept, in this order: the key in the header, and whose tenant the subject names.
    fn check_sender(&self, subject: &SubjectBody<'_>, key: Option<&Text<'_>>, caller: &Caller) -> Result<(), Problem> {
        subject.check_has_level()?;
        self.check_key_header(key)?;
        match subject.tenant() {
            Some(tenant) if tenant != &*caller.tenant_name => Err(Problem::forbidden(
                "Tenant provided in the request body does not match tenant resolved from authorization token",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses a scope that the key is not for, where the authority was told to look.
    fn check_scope(&self, subject: SubjectPath, caller: &Caller) -> Result<SubjectPath, Problem> {
        if self.gate.enforces_permissions() && !within(&caller.scope_filter, &subject.path) {
            return Err(AdminRefusal::OutOfScope { scope: subject.path.to_string() }.into());
        }
        Ok(subject)
    }

    fn check_key_header(&self, key: Option<&Text<'_>>) -> Result<(), Problem> {
        match (self.headers.get(IDEMPOTENCY_KEY), key) {
            (Some(header), Some(key)) if header.as_bytes() != key.as_bytes() => {
                Err(Problem::invalid("X-Idempotency-Key header does not match idempotency_key in request body"))
            }
            _ => Ok(()),
        }
    }
}

fn check_subject<'a>(subject: Option<SubjectBody<'a>>, violations: &mut Violations) -> Option<SubjectBody<'a>> {
    violations.require("subject", subject).inspect(|subject| subject.check(violations))
}

fn check_action<'a>(action: Option<ActionBody<'a>>, violations: &mut Violations) -> Option<ActionBody<'a>> {
    violations.require("action", action).inspect(|action| action.check(violations))
}

fn check_amount(member: &str, amount: Option<&AmountBody<'_>>, violations: &mut Violations) -> Option<CheckedAmount> {
    violations.require(member, amount).and_then(|amount| amount.check(member, violations))
}

/// The required members, if no limit was broken.
fn complete<'a>(
    subject: Option<SubjectBody<'a>>,
    action: Option<ActionBody<'a>>,
    amount: Option<CheckedAmount>,
    violations: Violations,
) -> Result<(SubjectBody<'a>, ActionBody<'a>, CheckedAmount), Problem> {
    violations.into_result()?;
    // Where one is absent, a violation has said so.
    let (Some(subject), Some(action), Some(amount)) = (subject, action, amount) else {
        return Err(Problem::internal());
    };
    Ok((subject, action, amount))
}

/// A required value, if no limit was broken. Where it is absent, a violation says so.
fn given<T>(value: Option<T>, violations: Violations) -> Result<T, Problem> {
    violations.into_result()?;
    value.ok_or_else(Problem::internal)
}

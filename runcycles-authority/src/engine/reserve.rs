//! Reservations, and dry runs of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use runcycles::models::{Caps, Metadata, ObserveMode, PolicyKeys};
use uuid::Uuid;

use super::admission::{admits_reservation, check_tenant, find_ledgers};
use super::hold::{Standing, balance_lines, post, prepare};
use super::policy::applying;
use super::telling::{tell_of_denial, tell_of_observation};
use super::{ActionFacts, BalanceLine, Command, Refusal, action_rules};
use crate::clock::Millis;
use crate::fingerprint::Fingerprint;
use crate::scope::{ScopePath, Spelling};
use crate::state::{
    Allowance, Answer, Count, Denied, Evaluation, Figures, KEY_RETENTION_MS, Key, NamedAction, Namespace, Operation,
    Overage, Phase, Posting, Record, Reservation, Ruled, State, TenantId, TenantSettings, Window,
};
use crate::unit::Unit;

/// Who acts, as a path and as the client wrote it.
#[derive(Debug)]
pub(crate) struct SubjectPath {
    pub(crate) path: ScopePath,
    pub(crate) spelling: Spelling,
    pub(crate) dimensions: BTreeMap<String, String>,
}

/// Holds an amount in every budget on a path, or says whether it could.
#[derive(Debug)]
pub(crate) struct Reserve<'a> {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) key: &'a str,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) subject: SubjectPath,
    pub(crate) action: NamedAction<'a>,
    pub(crate) unit: Unit,
    pub(crate) estimate: i64,
    pub(crate) ttl_ms: Option<Millis>,
    pub(crate) grace_ms: Millis,
    pub(crate) overage: Option<Overage>,
    pub(crate) dry_run: bool,
    /// Whether the call is held to the answer, where the request says (protocol v0.1.26).
    pub(crate) observe_mode: Option<ObserveMode>,
    pub(crate) policy_keys: Option<Box<PolicyKeys>>,
    pub(crate) metadata: Option<Box<Metadata>>,
}

/// The answer to a reservation or a dry run.
#[derive(Debug, PartialEq)]
pub(crate) struct Reserved {
    pub(crate) scope: ScopePath,
    pub(crate) unit: Unit,
    pub(crate) estimate: i64,
    /// The limits and balances of what is or would be held, or why it would not be.
    pub(crate) verdict: Result<Allowed, Denied>,
    /// What is held; nothing after a dry run.
    pub(crate) lease: Option<Lease>,
}

/// Limits and balances.
#[derive(Debug, PartialEq)]
pub(crate) struct Allowed {
    pub(crate) caps: Option<Arc<Caps>>,
    pub(crate) balances: Vec<BalanceLine>,
}

/// A reservation's id and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) id: Uuid,
    pub(crate) expires_at: Millis,
    pub(crate) remaining_ttl_ms: Millis,
}

impl Command for Reserve<'_> {
    type Outcome = Result<Reserved, Refusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let key = Key::from(self.key);
        let reservation = state.reservations().with_key(self.tenant, &key).find(|row| row.key_until() >= now);
        if let Some(known) = reservation.map(Known::Reservation).or_else(|| self.record(state, now)) {
            return known.replay(state, self.fingerprint, now);
        }
        let is_observed = self.is_observed(state);
        if self.dry_run || is_observed { self.evaluate(state, now, is_observed) } else { self.hold(state, now, key) }
    }
}

impl Reserve<'_> {
    /// Whether nothing is held whatever the answer is: by the request, or else by its tenant.
    fn is_observed(&self, state: &State) -> bool {
        if !state.rules().extensions {
            return false;
        }
        let of_tenant = || state.tenants().get(self.tenant).observe_mode.as_ref();
        self.observe_mode.as_ref().or_else(of_tenant) == Some(&ObserveMode::Observe)
    }

    /// The dry run that was made under the key.
    fn record<'s>(&self, state: &'s State, now: Millis) -> Option<Known<'s>> {
        let namespace = Namespace { tenant: self.tenant, operation: Operation::Reserve };
        state.records().find(namespace, self.key, now).map(Known::Record)
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            tenant: self.tenant,
            path: &self.subject.path,
            unit: self.unit,
            estimate: self.estimate,
            action: ActionFacts {
                kind: self.action.kind,
                keys: self.policy_keys.as_deref(),
                run_id: self.subject.dimensions.get(RUN_ID).map(String::as_str),
            },
        }
    }

    fn hold(self, state: &mut State, now: Millis, key: Key) -> Result<Reserved, Refusal> {
        let Admission { caps, standing, counts } = self.asked().admit(state, now)?;
        let held = prepare(state, &standing, |before| reserve(before, self.estimate))?;

        let settings = settings_for(state, self.tenant, &self.subject.path, self.unit, now);
        let scope = state.ledgers().share_scope(self.subject.path, &held);
        let granted_ttl_ms = self.ttl_ms.unwrap_or(settings.default_ttl_ms).min(settings.max_ttl_ms);
        let reservation = Reservation {
            id: self.id,
            tenant: self.tenant,
            key,
            fingerprint: self.fingerprint,
            scope,
            spelling: self.subject.spelling,
            dimensions: self.subject.dimensions,
            action: state.share_action(&self.action),
            unit: self.unit,
            estimate: self.estimate,
            overage: self.overage.unwrap_or(settings.overage),
            created_at: now,
            granted_ttl_ms,
            expires_at: now.saturating_add(granted_ttl_ms),
            grace_ms: self.grace_ms,
            max_extensions: settings.max_extensions,
            metadata: self.metadata,
            caps,
            held,
            extensions: Vec::new(),
            phase: Phase::Active,
            ruled: ruled(self.policy_keys, &counts),
        };
        let answer = answer_of(state, &reservation, now);
        post(state, &reservation.held);
        state.count(counts);
        state.insert_reservation(reservation);
        Ok(answer)
    }

    fn evaluate(self, state: &mut State, now: Millis, is_observed: bool) -> Result<Reserved, Refusal> {
        let evaluation = self.asked().evaluate(state, now)?;
        let answer = answer_of_evaluation(state, &evaluation);
        if state.is_listened_to() {
            let action = (self.action.kind, self.action.name);
            if is_observed {
                tell_of_observation(state, self.tenant, &evaluation, action);
            } else if let Err(denied) = &evaluation.verdict {
                let asked = (&evaluation.scope, self.unit, self.estimate);
                tell_of_denial(state, self.tenant, asked, denied, Some(action));
            }
        }
        let record = Record {
            fingerprint: self.fingerprint,
            until: now.saturating_add(KEY_RETENTION_MS),
            answer: Answer::Evaluation(Box::new(evaluation)),
        };
        let namespace = Namespace { tenant: self.tenant, operation: Operation::Reserve };
        state.insert_record(namespace, self.key.into(), record);
        Ok(answer)
    }
}

/// The dimension that names a run (protocol v0.1.26).
pub(crate) const RUN_ID: &str = "run_id";

/// What a reservation, a dry run or a decision asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) tenant: TenantId,
    pub(super) path: &'a ScopePath,
    pub(super) unit: Unit,
    pub(super) estimate: i64,
    pub(super) action: ActionFacts<'a>,
}

impl Asked<'_> {
    /// What a reservation would be answered now. A denial is an answer here; budgets in other units only are still refused.
    pub(super) fn evaluate(&self, state: &State, now: Millis) -> Result<Evaluation, Refusal> {
        let verdict = match self.admit(state, now) {
            Ok(Admission { caps, standing, .. }) => Ok(Allowance { caps, postings: Box::from(&*standing) }),
            Err(Refusal::Denied(denial)) => {
                Err(Denied { reason: denial.reason_code(), detail: denial.detail().map(Box::new) })
            }
            Err(other) => return Err(other),
        };
        Ok(Evaluation { scope: self.path.clone(), unit: self.unit, estimate: self.estimate, verdict })
    }

    /// The ledgers that would hold it, and what it would count for; or who says no: the tenant, then the rules of policies, then
    /// the budgets.
    fn admit(&self, state: &State, now: Millis) -> Result<Admission, Refusal> {
        let Self { tenant, path, unit, estimate, action } = *self;
        let admit = || {
            check_tenant(state, tenant, unit, estimate)?;
            let asked = action_rules::Asked { unit, amount: estimate };
            let counts = action_rules::check(state, tenant, path, action, asked, now)?;
            let (caps, standing) = admit(state, tenant, path, unit, estimate, now)?;
            Ok(Admission { caps, standing, counts })
        };
        admit().map_err(|refusal: Refusal| refusal.explained(state.rules().extensions))
    }
}

/// What admits a reservation.
struct Admission {
    caps: Option<Arc<Caps>>,
    standing: Standing,
    counts: Vec<Count>,
}

/// What is kept of the rules with a reservation: the counters that are of its run, and what they looked at.
fn ruled(policy_keys: Option<Box<PolicyKeys>>, counts: &[Count]) -> Option<Box<Ruled>> {
    let counted = counts.iter().map(|count| &count.key).filter(|key| key.window == Window::Run).cloned().collect();
    let ruled = Ruled { policy_keys, counted };
    (ruled != Ruled::default()).then(|| Box::new(ruled))
}

/// The ledgers of a path as they stand, if all of them admit a reservation, and the innermost scope's limits.
fn admit(
    state: &State,
    tenant: TenantId,
    path: &ScopePath,
    unit: Unit,
    estimate: i64,
    now: Millis,
) -> Result<(Option<Arc<Caps>>, Standing), Refusal> {
    let standing = find_ledgers(state, path, unit, estimate, |ledger| admits_reservation(ledger, estimate))?;
    let innermost = standing.last().map(|posting| state.ledgers().get(posting.ledger));
    let own = innermost.filter(|ledger| ledger.scope == *path).and_then(|ledger| ledger.caps.clone());
    let caps = own.or_else(|| applying(state, tenant, path, now)?.caps.clone());
    Ok((caps, standing))
}

/// What applies where the request does not say: the policy's word, then the budget's, then the tenant's.
///
/// Policies and budgets have a say only where the authority was told to evaluate policies.
pub(super) fn settings_for(
    state: &State,
    tenant: TenantId,
    path: &ScopePath,
    unit: Unit,
    now: Millis,
) -> TenantSettings {
    let settings = state.tenants().get(tenant).settings;
    if !state.rules().evaluate_policies {
        return settings;
    }
    let ledger = state.ledgers().find(path.as_str(), unit).map(|id| state.ledgers().get(id));
    let overage = ledger.and_then(|ledger| ledger.options.overage).unwrap_or(settings.overage);
    match applying(state, tenant, path, now) {
        None => TenantSettings { overage, ..settings },
        Some(policy) => TenantSettings {
            overage: policy.overage.unwrap_or(overage),
            default_ttl_ms: policy.ttl.default_ttl_ms.unwrap_or(settings.default_ttl_ms),
            max_ttl_ms: policy.ttl.max_ttl_ms.unwrap_or(settings.max_ttl_ms),
            max_extensions: policy.ttl.max_extensions.unwrap_or(settings.max_extensions),
        },
    }
}

fn reserve(before: Figures, estimate: i64) -> Option<Figures> {
    Some(Figures { reserved: before.reserved.checked_add(estimate)?, ..before })
}

/// What was made under a key that is still known. Reservations are their own records; those of dry runs are apart.
enum Known<'s> {
    Reservation(&'s Reservation),
    Record(&'s Record),
}

impl Known<'_> {
    fn replay(self, state: &State, fingerprint: Fingerprint, now: Millis) -> Result<Reserved, Refusal> {
        match self {
            Self::Reservation(row) if row.fingerprint == fingerprint => Ok(answer_of(state, row, now)),
            Self::Record(Record { answer: Answer::Evaluation(evaluation), fingerprint: of_record, .. })
                if *of_record == fingerprint =>
            {
                Ok(answer_of_evaluation(state, evaluation))
            }
            Self::Reservation(_) | Self::Record(_) => Err(Refusal::KeyMismatch),
        }
    }
}

/// The answer to a reservation: the one first given, except for how long it still lives.
fn answer_of(state: &State, reservation: &Reservation, now: Millis) -> Reserved {
    let expires_at = reservation.created_at.saturating_add(reservation.granted_ttl_ms);
    Reserved {
        scope: reservation.scope.clone(),
        unit: reservation.unit,
        estimate: reservation.estimate,
        verdict: Ok(allowed(state, reservation.caps.clone(), &reservation.held)),
        lease: Some(Lease {
            id: reservation.id,
            expires_at,
            remaining_ttl_ms: reservation.remaining_ttl(expires_at, now),
        }),
    }
}

fn answer_of_evaluation(state: &State, evaluation: &Evaluation) -> Reserved {
    let allowed = |allowance: &Allowance| allowed(state, allowance.caps.clone(), &allowance.postings);
    Reserved {
        scope: evaluation.scope.clone(),
        unit: evaluation.unit,
        estimate: evaluation.estimate,
        verdict: evaluation.verdict.as_ref().map(allowed).map_err(Clone::clone),
        lease: None,
    }
}

fn allowed(state: &State, caps: Option<Arc<Caps>>, postings: &[Posting]) -> Allowed {
    Allowed { caps, balances: balance_lines(state, postings) }
}

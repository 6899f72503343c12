//! A live reservation, as its guard, its context, its heartbeat and its settlement share it.

mod budgets;
mod packed;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::Taken;
use crate::protocol::{
    Action, Amount, AmountError, Caps, CommitOveragePolicy, CyclesMetrics, Decision, EvidenceRef, MAX_MODEL_VERSION,
    Metadata, ReservationCreateRequest, ReservationCreateResponse, ReservationId, Subject, Unit,
};
use crate::telemetry::gen_ai::ModelUsage;
use crate::telemetry::{CallSpan, TraceContext};
use crate::transport::DirectHold;

pub(crate) use self::budgets::Budgets;

/// How long a reservation is assumed to live where the request leaves it to the server (protocol: `ttl_ms`).
const DEFAULT_TTL: Duration = Duration::from_secs(60);

/// What the id of an action begins with that ran while the authority could not be reached.
pub(crate) const UNHELD: &str = "unheld-";

/// A live reservation, as its guard, its context, its heartbeat and its settlement share it.
#[derive(Debug)]
pub(crate) struct Reservation {
    pub(crate) id: ReservationId,
    pub(crate) hold: Hold,
    pub(crate) subject: Subject,
    pub(crate) action: Action,
    pub(crate) estimate: Amount,
    /// What the call says of spend beyond what there is.
    pub(crate) overage_policy: Option<CommitOveragePolicy>,
    /// What an extension asks for.
    pub(crate) ttl: Duration,
    pub(crate) decision: Decision,
    pub(crate) caps: Option<Arc<Caps>>,
    pub(crate) budgets: Budgets,
    pub(crate) expires_at_ms: Option<u64>,
    pub(crate) evidence: Option<Arc<EvidenceRef>>,
    /// The span of its call.
    pub(crate) span: CallSpan,
    /// The trace that it was made in.
    pub(crate) trace: Option<Arc<TraceContext>>,
    /// A lock because the action reports from any thread; held for a few assignments.
    report: Mutex<Report>,
}

/// What an answer grants.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) decision: Decision,
    pub(crate) caps: Option<Arc<Caps>>,
    pub(crate) budgets: Budgets,
    pub(crate) expires_at_ms: Option<u64>,
    pub(crate) remaining_ttl_ms: Option<u64>,
    pub(crate) evidence: Option<Arc<EvidenceRef>>,
}

impl From<DirectHold> for Grant {
    fn from(hold: DirectHold) -> Self {
        Self {
            decision: if hold.caps.is_some() { Decision::AllowWithCaps } else { Decision::Allow },
            caps: hold.caps,
            budgets: Budgets::direct(hold.budgets),
            expires_at_ms: Some(hold.expires_at_ms),
            remaining_ttl_ms: Some(hold.remaining_ttl_ms),
            evidence: None,
        }
    }
}

impl From<ReservationCreateResponse> for Grant {
    fn from(answer: ReservationCreateResponse) -> Self {
        Self {
            decision: answer.decision,
            caps: answer.caps.map(Arc::new),
            budgets: Budgets::answered(answer.affected_scopes, answer.balances),
            expires_at_ms: answer.expires_at_ms,
            remaining_ttl_ms: answer.remaining_ttl_ms,
            evidence: answer.cycles_evidence.map(Arc::new),
        }
    }
}

/// What stands behind an action.
#[derive(Debug)]
pub(crate) enum Hold {
    /// Budget that is held for it.
    Budget,
    /// Nothing, and nothing is settled: the authority only observes, or the mode is off.
    Nothing,
    /// Nothing: it runs whatever the authority says, and is written down for a report. Its spend is recorded by an event where the
    /// mode is metered.
    Shadow { is_metered: bool },
    /// A part of the allowance for times without the authority. Its spend is recorded by an event.
    Allowance(Box<Taken>),
    /// A share of budget that is held for many actions, until it is settled there. A lock because it is settled once, wherever the
    /// action ends.
    Share(Mutex<Option<Box<dyn Share>>>),
}

/// A share of budget that is held for many actions. Dropping it returns it.
pub(crate) trait Share: fmt::Debug + Send {
    /// Settles it by what is known of its action.
    fn settle(self: Box<Self>, end: ShareEnd);
}

/// What becomes of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShareEnd {
    /// So much of it, or more, is spent; the rest is returned.
    Spent(u64),
    /// All of it is returned.
    Returned,
    /// It stays held as long as what it is a share of.
    Withheld,
}

/// What the action has said of itself while it runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) spend: Spend,
    pub(crate) metrics: Option<Box<CyclesMetrics>>,
    pub(crate) metadata: Metadata,
    /// What guarded calls inside were settled with, in the same unit.
    pub(crate) inside: u64,
}

/// What is known of an action's spend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Spend {
    /// Nothing.
    #[default]
    Unknown,
    /// At least this much.
    AtLeast(Amount),
    /// Exactly this much.
    Exactly(Amount),
}

impl Spend {
    /// The known amount; zero is an amount.
    pub(crate) fn known(self) -> Option<Amount> {
        match self {
            Self::Unknown => None,
            Self::AtLeast(amount) | Self::Exactly(amount) => Some(amount),
        }
    }
}

impl Reservation {
    pub(crate) fn new(id: ReservationId, hold: Hold, request: ReservationCreateRequest, grant: Grant) -> Self {
        Self {
            id,
            hold,
            subject: request.subject,
            action: request.action,
            estimate: request.estimate,
            overage_policy: request.overage_policy,
            ttl: request.ttl_ms.map_or(DEFAULT_TTL, Duration::from_millis),
            decision: grant.decision,
            caps: grant.caps,
            budgets: grant.budgets,
            expires_at_ms: grant.expires_at_ms,
            evidence: grant.evidence,
            span: CallSpan::default(),
            trace: None,
            report: Mutex::default(),
        }
    }

    /// The same with the span of its call, and the trace that it was made in.
    pub(crate) fn told(self, span: CallSpan, trace: Option<Arc<TraceContext>>) -> Self {
        Self { span, trace, ..self }
    }

    /// Whether budget is held, which is to be settled or returned.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self.hold, Hold::Budget)
    }

    /// Whether budget is held for it among others.
    pub(crate) fn is_share(&self) -> bool {
        matches!(self.hold, Hold::Share(_))
    }

    /// Settles a share where it is held; once, and nothing where there is none.
    pub(crate) fn settle_share(&self, end: ShareEnd) {
        let Hold::Share(share) = &self.hold else { return };
        let share = share.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(share) = share {
            share.settle(end);
        }
    }

    /// Whether its spend is recorded by an event, since nothing is held.
    pub(crate) fn is_by_event(&self) -> bool {
        matches!(self.hold, Hold::Shadow { is_metered: true } | Hold::Allowance(_))
    }

    /// Whether its action runs whatever the authority says.
    pub(crate) fn is_in_shadow(&self) -> bool {
        matches!(self.hold, Hold::Shadow { .. })
    }

    /// What it took of the allowance for times without the authority.
    pub(crate) fn taken(&self) -> Option<&Taken> {
        if let Hold::Allowance(taken) = &self.hold { Some(taken) } else { None }
    }

    /// The unit that everything about this reservation is counted in.
    pub(crate) fn unit(&self) -> &Unit {
        self.estimate.unit()
    }

    /// What the action has said so far.
    pub(crate) fn report(&self) -> MutexGuard<'_, Report> {
        // A report is whole after every assignment, so a panic elsewhere in the action leaves it usable.
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds spend that has happened.
    pub(crate) fn record_usage(&self, amount: &Amount) -> Result<(), AmountError> {
        self.check_unit(amount)?;
        let mut report = self.report();
        report.spend = match &report.spend {
            Spend::Unknown => Spend::AtLeast(amount.clone()),
            Spend::AtLeast(so_far) => Spend::AtLeast(so_far.checked_add(amount)?),
            Spend::Exactly(so_far) => Spend::Exactly(so_far.checked_add(amount)?),
        };
        Ok(())
    }

    /// Sets what the action cost, all in all.
    pub(crate) fn set_actual(&self, amount: Amount) -> Result<(), AmountError> {
        self.check_unit(&amount)?;
        self.report().spend = Spend::Exactly(amount);
        Ok(())
    }

    /// Tells the span what a model used, and the measurements what they lack of it.
    pub(crate) fn record_model_usage(&self, usage: &ModelUsage) {
        usage.record(&self.span);
        let mut report = self.report();
        let metrics = report.metrics.get_or_insert_default();
        if let Some((input, output)) = usage.tokens {
            metrics.tokens_input.get_or_insert(input);
            metrics.tokens_output.get_or_insert(output);
        }
        if let (None, Some(model)) = (&metrics.model_version, &usage.response_model) {
            // A longer name would keep every other measurement out of the commit.
            metrics.model_version = Some(model.chars().take(MAX_MODEL_VERSION).collect());
        }
    }

    fn check_unit(&self, amount: &Amount) -> Result<(), AmountError> {
        if amount.unit() == self.unit() {
            return Ok(());
        }
        Err(AmountError::UnitMismatch { expected: self.unit().clone(), found: amount.unit().clone() })
    }
}

//! A call, collected argument by argument.

use std::panic::Location;
use std::time::Duration;

use super::uncapped_run::warn_of_uncapped_run;
use super::{IntoAmount, Lasting, ScopeValue};
use crate::client::{CallPolicies, CyclesClient, HeartbeatPolicy, Mode, OnUnsettled, UnknownSpend};
use crate::error::Error;
use crate::lease::Lease;
use crate::lifecycle::{Priority, Terms};
use crate::protocol::{
    Action, Amount, CommitOveragePolicy, IdempotencyKey, Level, ReservationCreateRequest, Reserve, Subject, Unit,
    ValidationError,
};

/// A guarded call, ready for the lifecycle.
#[derive(Debug)]
#[must_use = "a call does nothing until the lifecycle runs it"]
pub struct Call {
    /// What is asked of the authority; the levels it leaves out are filled later.
    pub(crate) request: Reserve<Action, Amount>,
    /// The unit of the estimate, which the actual amount has too.
    pub(crate) unit: Unit,
    /// The client that the call names.
    pub(crate) client: Option<CyclesClient>,
    /// What the call says of itself, in place of what its client says.
    pub(crate) policies: CallPolicies,
    /// What the call asks beside its reservation.
    pub(crate) terms: Terms,
    /// The run that the call belongs to.
    run: Option<String>,
}

impl Call {
    /// What is asked of the authority through a client from a place in the program, with the levels that the call leaves out, and
    /// with its run in place.
    ///
    /// A run is the workflow, or the agent where there is a workflow; an authority caps it there. It is a dimension too, where
    /// reports find it at either level.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] for a run beside an agent of the call's own, where there is a workflow.
    pub(crate) fn into_request(
        self,
        client: &CyclesClient,
        site: Option<&'static Location<'static>>,
    ) -> Result<ReservationCreateRequest, ValidationError> {
        let mut request = self.request.build();
        let has_agent = request.subject.agent.is_some();
        client.fill_subject(&mut request.subject);
        if let Some(run) = self.run {
            let subject = &mut request.subject;
            let level = match &subject.workflow {
                None => Level::Workflow,
                Some(_) if !has_agent => Level::Agent,
                Some(workflow) => {
                    let found = format!("{run:?} beside the workflow {workflow:?} and an agent");
                    let expected =
                        "a free level, since a run is the workflow or the agent: leave out `workflow` or `agent`";
                    return Err(ValidationError::new("run", found, expected));
                }
            };
            *subject.level_mut(level) = Some(run.clone());
            subject.dimensions.entry("run".to_owned()).or_insert(run);
        } else {
            warn_of_uncapped_run(&request.subject, site);
        }
        Ok(request)
    }
}

/// Collects a call. It borrows what it is given, so a function's arguments stay whole for its body.
#[derive(Debug)]
#[must_use = "a builder sends nothing"]
pub struct CallBuilder {
    action: Action,
    estimate: Result<Amount, ValidationError>,
    levels: Subject,
    scope: Option<Subject>,
    ttl: Option<Result<Duration, ValidationError>>,
    grace_period: Option<Result<Duration, ValidationError>>,
    overage_policy: Option<CommitOveragePolicy>,
    client: Option<CyclesClient>,
    policies: CallPolicies,
    terms: Terms,
    also: Vec<Result<Amount, ValidationError>>,
    key: Option<Result<IdempotencyKey, ValidationError>>,
    planned: Option<Result<Duration, ValidationError>>,
    run: Option<String>,
}

impl CallBuilder {
    /// A call of an action, and what it may cost. A bare number counts in `unit`, or else in microcents; an amount in
    /// another unit than the one given is an error.
    #[track_caller]
    pub fn new(kind: &str, name: &str, unit: Option<&Unit>, estimate: &impl IntoAmount) -> Self {
        Self {
            action: Action::new(kind, name),
            estimate: estimate_in(unit, estimate),
            levels: Subject::default(),
            scope: None,
            ttl: None,
            grace_period: None,
            overage_policy: None,
            client: None,
            policies: CallPolicies::default(),
            terms: Terms { site: Some(Location::caller()), ..Terms::default() },
            also: Vec::new(),
            key: None,
            planned: None,
            run: None,
        }
    }

    /// What the call may cost in another unit: all of it is held, or none. A bare number counts in microcents.
    pub fn also(&mut self, estimate: &impl IntoAmount) {
        self.also.push(estimate_in(None, estimate));
    }

    /// What makes the same work ask for the same reservation, whoever does it and however often.
    pub fn key(&mut self, parts: &[&dyn ScopeValue]) {
        let namespace = format!("{}/{}", self.action.kind, self.action.name);
        let parts = parts.iter().map(ScopeValue::scope_value);
        self.key =
            Some(IdempotencyKey::derive(&namespace, parts).map_err(|_| {
                ValidationError::new("key", "parts of more than 256 characters", "a digest of long parts")
            }));
    }

    /// Levels that must have a budget of their own.
    pub fn require(&mut self, levels: &[Level]) {
        self.terms.require = levels.to_vec();
    }

    /// The tier of the call among those that share its budgets.
    pub fn priority(&mut self, priority: &Priority) {
        self.terms.priority = Some(priority.clone());
    }

    /// What the call takes from, where that has as much. What the call leaves out of its subject is the lease's, and so is the
    /// client.
    pub fn lease(&mut self, lease: &Lease) {
        self.terms.lease = Some(lease.clone());
    }

    /// Whether the call is held to what the authority says.
    pub fn mode(&mut self, mode: Mode) {
        self.terms.mode = Some(mode);
    }

    /// Whether the call runs only where the authority says so, whatever the client's policy allows while it cannot be reached.
    pub fn needs_authority(&mut self, needs_authority: bool) {
        self.terms.needs_authority = needs_authority;
    }

    /// Tags of the action.
    pub fn action_tags<S: AsRef<str>>(&mut self, tags: &[S]) {
        self.action.tags = tags.iter().map(|tag| tag.as_ref().to_owned()).collect();
    }

    /// A level; `None` leaves it out.
    pub fn level(&mut self, level: Level, value: &(impl ScopeValue + ?Sized)) {
        *self.levels.level_mut(level) = value.scope_value();
    }

    /// A dimension; `None` leaves it out.
    pub fn dimension(&mut self, name: &str, value: &(impl ScopeValue + ?Sized)) {
        if let Some(value) = value.scope_value() {
            self.levels.dimensions.insert(name.to_owned(), value);
        }
    }

    /// The run that the call belongs to; `None` for a call outside of runs.
    pub fn run(&mut self, run: &(impl ScopeValue + ?Sized)) {
        self.run = run.scope_value();
    }

    /// A scope, for what levels and dimensions leave out.
    pub fn scope(&mut self, scope: &Subject) {
        self.scope = Some(scope.clone());
    }

    /// How long the reservation lives unless it is extended.
    pub fn ttl(&mut self, ttl: &impl Lasting) {
        self.ttl = Some(ttl.lasting("ttl_ms"));
    }

    /// How long after its end a commit is still accepted.
    pub fn grace_period(&mut self, grace_period: &impl Lasting) {
        self.grace_period = Some(grace_period.lasting("grace_period_ms"));
    }

    /// What happens when the actual amount is larger than the estimate.
    pub fn overage_policy(&mut self, policy: &CommitOveragePolicy) {
        self.overage_policy = Some(policy.clone());
    }

    /// What becomes of the hold if the body ends early at an unknown cost.
    pub fn unknown(&mut self, policy: UnknownSpend) {
        self.policies.unknown_spend = Some(policy);
    }

    /// What the call returns if its settlement is not confirmed.
    pub fn on_unsettled(&mut self, policy: OnUnsettled) {
        self.policies.on_unsettled = Some(policy);
    }

    /// What becomes of the call if its reservation is lost.
    pub fn heartbeat(&mut self, policy: HeartbeatPolicy) {
        self.policies.heartbeat = Some(policy);
    }

    /// How long the body will take, which is told where no lease can last as long.
    pub fn planned(&mut self, planned: &impl Lasting) {
        self.planned = Some(planned.lasting("planned"));
    }

    /// The client that reserves and settles.
    pub fn client(&mut self, client: &CyclesClient) {
        self.client = Some(client.clone());
    }

    /// The call.
    ///
    /// # Errors
    ///
    /// [`Error::Validation`] for an estimate or a duration that cannot be used. What the protocol says of the rest is
    /// checked once the call's subject is complete.
    pub fn build(self) -> Result<Call, Error> {
        let estimate = self.estimate?;
        let unit = estimate.unit().clone();
        let subject = match &self.scope {
            Some(scope) => self.levels.or(scope),
            None => self.levels,
        };
        let (subject, client) = match &self.terms.lease {
            Some(lease) => (subject.or(lease.subject()), self.client.or_else(|| Some(lease.client().clone()))),
            None => (subject, self.client),
        };
        let mut request = ReservationCreateRequest::builder().action(self.action).estimate(estimate).subject(subject);
        if let Some(ttl) = self.ttl.transpose()? {
            request = request.ttl(ttl);
        }
        if let Some(grace_period) = self.grace_period.transpose()? {
            request = request.grace_period(grace_period);
        }
        if let Some(policy) = self.overage_policy {
            request = request.overage_policy(policy);
        }
        if let Some(key) = self.key.transpose()? {
            request = request.idempotency_key(key);
        }
        let mut terms = self.terms;
        for amount in self.also {
            let amount = amount?;
            if *amount.unit() == unit || terms.also.iter().any(|other| other.unit() == amount.unit()) {
                let expected = "one amount of each unit: add them up";
                return Err(ValidationError::new(
                    "estimate",
                    format!("a second amount in {}", amount.unit()),
                    expected,
                )
                .into());
            }
            terms.also.push(amount);
        }
        let policies = CallPolicies { planned: self.planned.transpose()?, ..self.policies };
        Ok(Call { request, unit, client, policies, terms, run: self.run })
    }
}

/// The estimate, in the unit given if one is.
fn estimate_in(unit: Option<&Unit>, estimate: &impl IntoAmount) -> Result<Amount, ValidationError> {
    let amount = estimate
        .clone()
        .into_amount(unit.unwrap_or(&Unit::UsdMicrocents))
        .map_err(|error| ValidationError::new("estimate", error.found(), error.expected().to_owned()))?;
    match unit {
        Some(unit) if unit != amount.unit() => Err(ValidationError::new(
            "estimate",
            amount.to_string(),
            format!("an amount in {unit}, which `unit` names; change either"),
        )),
        _ => Ok(amount),
    }
}

//! One run of an agent, with limits of its own.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;

use super::place::{Place, check_units, provide};
use crate::admin::{Admin, ScopePath};
use crate::client::{Bounds, CallPolicies, CyclesClient, Watch, current_client};
use crate::error::Error;
use crate::lifecycle::{Context, Outcome, PinnedBody, Terms, govern};
use crate::protocol::{Amount, ReservationCreateRequest, Reserve, Subject, Unit, ValidationError};
use crate::transport::BoxFuture;

/// The toolset whose budget is a run's steps.
const STEPS: &str = "steps";

/// What steps are counted in, the first that the run has no budget in. Steps that are denied are best denied as risks are: no
/// cheaper step cures it.
const STEP_UNITS: [Unit; 4] = [Unit::RiskPoints, Unit::Credits, Unit::Tokens, Unit::UsdMicrocents];

/// One run of an agent: a scope with budgets of its own, perhaps a most number of steps, and a point from which it should take
/// cheaper actions. Needs the feature `admin`.
///
/// The budgets are the authority's, so that they hold across processes and restarts: a run that is started again goes on with what
/// is left. Everything awaited within [`scope`](Self::scope) belongs to the run.
///
/// A call inside that names another level above the run's innermost one, another such one, or a unit that the run has no budget in
/// would be spent elsewhere and is refused before it is sent, by whichever client it is made and under a sub-agent's mandate too.
/// Levels below are free, and so are the units of a run that has nothing but steps. A run that is started inside another, or
/// inside a mandate, lies within it.
///
/// ```
/// use runcycles::{Error, Run, Scope, admin::Admin, credits, cycles};
/// use runcycles_authority::Authority;
///
/// #[cycles(credits(cost(model)), "llm.completion", action_name = model)]
/// async fn think(model: &str) -> Result<(), Error> {
///     Ok(())
/// }
///
/// fn cost(model: &str) -> u64 {
///     if model == "large" { 45 } else { 10 }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let authority = Authority::builder().tenant("acme").admin_key("secret").start().await?;
/// let admin = Admin::builder("secret", "http://authority").transport(authority.transport()).build();
/// let client = authority.client("acme");
///
/// let run = Run::start(&admin, Scope::workflow("research-agent").agent("run-42"))
///     .client(&client)
///     .budget(credits(500))
///     .max_steps(10)
///     .downgrade_after(credits(400))
///     .await?;
/// let mut models = Vec::new();
/// let stopped = loop {
///     let model = if run.should_downgrade() { "small" } else { "large" };
///     match run.step(think(model)).await {
///         Ok(()) => models.push(model),
///         Err(error) => break error,
///     }
/// };
/// assert_eq!(models.iter().filter(|model| **model == "large").count(), 9);
/// assert_eq!(models.iter().filter(|model| **model == "small").count(), 1);
/// assert!(stopped.to_string().ends_with("has taken the 10 steps that it may take"), "{stopped}");
/// assert_eq!(run.spent(&credits(0).unit()), credits(415));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Run {
    client: CyclesClient,
    path: ScopePath,
    watch: Arc<Watch>,
    downgrade_after: Vec<Amount>,
    steps: Option<Steps>,
}

/// The steps of a run.
#[derive(Clone, Debug)]
struct Steps {
    /// How many there may be, in what they are counted in.
    most: Amount,
    subject: Subject,
    path: ScopePath,
}

impl Run {
    /// Starts a run in a scope of its own, such as `Scope::workflow("research-agent").agent(run_id)`. Nothing is sent until it is
    /// awaited.
    pub fn start(admin: &Admin, scope: impl Into<Subject>) -> StartRun {
        StartRun::new(admin, Ok(scope.into()))
    }

    /// Runs a future as a part of this run: guarded calls inside belong to it, as under
    /// [`CyclesClient::run`].
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        self.client.run(future)
    }

    /// Runs a future as a step of this run. With [`max_steps`](StartRun::max_steps) it counts, however it ends.
    ///
    /// # Errors
    ///
    /// The future's own, and what [`reserve`](CyclesClient::reserve) says of the step: [`Error::BudgetExceeded`] where the run has
    /// taken all of its steps. The future did not run then.
    pub async fn step<T, E, F>(&self, future: F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        let future = pin!(Some(future));
        let future = PinnedBody::new(future);
        let Some(steps) = &self.steps else { return self.client.run(future).await };
        let one = Amount::new(steps.most.unit().clone(), 1);
        let counted = |context: Context| {
            // The unit is the reservation's own.
            context.set_actual(one.clone()).ok();
            self.client.run(future)
        };
        let judge = |result| match result {
            Ok(value) => Outcome::Done { value, actual: Some(Ok(one.clone())), also: Vec::new() },
            Err(error) => Outcome::Failed(error),
        };
        let request = steps.reserve(&one);
        let result =
            govern(&self.client, request, CallPolicies::default(), &Terms::default(), None, counted, judge).await;
        result.map_err(|error| self.explain(steps, error))?
    }

    /// Whether the run has spent as much as [`downgrade_after`](StartRun::downgrade_after) says, and should go on with cheaper
    /// actions. It is what answers to the run's own calls have told, without a further request.
    pub fn should_downgrade(&self) -> bool {
        self.downgrade_after.iter().any(|point| self.spent(point.unit()).value() >= point.value())
    }

    /// What the run has spent in a unit that it has a budget in, as far as answers to its calls have told.
    pub fn spent(&self, unit: &Unit) -> Amount {
        self.watch.spent(unit)
    }

    /// The client of the run: calls through it belong to it.
    pub fn client(&self) -> &CyclesClient {
        &self.client
    }

    /// Where the run's budgets stand, such as `tenant:acme/workflow:research-agent/agent:run-42`.
    pub fn path(&self) -> &ScopePath {
        &self.path
    }

    /// A denial by the steps' own budget, in words of its own. Other budgets, and servers that do not tell whose it is, say no in
    /// theirs.
    fn explain(&self, steps: &Steps, error: Error) -> Error {
        match error {
            Error::BudgetExceeded { retry_after, refusal, .. }
                if refusal.scope().is_some_and(|scope| scope.eq_ignore_ascii_case(steps.path.as_str())) =>
            {
                let message = format!("{} has taken the {} steps that it may take", self.path, steps.most.value());
                Error::BudgetExceeded { message, retry_after, refusal }
            }
            other => other,
        }
    }
}

impl Steps {
    /// The request of one step. Its subject is complete since the start: levels that are named later are not those of the steps'
    /// budget.
    fn reserve(&self, one: &Amount) -> ReservationCreateRequest {
        Reserve::new("agent.step", STEPS).estimate(one.clone()).subject(self.subject.clone()).build()
    }
}

/// A run that starts when it is awaited: its budgets are created, or given the sizes named here where they are there.
///
/// What was spent before stays spent.
#[derive(Clone, Debug)]
#[must_use = "a run starts when it is awaited"]
pub struct StartRun {
    admin: Admin,
    scope: Result<Subject, ValidationError>,
    client: Option<CyclesClient>,
    budgets: Vec<Amount>,
    max_steps: Option<u64>,
    step_unit: Option<Unit>,
    downgrade_after: Vec<Amount>,
}

impl StartRun {
    pub(super) fn new(admin: &Admin, scope: Result<Subject, ValidationError>) -> Self {
        Self {
            admin: admin.clone(),
            scope,
            client: None,
            budgets: Vec::new(),
            max_steps: None,
            step_unit: None,
            downgrade_after: Vec::new(),
        }
    }

    /// The client that reserves and settles; by default the ambient one, then the default of the process.
    pub fn client(mut self, client: &CyclesClient) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// What the run may spend; once for each unit.
    pub fn budget(mut self, budget: Amount) -> Self {
        self.budgets.push(budget);
        self
    }

    /// How many [steps](Run::step) the run may take.
    ///
    /// They are a budget too, of the toolset `steps` below the run: one unit for each, in a unit that the run has no other budget
    /// in. A budget of a level above in that unit is charged with them.
    pub fn max_steps(mut self, max_steps: u64) -> Self {
        self.max_steps = Some(max_steps);
        self
    }

    /// What the steps are counted in: risk points by default, or else the first of credits, tokens and dollars that the run has
    /// no budget in.
    pub fn count_steps_in(mut self, unit: Unit) -> Self {
        self.step_unit = Some(unit);
        self
    }

    /// What the run may have spent before it should take cheaper actions; once for each unit, of which any one counts.
    pub fn downgrade_after(mut self, spent: Amount) -> Self {
        self.downgrade_after.push(spent);
        self
    }

    async fn start(self) -> Result<Run, Error> {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => current_client()?,
        };
        let place = Place::new(&client, self.scope.clone()?)?;
        let steps = self.check(&place)?;
        let units: Vec<_> = self.budgets.iter().map(|budget| budget.unit().clone()).collect();
        let bounds = Bounds {
            scope: place.subject.clone(),
            toolsets: None,
            units: Some(units).filter(|units| !units.is_empty()),
        };
        let client = client.bounded_by_run(bounds, steps.as_ref().map(|steps| (&steps.subject, steps.most.unit())))?;
        let watch = Arc::new(Watch::new(place.path.as_str()));
        for budget in &self.budgets {
            let ledger = provide(&self.admin, &place.path, budget).await?;
            if let Some(spent) = &ledger.spent {
                watch.note_spent(spent);
            }
        }
        if let Some(steps) = &steps {
            provide(&self.admin, &steps.path, &steps.most).await?;
        }
        let client = client.watched_by(Arc::clone(&watch));
        Ok(Run { client, path: place.path, watch, downgrade_after: self.downgrade_after, steps })
    }

    /// Checks everything that can be checked before anything is sent.
    fn check(&self, place: &Place) -> Result<Option<Steps>, ValidationError> {
        if self.budgets.is_empty() && self.max_steps.is_none() {
            return Err(ValidationError::new("run", "no limit", "a budget, or a most number of steps"));
        }
        check_units(&self.budgets)?;
        for point in &self.downgrade_after {
            if !self.budgets.iter().any(|budget| budget.unit() == point.unit()) {
                let expected = "an amount in a unit that the run has a budget in";
                return Err(ValidationError::new("downgrade_after", point.to_string(), expected));
            }
        }
        let Some(max_steps) = self.max_steps else { return Ok(None) };
        if place.subject.toolset.is_some() {
            let found = format!("steps of {}", place.path);
            return Err(ValidationError::new(
                "max_steps",
                found,
                "a run above the toolsets, of which its steps are one",
            ));
        }
        let is_free = |unit: &Unit| self.budgets.iter().all(|budget| budget.unit() != unit);
        let unit = match &self.step_unit {
            Some(unit) => Some(unit.clone()).filter(is_free),
            None => STEP_UNITS.into_iter().find(is_free),
        };
        let Some(unit) = unit else {
            let found = "a unit that the run has a budget in";
            return Err(ValidationError::new(
                "count_steps_in",
                found,
                "another, since steps are counted by themselves",
            ));
        };
        let subject = place.subject.clone().toolset(STEPS);
        Ok(Some(Steps { most: Amount::new(unit, max_steps), subject, path: place.toolset(STEPS)? }))
    }
}

impl IntoFuture for StartRun {
    type Output = Result<Run, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

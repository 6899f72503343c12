//! The guarded call as a function.

use std::error::Error as StdError;
use std::panic::Location;
use std::time::Duration;

use super::admission::Terms;
use super::context::Context;
use super::govern::{Outcome, govern};
use super::priority::Priority;
use crate::client::{CallPolicies, CyclesClient, HeartbeatPolicy, Mode, OnUnsettled, UnknownSpend};
use crate::error::Error;
use crate::lease::Lease;
use crate::protocol::{
    Action, Amount, CommitOveragePolicy, CyclesMetrics, Level, Metadata, ReservationCreateRequest, Reserve, Subject,
};

/// What a guarded call reserves.
#[derive(Clone, Debug)]
#[must_use = "a configuration reserves nothing"]
pub struct WithCyclesConfig {
    reserve: Reserve<Action, Amount>,
    policies: CallPolicies,
    terms: Terms,
    metrics: Option<Box<CyclesMetrics>>,
}

impl WithCyclesConfig {
    /// A call that may cost an amount. It needs an [`action`](Self::action) too.
    #[track_caller]
    pub fn new(estimate: Amount) -> Self {
        Self {
            reserve: Reserve::new("", "").estimate(estimate),
            policies: CallPolicies::default(),
            terms: Terms { site: Some(Location::caller()), ..Terms::default() },
            metrics: None,
        }
    }

    /// What is done: a kind such as `llm.completion`, and a name such as the model's.
    pub fn action(mut self, kind: impl Into<String>, name: impl Into<String>) -> Self {
        self.reserve = self.reserve.action(Action::new(kind, name));
        self
    }

    /// Who acts: a [`Scope`](crate::Scope) or a [`Subject`]. What it leaves out is filled from the client's scope, the ambient
    /// scope and the client's defaults.
    pub fn subject(mut self, subject: impl Into<Subject>) -> Self {
        self.reserve = self.reserve.subject(subject);
        self
    }

    /// How long the reservation lives unless it is extended: 1 second to 24 hours. The heartbeat extends it while the action
    /// runs.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.reserve = self.reserve.ttl(ttl);
        self
    }

    /// How long after its end a commit is still accepted: at most one minute; 5 seconds by default.
    pub fn grace_period(mut self, grace_period: Duration) -> Self {
        self.reserve = self.reserve.grace_period(grace_period);
        self
    }

    /// What happens when the actual amount is larger than the estimate; the tenant's setting by default.
    pub fn overage_policy(mut self, policy: CommitOveragePolicy) -> Self {
        self.reserve = self.reserve.overage_policy(policy);
        self
    }

    /// What becomes of the hold if the action ends early at an unknown cost; the client's policy by default.
    pub fn unknown_spend(mut self, policy: UnknownSpend) -> Self {
        self.policies.unknown_spend = Some(policy);
        self
    }

    /// What becomes of the call if its reservation is lost; the client's policy by default.
    pub fn heartbeat(mut self, policy: HeartbeatPolicy) -> Self {
        self.policies.heartbeat = Some(policy);
        self
    }

    /// What the call returns if its settlement is not confirmed; the client's policy by default.
    pub fn on_unsettled(mut self, policy: OnUnsettled) -> Self {
        self.policies.on_unsettled = Some(policy);
        self
    }

    /// How long the action will take. Operators are warned where no lease can last as long.
    pub fn planned(mut self, planned: Duration) -> Self {
        self.policies.planned = Some(planned);
        self
    }

    /// Measurements that go with the commit, unless the action sets its own.
    pub fn metrics(mut self, metrics: CyclesMetrics) -> Self {
        self.metrics = Some(Box::new(metrics));
        self
    }

    /// Free data kept with the reservation.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.reserve = self.reserve.metadata(metadata);
        self
    }

    /// Levels that must have a budget of their own: where one has none, nothing would cap the call there, and it fails with
    /// [`Error::UnbudgetedScope`] before the action runs.
    pub fn require(mut self, levels: impl IntoIterator<Item = Level>) -> Self {
        self.terms.require = levels.into_iter().collect();
        self
    }

    /// The tier of the call among those that share its budgets.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.terms.priority = Some(priority);
        self
    }

    /// Whether the call is held to what the authority says; the client's mode holds where it is more lenient.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.terms.mode = Some(mode);
        self
    }

    /// Takes what the call may cost of a [`Lease`], where that has it, in place of reserving. What the call's subject leaves out is
    /// the lease's, and so is the action unless it is set; a call of another kind than the lease's reserves by itself.
    ///
    /// ```
    /// # async fn fetch(_: &str) -> Result<String, std::io::Error> { Ok(String::new()) }
    /// # async fn example(client: runcycles::CyclesClient, lease: runcycles::Lease) -> Result<(), runcycles::Error> {
    /// use runcycles::{WithCyclesConfig, usd, with_cycles};
    ///
    /// let config = WithCyclesConfig::new(usd!(0.0004)).lease(&lease);
    /// let page = with_cycles(&client, config, |_| async { Ok((fetch("/").await?, usd!(0.0003))) }).await?;
    /// # let _: String = page;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lease(mut self, lease: &Lease) -> Self {
        self.terms.lease = Some(lease.clone());
        self
    }

    /// Whether the call runs only where the authority says so, whatever the client's
    /// [`OnUnavailable`](crate::OnUnavailable) policy allows: for actions that nobody can take back.
    pub fn needs_authority(mut self) -> Self {
        self.terms.needs_authority = true;
        self
    }

    /// What the lifecycle runs the call by, with the subject that a client completes here.
    pub(crate) fn into_parts(
        self,
        client: &CyclesClient,
    ) -> (ReservationCreateRequest, CallPolicies, Terms, Option<Box<CyclesMetrics>>) {
        let mut request = self.reserve.build();
        if let Some(lease) = &self.terms.lease {
            request.subject = std::mem::take(&mut request.subject).or(lease.subject());
            if request.action.kind.is_empty() && request.action.name.is_empty() {
                request.action = Action::clone(lease.action());
            }
        }
        client.fill_subject(&mut request.subject);
        (request, self.policies, self.terms, self.metrics)
    }
}

/// Reserves, runs an action, and settles: the action's `Ok` carries its value and what it cost, which is committed; its `Err`
/// commits what it [recorded](Context::record_usage), or else does what the [`UnknownSpend`] policy says: the hold is released by
/// default. A denied action never runs.
///
/// Whatever becomes of the settlement, the action's own value or error is returned, unless a policy of the call puts an error in
/// place of the value. [`CyclesClient::execute`] does the same and
/// keeps the type of the action's error.
///
/// ```
/// # async fn example(client: runcycles::CyclesClient) -> Result<(), runcycles::Error> {
/// # async fn call_model(_: &str) -> String { "hi".into() }
/// use runcycles::{Scope, WithCyclesConfig, usd, with_cycles};
///
/// let reply = with_cycles(
///     &client,
///     WithCyclesConfig::new(usd!(0.02)).action("llm.completion", "gpt-4o").subject(Scope::agent("bot")),
///     |_context| async move { Ok((call_model("hello").await, usd!(0.013))) },
/// )
/// .await?;
/// println!("{reply}");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Action`] with the action's own error as its source; [`Error::Unsettled`] and [`Error::LeaseLost`] where a policy asks
/// for them; otherwise what [`reserve`](CyclesClient::reserve) says: the action did not run then.
///
/// # Cancel safety
///
/// Dropping the future drops the action. What it recorded is committed in the background, and otherwise the policy holds.
pub async fn with_cycles<T, F, Fut>(client: &CyclesClient, config: WithCyclesConfig, action: F) -> Result<T, Error>
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output = Result<(T, Amount), Box<dyn StdError + Send + Sync>>>,
{
    let (request, policies, terms, metrics) = config.into_parts(client);
    govern(client, request, policies, &terms, metrics, action, |result| match result {
        Ok((value, actual)) => Outcome::Done { value, actual: Some(Ok(actual)), also: Vec::new() },
        Err(error) => Outcome::Failed(Error::Action(error)),
    })
    .await?
}

impl CyclesClient {
    /// Reserves, runs an action, and settles, as [`with_cycles`] does, and returns the action's own `Result`: errors of the
    /// reservation are converted into its error type.
    ///
    /// The cost is what the action [sets](Context::set_actual) or [records](Context::record_usage) on its context; the
    /// estimate, marked as such, if it does neither.
    ///
    /// ```
    /// # async fn example(client: runcycles::CyclesClient) -> Result<(), Box<dyn std::error::Error>> {
    /// use runcycles::{Scope, WithCyclesConfig, usd};
    ///
    /// let config = WithCyclesConfig::new(usd!(0.02)).action("file.read", "prices").subject(Scope::agent("bot"));
    /// let text: Result<String, Box<dyn std::error::Error>> = client
    ///     .execute(config, |context| async move {
    ///         context.set_actual(usd!(0.001))?;
    ///         Ok(std::fs::read_to_string("prices.txt")?)
    ///     })
    ///     .await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The action's own; [`Error::Unsettled`] and [`Error::LeaseLost`] where a policy asks for them; or what
    /// [`reserve`](Self::reserve) says: the action did not run then.
    ///
    /// # Cancel safety
    ///
    /// As [`with_cycles`].
    pub async fn execute<T, E, F, Fut>(&self, config: WithCyclesConfig, action: F) -> Result<T, E>
    where
        F: FnOnce(Context) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        let (request, policies, terms, metrics) = config.into_parts(self);
        govern(self, request, policies, &terms, metrics, action, |result| match result {
            Ok(value) => Outcome::Done { value, actual: None, also: Vec::new() },
            Err(error) => Outcome::Failed(error),
        })
        .await?
    }
}

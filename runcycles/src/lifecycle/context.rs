//! What an action can ask and tell about its own reservation.

use std::sync::Arc;
use std::time::Duration;

use crate::guard::ReservationGuard;
use crate::heartbeat::{LeaseRef, LeaseStatus};
use crate::protocol::{
    Action, Amount, AmountError, Balance, Caps, CyclesMetrics, Decision, EvidenceRef, MAX_AMOUNT, ReservationId,
    Subject,
};
use crate::reservation::Reservation;
use crate::telemetry::gen_ai::ModelUsage;

tokio::task_local! {
    /// The context of the guarded call that runs here.
    static CONTEXT: Context;
}

/// The context of the guarded call that runs here, or `None` outside of one.
///
/// A task spawned inside a guarded call does not inherit it: [`carry`](crate::carry) takes it there.
///
/// ```
/// # fn max_tokens() -> u64 {
/// runcycles::context().and_then(|context| context.caps().map(|caps| caps.clamp_max_tokens(800))).unwrap_or(800)
/// # }
/// # assert_eq!(max_tokens(), 800);
/// ```
pub fn context() -> Option<Context> {
    CONTEXT.try_with(Clone::clone).ok()
}

/// What an action can ask and tell about its own reservation. Cheap to clone; it may outlive the call, and what is told then
/// has no effect.
#[derive(Clone, Debug)]
pub struct Context {
    reservation: Arc<Reservation>,
    /// Absent where nothing is kept alive.
    lease: Option<LeaseRef>,
    /// The reservations in other units, if there are any.
    also: Option<Arc<[Arc<Reservation>]>>,
}

impl Context {
    pub(crate) fn new(reservation: Arc<Reservation>, lease: Option<LeaseRef>) -> Self {
        Self { reservation, lease, also: None }
    }

    /// The same beside reservations in other units.
    pub(super) fn beside(mut self, also: &[ReservationGuard]) -> Self {
        if !also.is_empty() {
            self.also = Some(also.iter().map(|guard| Arc::clone(guard.reservation())).collect());
        }
        self
    }

    /// The reservation in the unit of an amount; the first one where there is none.
    fn of(&self, amount: &Amount) -> &Reservation {
        let mut also = self.also.iter().flat_map(|also| also.iter());
        match also.find(|reservation| reservation.unit() == amount.unit()) {
            Some(reservation) if amount.unit() != self.reservation.unit() => reservation,
            _ => &self.reservation,
        }
    }

    /// Runs a future with this context as its own.
    pub(crate) async fn enter<F: Future>(self, future: F) -> F::Output {
        CONTEXT.scope(self, future).await
    }

    /// Runs a function with this context as its own.
    pub(crate) fn within<R>(&self, function: impl FnOnce() -> R) -> R {
        CONTEXT.sync_scope(self.clone(), function)
    }

    /// The reservation's id.
    pub fn reservation_id(&self) -> &ReservationId {
        &self.reservation.id
    }

    /// The decision: allowed, or allowed with caps.
    pub fn decision(&self) -> &Decision {
        &self.reservation.decision
    }

    /// The limits that come with the decision.
    pub fn caps(&self) -> Option<&Caps> {
        self.reservation.caps.as_deref()
    }

    /// Whether the action is allowed with caps only.
    pub fn is_capped(&self) -> bool {
        self.reservation.caps.is_some()
    }

    /// What is held.
    pub fn reserved(&self) -> &Amount {
        &self.reservation.estimate
    }

    /// Who acts, after the ambient scope and the client's defaults were filled in.
    pub fn subject(&self) -> &Subject {
        &self.reservation.subject
    }

    /// Every scope derived from the subject, outermost first.
    pub fn affected_scopes(&self) -> &[String] {
        self.reservation.budgets.scopes()
    }

    /// The budgets that hold the reservation, as they were right after it.
    pub fn balances(&self) -> &[Balance] {
        self.reservation.budgets.balances()
    }

    /// How long the reservation lives at least, unless the heartbeat extends it; zero once it is settled.
    pub fn lease_left(&self) -> Duration {
        self.lease.as_ref().map_or(Duration::ZERO, LeaseRef::left)
    }

    /// How the reservation's lease stands: what is left of it, and what the heartbeat does about it.
    pub fn lease(&self) -> LeaseStatus {
        self.lease.as_ref().map_or_else(LeaseStatus::ended, LeaseRef::status)
    }

    /// Signed evidence of the reservation.
    pub fn evidence(&self) -> Option<&EvidenceRef> {
        self.reservation.evidence.as_deref()
    }

    /// `wanted`, or the cap on tokens where that is less.
    pub fn clamp_max_tokens(&self, wanted: u64) -> u64 {
        self.caps().map_or(wanted, |caps| caps.clamp_max_tokens(wanted))
    }

    /// Whether the caps allow a tool; without caps, every tool is allowed. An action that refuses a tool tells its model why,
    /// or the model asks for it again.
    pub fn is_tool_allowed(&self, tool: &str) -> bool {
        self.caps().is_none_or(|caps| caps.is_tool_allowed(tool))
    }

    /// Those of some tools that the caps allow; `name` says what the caps call a tool.
    ///
    /// ```
    /// # struct Tool { name: &'static str }
    /// # let tools = vec![Tool { name: "search" }];
    /// let offered = match runcycles::context() {
    ///     Some(context) => context.allowed_tools(tools, |tool| tool.name),
    ///     None => tools,
    /// };
    /// # assert_eq!(offered.len(), 1);
    /// ```
    pub fn allowed_tools<T>(&self, tools: impl IntoIterator<Item = T>, name: impl Fn(&T) -> &str) -> Vec<T> {
        tools.into_iter().filter(|tool| self.is_tool_allowed(name(tool))).collect()
    }

    /// What guarded calls inside of this one have been settled with so far, in the unit of this one.
    ///
    /// Nested calls are reservations of their own, so an action that knows what it cost with everything inside leaves this out:
    ///
    /// ```
    /// use runcycles::{Error, context, cycles, tokens};
    ///
    /// #[cycles(tokens(1_000), "agent.run", action_name = "outer")]
    /// async fn run() -> Result<(), Error> {
    ///     part().await?;
    ///     let all = tokens(700); // as the model's last answer says
    ///     if let Some(context) = context() {
    ///         let own = all.checked_sub(&context.charged_inside()).unwrap_or(tokens(0));
    ///         context.set_actual(own).ok();
    ///     }
    ///     Ok(())
    /// }
    ///
    /// #[cycles(tokens(500), "llm.completion")]
    /// async fn part() -> Result<(), Error> {
    ///     Ok(())
    /// }
    /// ```
    pub fn charged_inside(&self) -> Amount {
        Amount::new(self.reservation.unit().clone(), self.reservation.report().inside)
    }

    /// What is done.
    pub(super) fn action(&self) -> &Action {
        &self.reservation.action
    }

    /// Counts what a call inside of this one was settled with; amounts in other units are not its own.
    pub(crate) fn charge_inside(&self, amount: &Amount) {
        if amount.unit() == self.reservation.unit() {
            let mut report = self.reservation.report();
            report.inside = report.inside.saturating_add(amount.value()).min(MAX_AMOUNT);
        }
    }

    /// Adds spend that has happened. What was recorded is committed even if the action fails, panics or is cancelled.
    ///
    /// # Errors
    ///
    /// [`AmountError`] where the amount is in another unit than the reservation, or the sum is out of range.
    pub fn record_usage(&self, amount: &Amount) -> Result<(), AmountError> {
        self.of(amount).record_usage(amount)
    }

    /// Sets what the action cost, all in all. Zero is an amount: it commits nothing rather than the estimate.
    ///
    /// # Errors
    ///
    /// [`AmountError`] where the amount is in another unit than the reservation.
    pub fn set_actual(&self, amount: Amount) -> Result<(), AmountError> {
        self.of(&amount).set_actual(amount)
    }

    /// Sets the measurements that go with the commit. The latency is measured where this leaves it out.
    pub fn set_metrics(&self, metrics: CyclesMetrics) {
        self.reservation.report().metrics = Some(Box::new(metrics));
    }

    /// Tells what a call of a model used: the span of the guarded call shows it, and the commit's measurements have what they lack of
    /// it. What it cost is another matter: see [`set_actual`](Self::set_actual).
    ///
    /// ```
    /// use runcycles::telemetry::gen_ai::ModelUsage;
    ///
    /// if let Some(context) = runcycles::context() {
    ///     context.record_model_usage(&ModelUsage::new("gpt-4o").provider("openai").tokens(812, 120));
    /// }
    /// ```
    pub fn record_model_usage(&self, usage: &ModelUsage) {
        self.reservation.record_model_usage(usage);
    }

    /// Adds a member to the metadata that goes with the commit.
    pub fn insert_metadata(&self, name: impl Into<String>, value: impl Into<serde_json::Value>) {
        self.reservation.report().metadata.insert(name.into(), value.into());
    }
}

impl ReservationGuard {
    /// Runs a future inside of this reservation: [`context()`] has its context there, and what is told of usage is committed if the
    /// guard is dropped. What it cost is still the guard's to [commit](Self::commit).
    ///
    /// ```
    /// # async fn call_model() -> String { "hi".into() }
    /// # async fn example(client: runcycles::CyclesClient) -> Result<(), runcycles::Error> {
    /// use runcycles::{Reserve, usd};
    ///
    /// let guard = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02))).await?;
    /// let reply = guard.run(call_model()).await;
    /// guard.commit(usd!(0.013)).await?;
    /// # drop(reply);
    /// # Ok(())
    /// # }
    /// ```
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        Context::new(Arc::clone(self.reservation()), self.lease_ref()).enter(future)
    }
}

//! A scope's budgets as a value.

use std::future::Future;
use std::time::Duration;

use crate::client::CyclesClient;
use crate::error::Error;
use crate::lifecycle::{Context, WithCyclesConfig};
use crate::protocol::{Amount, Balance, Reserve, SignedAmount, Subject, Unit};
use crate::shadow::ShadowReport;

impl CyclesClient {
    /// The budgets that a scope's actions are checked against: the scope's own, and those of the levels above it. Sends nothing.
    ///
    /// ```
    /// use runcycles::{Error, Scope, models::Unit, usd};
    /// use runcycles_authority::Authority;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let authority = Authority::builder()
    ///     .budget("tenant:acme", usd!(100))
    ///     .budget("tenant:acme/workflow:run-42", usd!(10))
    ///     .start()
    ///     .await?;
    /// let run = authority.client("acme").budget(Scope::workflow("run-42"));
    ///
    /// let reply: Result<&str, Error> = run.execute(usd!(2), "llm.completion", |_| async { Ok("a long answer") }).await;
    /// assert_eq!(reply?, "a long answer");
    /// let left = run.headroom(Unit::UsdMicrocents).await?;
    /// assert_eq!(left.remaining().to_string(), "$8.00");
    /// assert_eq!(left.tightest().scope_path, "tenant:acme/workflow:run-42");
    /// # Ok(())
    /// # }
    /// ```
    pub fn budget(&self, scope: impl Into<Subject>) -> Budget {
        Budget { client: self.scoped(scope) }
    }
}

/// The budgets that a scope's actions are checked against; [`CyclesClient::budget`] gives it.
#[derive(Clone, Debug)]
pub struct Budget {
    client: CyclesClient,
}

impl Budget {
    /// How much is left in a unit, by one request: a dry run of nothing, which is answered with exactly the budgets that an
    /// action here would be checked against (protocol: `dry_run`). Nothing is held, so that others may take it at any time:
    /// whoever acts on it reserves all the same.
    ///
    /// # Errors
    ///
    /// [`Error::NoBudget`] where no level has a budget, [`Error::UnitMismatch`] where none has one in the unit; where even an
    /// action that costs nothing would be denied, [`Error::Blocked`] for a budget that is frozen, and [`Error::BudgetExceeded`]
    /// for one that is over its limit; [`Error::Ambiguous`] where the authority tells no balances.
    pub async fn headroom(&self, unit: Unit) -> Result<Headroom, Error> {
        let request = Reserve::new("budget.headroom", "headroom").estimate(Amount::new(unit.clone(), 0)).dry_run(true);
        let response = self.client.create_reservation(&request.build()).with_metadata().await?;
        let answer = response.value;
        if !answer.decision.is_allowed() {
            return Err(Error::from_denial(answer, response.metadata.headers()).raised_for(&Amount::new(unit, 0)));
        }
        let mut budgets = answer.balances;
        budgets.retain(|budget| *budget.remaining.unit() == unit);
        let Some(tightest) = (0..budgets.len()).min_by_key(|at| budgets[*at].remaining.value()) else {
            let problem = format!("the dry run told no balance in {unit}");
            return Err(Error::Ambiguous { operation: "headroom", problem, reservation_id: None });
        };
        let mut unbudgeted_scopes = answer.affected_scopes;
        unbudgeted_scopes.retain(|scope| budgets.iter().all(|budget| budget.scope_path != *scope));
        Ok(Headroom { budgets, tightest, unbudgeted_scopes })
    }

    /// What enforcement would have done to the calls of this scope that ran in a [shadow mode](crate::Mode) within a time until
    /// now. Sends nothing.
    ///
    /// It is added up from numbers that this client, with all its views, writes down of every such call since it was made: of each subject, and of each
    /// hour, so that the hour in which the time begins counts as a whole. At most 8,192 subjects and hours are kept: where there
    /// is no room for more, the oldest hours go, and the report says [how many calls](ShadowReport::forgotten) were in them.
    pub fn shadow_report(&self, window: Duration) -> ShadowReport {
        let mut scope = Subject::default();
        self.client.fill_subject(&mut scope);
        self.client.shared.shadow.report(&scope, window)
    }

    /// Reserves an estimate, runs an action of a kind, and settles, as [`CyclesClient::execute`] does; the action's name is its
    /// kind.
    ///
    /// # Errors
    ///
    /// As [`CyclesClient::execute`].
    ///
    /// # Cancel safety
    ///
    /// As [`with_cycles`](crate::with_cycles).
    pub async fn execute<T, E, F, Fut>(&self, estimate: Amount, kind: &str, action: F) -> Result<T, E>
    where
        F: FnOnce(Context) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        self.client.execute(WithCyclesConfig::new(estimate).action(kind, kind), action).await
    }
}

/// What is left for a scope's actions.
#[derive(Clone, Debug, PartialEq)]
pub struct Headroom {
    budgets: Vec<Balance>,
    /// Which of them has the least left.
    tightest: usize,
    unbudgeted_scopes: Vec<String>,
}

impl Headroom {
    /// What is left of the tightest budget: no action here may cost more. Negative in overdraft.
    pub fn remaining(&self) -> &SignedAmount {
        &self.tightest().remaining
    }

    /// The budget with the least left; the outermost of several.
    pub fn tightest(&self) -> &Balance {
        &self.budgets[self.tightest]
    }

    /// Every budget that an action here is checked against, in the authority's order.
    pub fn budgets(&self) -> &[Balance] {
        &self.budgets
    }

    /// The scopes of the levels that have no budget in the unit, where nothing caps an action.
    pub fn unbudgeted_scopes(&self) -> &[String] {
        &self.unbudgeted_scopes
    }

    /// Whether more than an amount is left.
    pub fn exceeds(&self, amount: &Amount) -> bool {
        let remaining = self.remaining();
        amount.unit() == remaining.unit()
            && i64::try_from(amount.value()).is_ok_and(|amount| amount < remaining.value())
    }

    /// Whether an action of a cost would be allowed as things stand.
    pub fn fits(&self, cost: &Amount) -> bool {
        let remaining = self.remaining();
        cost.unit() == remaining.unit() && i64::try_from(cost.value()).is_ok_and(|cost| cost <= remaining.value())
    }
}

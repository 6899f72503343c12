//! The budget of one scope.

use http::Method;
use serde::Serialize;

use super::fund::Fund;
use super::operations::BUDGETS;
use super::{Admin, ScopePath};
use crate::client::{Operation, Prepared};
use crate::error::Error;
use crate::protocol::admin::{BudgetChanges, BudgetLedger, BudgetStatus, FundingOperation, NewBudget};
use crate::protocol::{Amount, ErrorCode, QueryPairs, Unit, ValidationError};

/// The budget of one scope, for an operator; [`Admin::budget`] gives it. A scope has at most one budget in each unit.
#[derive(Clone, Debug)]
pub struct Budget {
    admin: Admin,
    scope: Result<ScopePath, ValidationError>,
}

impl Budget {
    pub(super) fn new(admin: Admin, scope: Result<ScopePath, ValidationError>) -> Self {
        Self { admin, scope }
    }

    /// Creates the budget, or gives the one that is there, whatever its size: [`resize`](Self::resize) changes that. Safe to
    /// repeat, and safe with others who do the same.
    ///
    /// # Errors
    ///
    /// `TENANT_NOT_FOUND`, and any other [`Error`].
    pub async fn ensure(&self, budget: impl Into<NewBudget>) -> Result<BudgetLedger, Error> {
        let budget = budget.into();
        let unit = budget.unit().clone();
        match self.create(budget).await {
            Err(error) if error.code() == Some(&ErrorCode::DuplicateResource) => self.get(unit).await,
            other => other,
        }
    }

    /// Creates the budget (admin plane: `POST /v1/admin/budgets`).
    ///
    /// # Errors
    ///
    /// `DUPLICATE_RESOURCE` where the scope has one in the unit.
    pub fn create(&self, budget: impl Into<NewBudget>) -> Operation<BudgetLedger> {
        let budget = budget.into();
        self.admin.operation(self.prepare_create(&budget))
    }

    fn prepare_create(&self, budget: &NewBudget) -> Result<Prepared, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            tenant_id: &'a str,
            scope: &'a str,
            unit: &'a Unit,
            #[serde(flatten)]
            budget: &'a NewBudget,
        }

        let scope = self.scope()?;
        budget.validate()?;
        let body = Body { tenant_id: scope.tenant(), scope: scope.as_str(), unit: budget.unit(), budget };
        self.admin.say(Method::POST, BUDGETS, &QueryPairs::new(), &body)
    }

    /// How the budget stands (admin plane: `GET /v1/admin/budgets/lookup`).
    ///
    /// # Errors
    ///
    /// `BUDGET_NOT_FOUND` where the scope has none in the unit.
    pub fn get(&self, unit: Unit) -> Operation<BudgetLedger> {
        let request = self.named(&unit).and_then(|pairs| self.admin.ask(&format!("{BUDGETS}/lookup"), &pairs));
        self.admin.operation(request)
    }

    /// Gives the budget more (`CREDIT`).
    pub fn credit(&self, amount: Amount) -> Fund {
        self.fund(FundingOperation::Credit, amount)
    }

    /// Takes from what remains (`DEBIT`).
    ///
    /// # Errors
    ///
    /// [`Error::BudgetExceeded`] where less remains.
    pub fn debit(&self, amount: Amount) -> Fund {
        self.fund(FundingOperation::Debit, amount)
    }

    /// Gives the budget another size (`RESET`). What was spent stays spent, so that a budget that is used up stays so unless it
    /// grows: [`start_period`](Self::start_period) is the one for daily and monthly budgets.
    pub fn resize(&self, allocated: Amount) -> Fund {
        self.fund(FundingOperation::Reset, allocated)
    }

    /// Starts a period with a budget of a size and nothing spent (`RESET_SPENT`). Holds of live reservations and debt stay.
    ///
    /// The period has a name, such as `2026-11-22`, and starts once however often it is asked for: after new spend too, and by
    /// any process. Servers remember that for 24 hours. Ask when a period starts and repeat what failed within the day; a name
    /// that is asked for again after a day, such as that of a month, starts its period again.
    ///
    /// # Errors
    ///
    /// `IDEMPOTENCY_MISMATCH` where the period has been started with another amount, and [`Error::Blocked`] for a frozen budget.
    pub fn start_period(&self, allocated: Amount, period: impl Into<String>) -> Fund {
        self.fund(FundingOperation::ResetSpent, allocated).once(period)
    }

    /// Pays debt off (`REPAY_DEBT`); what is left over is credited.
    pub fn repay_debt(&self, amount: Amount) -> Fund {
        self.fund(FundingOperation::RepayDebt, amount)
    }

    /// Stops the budget: whoever would use it gets [`Error::Blocked`]. One that is frozen is given as it is.
    ///
    /// # Errors
    ///
    /// [`Error::Blocked`] for a closed budget.
    pub async fn freeze(&self, unit: Unit) -> Result<BudgetLedger, Error> {
        self.turn(unit, "freeze", BudgetStatus::Frozen).await
    }

    /// Lets the budget be used again. One that is not frozen is given as it is.
    ///
    /// # Errors
    ///
    /// [`Error::Blocked`] for a closed budget.
    pub async fn unfreeze(&self, unit: Unit) -> Result<BudgetLedger, Error> {
        self.turn(unit, "unfreeze", BudgetStatus::Active).await
    }

    /// Changes the budget's terms (admin plane: `PATCH /v1/admin/budgets`). Works on a frozen budget too.
    ///
    /// # Errors
    ///
    /// [`Error::Blocked`] for a closed budget.
    pub fn update(&self, unit: Unit, changes: BudgetChanges) -> Operation<BudgetLedger> {
        let request = self.named(&unit).and_then(|pairs| {
            changes.validate(&unit)?;
            self.admin.say(Method::PATCH, BUDGETS, &pairs, &changes)
        });
        self.admin.operation(request)
    }

    fn fund(&self, operation: FundingOperation, amount: Amount) -> Fund {
        Fund::new(&self.admin, &self.scope, operation, amount)
    }

    async fn turn(&self, unit: Unit, action: &str, wanted: BudgetStatus) -> Result<BudgetLedger, Error> {
        let path = format!("{BUDGETS}/{action}");
        let body = serde_json::Map::new();
        let request = self.named(&unit).and_then(|pairs| self.admin.say(Method::POST, &path, &pairs, &body));
        // Servers refuse what has happened already, by codes of their own.
        let refused = match self.admin.operation(request).await {
            Err(error) if error.status() == Some(409) => error,
            other => return other,
        };
        match self.get(unit).await {
            Ok(ledger) if ledger.status == wanted => Ok(ledger),
            _ => Err(refused),
        }
    }

    fn scope(&self) -> Result<&ScopePath, Error> {
        self.scope.as_ref().map_err(|error| error.clone().into())
    }

    fn named(&self, unit: &Unit) -> Result<QueryPairs, Error> {
        Ok(vec![("scope", self.scope()?.to_string()), ("unit", unit.to_string())])
    }
}

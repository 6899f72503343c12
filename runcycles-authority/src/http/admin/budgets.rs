//! Budgets.

use serde_json::{Map, Value};

use super::amounts::{
    amount_of, check_in_unit, check_instant, check_word, instant, instant_if, parse_scope, scope_and_unit, text_if,
};
use super::lists::{Listing, search};
use super::{Admin, owner, tenant_for};
use crate::engine::Funding;
use crate::engine::admin::{
    BudgetOwner, ChangeBudget, CreateBudget, FindBudget, FreezeBudget, FundBudget, ListBudgets, NewBudget,
};
use crate::fingerprint::Canonical;
use crate::http::decode::{AmountBody, parse};
use crate::http::exchange::Reply;
use crate::http::gate::Principal;
use crate::http::json::{self, Object, amount};
use crate::http::object::{Text, request_object};
use crate::http::problem::Problem;
use crate::http::query::{Query, shown};
use crate::http::violations::Violations;
use crate::state::{FundedFigures, Ledger, LedgerOptions, LedgerStatus, Overage, ROLLOVER_POLICIES};
use crate::unit::Unit;

request_object! {
    BudgetCreateBody {
        tenant_id: Text<'de>,
        scope: Text<'de>,
        unit: Text<'de>,
        allocated: AmountBody<'de>,
        overdraft_limit: AmountBody<'de>,
        commit_overage_policy: Text<'de>,
        rollover_policy: Text<'de>,
        period_start: Text<'de>,
        period_end: Text<'de>,
        metadata: Map<String, Value>,
    }
}

request_object! {
    BudgetChangeBody {
        overdraft_limit: AmountBody<'de>,
        commit_overage_policy: Text<'de>,
        metadata: Map<String, Value>,
    }
}

request_object! {
    FundBody {
        operation: Text<'de>,
        amount: AmountBody<'de>,
        spent: AmountBody<'de>,
        reason: Text<'de>,
        idempotency_key: Text<'de>,
        metadata: Map<String, Value>,
    }
}

request_object! {
    TransitionBody {
        reason: Text<'de>,
        metadata: Map<String, Value>,
    }
}

const OPERATIONS: [&str; 5] = ["CREDIT", "DEBIT", "RESET", "RESET_SPENT", "REPAY_DEBT"];
const SORT_KEYS: [&str; 7] = ["utilization", "tenant_id", "scope", "unit", "status", "commit_overage_policy", "debt"];

impl Admin<'_> {
    pub(super) fn create_budget(&self, principal: &Principal) -> Result<Reply, Problem> {
        let body: BudgetCreateBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        violations.require("scope", body.scope.as_ref());
        violations.require("unit", body.unit.as_ref());
        violations.require("allocated", body.allocated.as_ref());
        let unit = check_word("unit", body.unit.as_ref(), &Unit::ALL.map(Unit::as_str), &mut violations);
        let unit = unit.and_then(Unit::from_wire);
        let options = LedgerOptions {
            overage: check_overage(body.commit_overage_policy.as_ref(), &mut violations),
            rollover: check_word("rollover_policy", body.rollover_policy.as_ref(), &ROLLOVER_POLICIES, &mut violations),
            period_start: check_instant("period_start", body.period_start.as_ref(), &mut violations),
            period_end: check_instant("period_end", body.period_end.as_ref(), &mut violations),
        };
        let allocated = check_in_unit("allocated", body.allocated.as_ref(), unit, &mut violations)?;
        let limit = check_in_unit("overdraft_limit", body.overdraft_limit.as_ref(), unit, &mut violations)?;
        violations.into_result()?;

        let scope = parse_scope(body.scope.as_deref().unwrap_or_default())?;
        let tenant = tenant_for(principal, body.tenant_id.as_deref())?;
        let Some(unit) = unit else { return Err(Problem::internal()) };
        let budget = NewBudget {
            id: self.ids.next(),
            scope,
            unit,
            allocated: allocated.unwrap_or(0),
            overdraft_limit: limit.unwrap_or(0),
            options,
        };
        let ledger = self.engine.execute(CreateBudget { owner: owner(principal, Some(&tenant)), budget })?;
        Ok(Reply::created(json::object(|object| write(object, &ledger))))
    }

    pub(super) fn find_budget(&self, principal: &Principal, query: &Query<'_>) -> Result<Reply, Problem> {
        let (scope, unit) = scope_and_unit(query)?;
        Ok(show(&self.engine.execute(FindBudget { owner: owner(principal, None), scope, unit })?))
    }

    pub(super) fn change_budget(&self, query: &Query<'_>) -> Result<Reply, Problem> {
        let (scope, unit) = scope_and_unit(query)?;
        let body: BudgetChangeBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        let overage = check_overage(body.commit_overage_policy.as_ref(), &mut violations);
        let overdraft_limit =
            check_in_unit("overdraft_limit", body.overdraft_limit.as_ref(), Some(unit), &mut violations)?;
        violations.into_result()?;
        Ok(show(&self.engine.execute(ChangeBudget { scope, unit, overdraft_limit, overage })?))
    }

    pub(super) fn freeze_budget(&self, query: &Query<'_>, freeze: bool) -> Result<Reply, Problem> {
        let (scope, unit) = scope_and_unit(query)?;
        if !self.request.body().is_empty() {
            let body: TransitionBody<'_> = parse(self.request.body())?;
            let mut violations = Violations::default();
            violations.chars("reason", body.reason.as_deref().unwrap_or_default(), 0..=512);
            violations.into_result()?;
        }
        let status = if freeze { LedgerStatus::Frozen } else { LedgerStatus::Active };
        Ok(show(&self.engine.execute(FreezeBudget { scope, unit, status })?))
    }

    pub(super) fn fund_budget(&self, principal: &Principal, query: &Query<'_>) -> Result<Reply, Problem> {
        let (scope, unit) = scope_and_unit(query)?;
        let body: FundBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        violations.require("operation", body.operation.as_ref());
        violations.require("amount", body.amount.as_ref());
        let operation = check_word("operation", body.operation.as_ref(), &OPERATIONS, &mut violations);
        violations.chars("reason", body.reason.as_deref().unwrap_or_default(), 0..=512);
        if let Some(key) = &body.idempotency_key {
            violations.chars("idempotency_key", key, 1..=256);
        }
        if body.spent.is_some() && operation != Some("RESET_SPENT") {
            violations.add("spent", "is for RESET_SPENT alone");
        }
        let value = check_in_unit("amount", body.amount.as_ref(), Some(unit), &mut violations)?.unwrap_or(0);
        let spent = check_in_unit("spent", body.spent.as_ref(), Some(unit), &mut violations)?.unwrap_or(0);
        violations.into_result()?;
        if matches!(principal, Principal::Operator) && query.get_some("tenant_id").is_none() {
            return Err(Problem::invalid("Validation failed: tenant_id: must be given with the admin key"));
        }

        let operation = operation.unwrap_or_default();
        let fingerprint = Canonical::fingerprint("fund", |canonical| {
            canonical.text(operation);
            canonical.number(value.cast_unsigned());
            canonical.number(spent.cast_unsigned());
            canonical.text(body.reason.as_deref().unwrap_or_default());
            canonical.optional(body.metadata.as_ref(), Canonical::object);
        });
        let funded = self.engine.execute(FundBudget {
            owner: owner(principal, query.get_some("tenant_id")),
            scope,
            funding: funding(operation, amount_of(unit, value), spent),
            unit,
            key: body.idempotency_key.as_deref().map(str::to_owned),
            fingerprint,
        })?;
        Ok(Reply::ok(json::object(|object| write_funded(object, operation, unit, &funded))))
    }

    pub(super) fn list_budgets(&self, principal: &Principal, query: &Query<'_>) -> Result<Reply, Problem> {
        let scope_prefix = query.get_some("scope_prefix").map(str::to_ascii_lowercase);
        let unit = query.one_of("unit", &Unit::ALL, Unit::as_str, false)?;
        let status = query.one_of("status", &LedgerStatus::ALL, LedgerStatus::as_str, false)?;
        let (over_limit, has_debt) = (query.boolean("over_limit")?, query.boolean("has_debt")?);
        let utilization = (fraction(query, "utilization_min")?, fraction(query, "utilization_max")?);
        if let (Some(least), Some(most)) = utilization
            && least > most
        {
            return Err(Problem::invalid("Validation failed: utilization_min: must not be above utilization_max"));
        }
        let search = search(query)?;
        let owner: BudgetOwner = owner(principal, query.get_some("tenant_id"));
        let filters = format!(
            "{owner:?} {scope_prefix:?} {unit:?} {status:?} {over_limit:?} {has_debt:?} {utilization:?} {search:?}"
        );
        let listing = Listing::read(query, &SORT_KEYS, &filters)?;
        let page = self.engine.execute(ListBudgets {
            owner,
            scope_prefix,
            unit,
            status,
            over_limit,
            has_debt,
            utilization,
            search,
            by: listing.by,
            paging: listing.paging.clone(),
        });
        Ok(Reply::ok(listing.write("ledgers", &page, write)))
    }
}

fn funding(operation: &str, amount: runcycles::models::Amount, spent: i64) -> Funding {
    match operation {
        "DEBIT" => Funding::Debit(amount),
        "RESET" => Funding::Reset(amount),
        "RESET_SPENT" => Funding::ResetSpent { allocated: amount, spent: u64::try_from(spent).unwrap_or(0) },
        "REPAY_DEBT" => Funding::RepayDebt(amount),
        _ => Funding::Credit(amount),
    }
}

/// A part of a whole in a query.
fn fraction(query: &Query<'_>, name: &str) -> Result<Option<f64>, Problem> {
    let Some(text) = query.get_some(name) else { return Ok(None) };
    match text.parse::<f64>() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok(Some(part)),
        _ => Err(Problem::invalid(format!("Validation failed: {name}: must be 0 to 1, found {}", shown(text)))),
    }
}

fn check_overage(policy: Option<&Text<'_>>, violations: &mut Violations) -> Option<Overage> {
    let words = Overage::ALL.map(Overage::as_str);
    Overage::from_wire(check_word("commit_overage_policy", policy, &words, violations)?)
}

fn show(ledger: &Ledger) -> Reply {
    Reply::ok(json::object(|object| write(object, ledger)))
}

/// Writes a ledger with all of its figures, zeros included.
fn write(object: &mut Object<'_>, ledger: &Ledger) {
    let Ledger { scope, unit, figures, options, .. } = ledger;
    amount!(object, "allocated", *unit, figures.allocated);
    amount!(object, "remaining", *unit, figures.remaining());
    amount!(object, "reserved", *unit, figures.reserved);
    amount!(object, "spent", *unit, figures.spent);
    amount!(object, "debt", *unit, figures.debt);
    amount!(object, "overdraft_limit", *unit, figures.overdraft_limit);
    object.plain("ledger_id", &ledger.id.to_string());
    object.plain("tenant_id", scope.tenant());
    object.plain("scope", scope.as_str());
    object.plain("scope_path", scope.as_str());
    object.plain("unit", unit.as_str());
    object.flag("is_over_limit", figures.over_limit);
    object.plain("status", ledger.status.as_str());
    text_if(object, "commit_overage_policy", options.overage.map(Overage::as_str));
    text_if(object, "rollover_policy", options.rollover);
    instant_if(object, "period_start", options.period_start);
    instant_if(object, "period_end", options.period_end);
    instant(object, "created_at", ledger.created_at);
    instant_if(object, "updated_at", ledger.updated_at);
}

fn write_funded(object: &mut Object<'_>, operation: &str, unit: Unit, funded: &FundedFigures) {
    let FundedFigures { before, after, at } = funded;
    object.plain("operation", operation);
    amount!(object, "previous_allocated", unit, before.allocated);
    amount!(object, "new_allocated", unit, after.allocated);
    amount!(object, "previous_remaining", unit, before.remaining());
    amount!(object, "new_remaining", unit, after.remaining());
    amount!(object, "previous_debt", unit, before.debt);
    amount!(object, "new_debt", unit, after.debt);
    amount!(object, "previous_spent", unit, before.spent);
    amount!(object, "new_spent", unit, after.spent);
    instant(object, "timestamp", *at);
}

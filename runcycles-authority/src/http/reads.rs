//! Requests that read.

use runcycles::models::Level;

use super::exchange::Reply;
use super::gate::Principal;
use super::problem::Problem;
use super::query::Query;
use super::{answer, cursor};
use crate::engine::{
    BalanceFilter, Caller, Engine, GetReservation, ListBalances, ListReservations, ReservationFilter, ResolveTenant,
    SortBy, Sorting, Status,
};
use crate::fingerprint::Fingerprint;
use crate::state::TenantId;

pub(super) fn get_reservation(engine: &Engine, principal: &Principal, id: &str) -> Result<Reply, Problem> {
    let row = engine.execute(GetReservation { tenant: principal.tenant(), id })?;
    Reply::json(&answer::detail(row)?)
}

pub(super) fn list_reservations(engine: &Engine, principal: &Principal, query: &Query<'_>) -> Result<Reply, Problem> {
    let tenant = tenant_to_list(engine, principal, query)?;
    let limit = query.limit()?;
    let filter = ReservationFilter {
        status: query.one_of("status", &Status::ALL, Status::as_str, false)?,
        key: query.get_some("idempotency_key").map(str::to_owned),
        segments: segments(query),
        created: query.window("from", "to")?,
        expires: query.window("expires_from", "expires_to")?,
        finalized: query.window("finalized_from", "finalized_to")?,
    };
    let by = query.one_of("sort_by", &SortBy::ALL, SortBy::as_str, true)?;
    let is_descending = |descending: bool| if descending { "desc" } else { "asc" };
    let descending = query.one_of("sort_dir", &[true, false], is_descending, true)?;

    let filters = filter_id(&format!("{filter:?}"));
    let (sorting, after) = match query.get_some("cursor") {
        None => (Sorting { by: by.unwrap_or(SortBy::CreatedAt), descending: descending.unwrap_or(true) }, None),
        Some(cursor) => {
            let (sorting, after) = cursor::reservation_after(cursor, &filters, by, descending)?;
            (sorting, Some(after))
        }
    };
    let Some(tenant) = tenant else { return Reply::json(&answer::reservation_page(Vec::new(), None)) };
    let page = engine.execute(ListReservations { tenant, filter, sorting, after, limit });

    let includes = |member: &str| {
        query.get("include").is_some_and(|members| members.split(',').any(|asked| asked.trim() == member))
    };
    let (metadata, committed_metadata) = (includes("metadata"), includes("committed_metadata"));
    let rows = page.reservations.into_iter().map(|row| {
        let mut row = answer::detail(row)?;
        row.metadata = row.metadata.filter(|_| metadata);
        row.committed_metadata = row.committed_metadata.filter(|_| committed_metadata);
        Ok(row)
    });
    let next = page.next.map(|last| cursor::after_reservation(sorting, &filters, last));
    Reply::json(&answer::reservation_page(rows.collect::<Result<_, Problem>>()?, next))
}

pub(super) fn list_balances(engine: &Engine, caller: &Caller, query: &Query<'_>) -> Result<Reply, Problem> {
    let limit = query.limit()?;
    // Budgets below the named scope are always listed.
    query.boolean("include_children")?;
    if !Level::ALL.into_iter().any(|level| query.get_some(level.as_str()).is_some()) {
        let message = "At least one of tenant/workspace/app/workflow/agent/toolset must be provided";
        return Err(Problem::invalid(message));
    }
    check_tenant(caller, query)?;
    let filter = BalanceFilter { segments: segments(query) };
    let filters = filter_id(&format!("{filter:?}"));
    let after = query.get_some("cursor").map(|cursor| cursor::balance_after(cursor, &filters)).transpose()?;
    let page = engine.execute(ListBalances { tenant: caller.tenant, filter, after, limit });
    let next = page.next.map(|last| cursor::after_balance(&filters, &last));
    Ok(Reply::ok(answer::balance_page(&page.balances, next.as_deref())))
}

/// The tenant whose reservations are listed: the caller's own, or the one that an operator names, if it exists.
fn tenant_to_list(engine: &Engine, principal: &Principal, query: &Query<'_>) -> Result<Option<TenantId>, Problem> {
    match (principal, query.get_some("tenant")) {
        (Principal::Tenant(caller), _) => check_tenant(caller, query).map(|()| Some(caller.tenant)),
        (Principal::Operator, Some(id)) => Ok(engine.execute(ResolveTenant { id })),
        (Principal::Operator, None) => {
            Err(Problem::invalid("Validation failed: tenant: must be given with the admin key"))
        }
    }
}

fn check_tenant(caller: &Caller, query: &Query<'_>) -> Result<(), Problem> {
    match query.get_some("tenant") {
        Some(tenant) if tenant != &*caller.tenant_name => Err(Problem::forbidden(
            "Tenant provided in the query does not match tenant resolved from authorization token",
        )),
        _ => Ok(()),
    }
}

/// The levels below the tenant that a query asks for, in the case of paths.
fn segments(query: &Query<'_>) -> Vec<(Level, String)> {
    let below = Level::ALL.into_iter().skip(1);
    below.filter_map(|level| Some((level, query.get_some(level.as_str())?.to_ascii_lowercase()))).collect()
}

/// A short name for a set of filters, for cursors.
fn filter_id(filters: &str) -> String {
    Fingerprint::of_text(filters).short()
}

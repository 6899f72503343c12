//! What is listed once: balances and reservations.

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use runcycles::models::{ListReservationsParams, ReservationDetail, ReservationStatus, SortDirection, SortKey};

use crate::arguments::{Balances, Reservations};
use crate::budget::Budget;
use crate::table::table;

/// Lists budgets.
pub(crate) async fn balances(told: Balances) -> Result<String, Box<dyn Error>> {
    let mut budgets = told.server.clients()?.budgets().await?;
    if let Some(scope) = &told.scope {
        let scope = scope.to_ascii_lowercase();
        budgets.retain(|budget| {
            budget.scope.strip_prefix(&scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        if budgets.is_empty() {
            return Err(format!("no budget at or below {scope:?}: `cycles balances` lists those there are").into());
        }
    }
    budgets.sort_by(|a, b| (&a.scope, &a.unit).cmp(&(&b.scope, &b.unit)));
    if told.json {
        return Ok(serde_json::to_string_pretty(&budgets)? + "\n");
    }
    let row = |budget: &Budget| {
        [
            budget.scope.clone(),
            budget.unit_name().to_owned(),
            budget.show(budget.spent),
            budget.show(budget.reserved),
            budget.left(),
            budget.show(budget.allocated),
            budget.trouble().to_owned(),
        ]
    };
    let rows: Vec<_> = budgets.iter().map(row).collect();
    Ok(table(["SCOPE", "UNIT", "SPENT", "RESERVED", "REMAINING", "ALLOCATED", ""], &rows))
}

/// Lists reservations.
pub(crate) async fn reservations(told: Reservations) -> Result<String, Box<dyn Error>> {
    let most = usize::try_from(told.limit).unwrap_or(usize::MAX);
    let filter = ListReservationsParams::new().limit(told.limit.min(200));
    let mut filter = filter.sort(SortKey::CreatedAt, SortDirection::Descending);
    if let Some(status) = &told.status {
        let status = ReservationStatus::from(status.to_ascii_uppercase().as_str());
        let known = [
            ReservationStatus::Active,
            ReservationStatus::Committed,
            ReservationStatus::Released,
            ReservationStatus::Expired,
        ];
        if !known.contains(&status) {
            return Err(format!("unknown status {status:?}: expected ACTIVE, COMMITTED, RELEASED or EXPIRED").into());
        }
        filter = filter.status(status);
    }
    if let Some(tenant) = told.server.tenant() {
        filter = filter.within(runcycles::Scope::tenant(tenant));
    }
    let reservations = told.server.clients()?.reservations(filter, most).await?;
    if told.json {
        return Ok(serde_json::to_string_pretty(&reservations)? + "\n");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let now = u64::try_from(now).unwrap_or(u64::MAX);
    let rows: Vec<_> = reservations.iter().map(|reservation| row(reservation, now)).collect();
    Ok(table(["RESERVATION", "STATUS", "AGE", "RESERVED", "COMMITTED", "ACTION", "SCOPE"], &rows))
}

fn row(reservation: &ReservationDetail, now: u64) -> [String; 7] {
    let action = &reservation.action;
    [
        reservation.reservation_id.to_string(),
        reservation.status.to_string(),
        age(now.saturating_sub(reservation.created_at_ms)),
        reservation.reserved.to_string(),
        reservation.committed.as_ref().map(ToString::to_string).unwrap_or_default(),
        format!("{} {}", action.kind, action.name),
        reservation.scope_path.clone(),
    ]
}

/// A time that has passed, as people say it.
fn age(millis: u64) -> String {
    match millis / 1_000 {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7_200 => format!("{}m", seconds / 60),
        seconds @ 7_200..172_800 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn an_age_is_told_in_the_largest_unit_that_says_enough() {
        assert_eq!([0, 119_999, 120_000, 7_200_000, 172_800_000].map(age), ["0s", "119s", "2m", "2h", "2d"]);
    }
}

//! Cursors: where the next page of a list starts.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::problem::Problem;
use crate::engine::{SortBy, SortValue, Sorting};
use crate::unit::Unit;

/// A place in a sorted list, bound to its order and filters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowCursor {
    sort_by: String,
    descending: bool,
    filters: String,
    value: CursorValue,
    id: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum CursorValue {
    Number(u64),
    Text(String),
}

impl From<SortValue> for CursorValue {
    fn from(value: SortValue) -> Self {
        match value {
            SortValue::Number(number) => Self::Number(number),
            SortValue::Text(text) => Self::Text(text),
        }
    }
}

impl From<CursorValue> for SortValue {
    fn from(value: CursorValue) -> Self {
        match value {
            CursorValue::Number(number) => Self::Number(number),
            CursorValue::Text(text) => Self::Text(text),
        }
    }
}

impl RowCursor {
    /// Refuses a cursor of a list with other filters or in another order.
    fn check(&self, filters: &str, same_key: bool, descending: Option<bool>) -> Result<(), Problem> {
        let same_order = same_key && descending.is_none_or(|given| given == self.descending);
        if same_order && self.filters == filters { Ok(()) } else { Err(foreign()) }
    }
}

/// A place in a list of the admin plane.
pub(super) struct AdminPlace {
    pub(super) by: &'static str,
    pub(super) descending: bool,
    pub(super) after: (SortValue, String),
}

/// The cursor after a row of a list of the admin plane.
pub(super) fn after_admin_row(by: &str, descending: bool, filters: &str, (value, id): &(SortValue, String)) -> String {
    encode(&RowCursor {
        sort_by: by.to_owned(),
        descending,
        filters: filters.to_owned(),
        value: value.clone().into(),
        id: id.clone(),
    })
}

/// The row that a list of the admin plane starts after.
pub(super) fn admin_after(
    cursor: &str,
    filters: &str,
    sort_keys: &[&'static str],
    by: Option<&str>,
    descending: Option<bool>,
) -> Result<AdminPlace, Problem> {
    let cursor: RowCursor = decode(cursor)?;
    let sort_by = sort_keys.iter().copied().find(|key| *key == cursor.sort_by).ok_or_else(damaged)?;
    cursor.check(filters, by.is_none_or(|by| by == sort_by), descending)?;
    Ok(AdminPlace { by: sort_by, descending: cursor.descending, after: (cursor.value.into(), cursor.id) })
}

/// A place in a list of balances, bound to its filters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BalanceCursor {
    filters: String,
    scope: String,
    unit: String,
}

/// The cursor after a row of a list of reservations.
pub(super) fn after_reservation(sorting: Sorting, filters: &str, (value, id): (SortValue, Uuid)) -> String {
    encode(&RowCursor {
        sort_by: sorting.by.as_str().to_owned(),
        descending: sorting.descending,
        filters: filters.to_owned(),
        value: value.into(),
        id: id.to_string(),
    })
}

/// The order of the list that a cursor continues, and the row it starts after.
///
/// A cursor carries its order, which need not be given again, but must not differ where it is.
pub(super) fn reservation_after(
    cursor: &str,
    filters: &str,
    by: Option<SortBy>,
    descending: Option<bool>,
) -> Result<(Sorting, (SortValue, Uuid)), Problem> {
    let cursor: RowCursor = decode(cursor)?;
    let sort_by = SortBy::ALL.into_iter().find(|by| by.as_str() == cursor.sort_by).ok_or_else(damaged)?;
    cursor.check(filters, by.is_none_or(|by| by == sort_by), descending)?;
    let id = Uuid::try_parse(&cursor.id).map_err(|_| damaged())?;
    Ok((Sorting { by: sort_by, descending: cursor.descending }, (cursor.value.into(), id)))
}

/// The cursor after a row of a list of balances.
pub(super) fn after_balance(filters: &str, (scope, unit): &(Arc<str>, Unit)) -> String {
    let (filters, scope, unit) = (filters.to_owned(), scope.to_string(), unit.as_str().to_owned());
    encode(&BalanceCursor { filters, scope, unit })
}

/// The row that a list of balances starts after.
pub(super) fn balance_after(cursor: &str, filters: &str) -> Result<(Arc<str>, Unit), Problem> {
    let cursor: BalanceCursor = decode(cursor)?;
    if cursor.filters != filters {
        return Err(foreign());
    }
    Ok((cursor.scope.into(), Unit::from_wire(&cursor.unit).ok_or_else(damaged)?))
}

fn encode(cursor: &impl Serialize) -> String {
    // Strings and numbers always serialise.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

fn decode<T: for<'de> Deserialize<'de>>(cursor: &str) -> Result<T, Problem> {
    let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| damaged())?;
    serde_json::from_slice(&json).map_err(|_| damaged())
}

fn damaged() -> Problem {
    Problem::invalid("cursor contains an invalid sorted-list boundary")
}

fn foreign() -> Problem {
    Problem::invalid(
        "cursor is not valid for the requested sort_by / sort_dir / filters; reset cursor when any of these change",
    )
}

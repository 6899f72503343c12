//! Cursors: where the next page of a list starts.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::problem::Problem;
use crate::engine::{SortBy, SortValue, Sorting};
use crate::unit::Unit;

/// A place in a list of reservations, bound to its order and filters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReservationCursor {
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
    encode(&ReservationCursor {
        sort_by: sorting.by.as_str().to_owned(),
        descending: sorting.descending,
        filters: filters.to_owned(),
        value: match value {
            SortValue::Number(number) => CursorValue::Number(number),
            SortValue::Text(text) => CursorValue::Text(text),
        },
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
    let cursor: ReservationCursor = decode(cursor)?;
    let sort_by = SortBy::ALL.into_iter().find(|by| by.as_str() == cursor.sort_by).ok_or_else(damaged)?;
    let same_order = by.is_none_or(|by| by == sort_by) && descending.is_none_or(|given| given == cursor.descending);
    if !same_order || cursor.filters != filters {
        return Err(foreign());
    }
    let value = match cursor.value {
        CursorValue::Number(number) => SortValue::Number(number),
        CursorValue::Text(text) => SortValue::Text(text),
    };
    let id = Uuid::try_parse(&cursor.id).map_err(|_| damaged())?;
    Ok((Sorting { by: sort_by, descending: cursor.descending }, (value, id)))
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

//! What the lists of the admin plane have in common.

use bytes::Bytes;

use crate::engine::admin::{Page, Paging};
use crate::fingerprint::Fingerprint;
use crate::http::cursor;
use crate::http::json::{self, Object};
use crate::http::problem::Problem;
use crate::http::query::Query;

/// The rows of a page where nobody says how many.
const DEFAULT_LIMIT: usize = 50;
/// The rows of a page at most; more are cut, not refused.
const MOST: usize = 100;

/// The order of a list, what it is filtered by, and the page that is asked for.
pub(in crate::http) struct Listing {
    pub(in crate::http) by: &'static str,
    pub(in crate::http) paging: Paging,
    filters: String,
}

impl Listing {
    /// Reads `sort_by`, `sort_dir`, `cursor` and `limit`. The first of the sort keys is the default.
    pub(in crate::http) fn read(query: &Query<'_>, sort_keys: &[&'static str], filters: &str) -> Result<Self, Problem> {
        let by = query.one_of("sort_by", sort_keys, |key| key, true)?;
        let is_descending = |descending: bool| if descending { "desc" } else { "asc" };
        let descending = query.one_of("sort_dir", &[true, false], is_descending, true)?;
        let limit = match query.get_some("limit").map(str::parse::<usize>) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) => limit.clamp(1, MOST),
            Some(Err(_)) => return Err(Problem::invalid("Validation failed: limit: must be 1 to 100")),
        };
        let filters = Fingerprint::of_text(filters).short();
        let (by, descending, after) = match query.get_some("cursor") {
            None => (by.unwrap_or(sort_keys[0]), descending.unwrap_or(true), None),
            Some(text) => {
                let place = cursor::admin_after(text, &filters, sort_keys, by, descending)?;
                (place.by, place.descending, Some(place.after))
            }
        };
        Ok(Self { by, paging: Paging { descending, after, limit }, filters })
    }

    /// Writes a page.
    pub(in crate::http) fn write<T>(
        &self,
        name: &'static str,
        page: &Page<T>,
        row: impl Fn(&mut Object<'_>, &T),
    ) -> Bytes {
        json::object(|answer| {
            answer.objects(name, page.rows.iter(), row);
            if let Some(last) = &page.next {
                let next = cursor::after_admin_row(self.by, self.paging.descending, &self.filters, last);
                answer.text("next_cursor", &next);
            }
            answer.flag("has_more", page.next.is_some());
        })
    }
}

/// A text to search for, lower-case.
pub(in crate::http) fn search(query: &Query<'_>) -> Result<Option<String>, Problem> {
    match query.get("search").filter(|text| !text.is_empty()) {
        Some(text) if text.chars().count() > 128 => {
            Err(Problem::invalid("Validation failed: search: must have at most 128 characters"))
        }
        text => Ok(text.map(str::to_lowercase)),
    }
}

//! Lists of reservations.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use runcycles::models::Level;
use uuid::Uuid;

use super::Command;
use crate::clock::Millis;
use crate::scope::segments;
use crate::state::{Key, Phase, Reservation, State, TenantId};

/// Reads a page of a tenant's reservations.
#[derive(Debug)]
pub(crate) struct ListReservations {
    pub(crate) tenant: TenantId,
    pub(crate) filter: ReservationFilter,
    pub(crate) sorting: Sorting,
    /// The last row of the page before.
    pub(crate) after: Option<(SortValue, Uuid)>,
    pub(crate) limit: usize,
}

/// Which reservations; what is absent matches all.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReservationFilter {
    pub(crate) status: Option<Status>,
    pub(crate) key: Option<String>,
    /// Segments of the scope, lower-case.
    pub(crate) segments: Vec<(Level, String)>,
    pub(crate) created: Option<RangeInclusive<Millis>>,
    pub(crate) expires: Option<RangeInclusive<Millis>>,
    pub(crate) finalized: Option<RangeInclusive<Millis>>,
}

/// The state of a reservation, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Committed,
    Released,
    Expired,
}

impl Status {
    pub(crate) const ALL: [Self; 4] = [Self::Active, Self::Committed, Self::Released, Self::Expired];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Committed => "COMMITTED",
            Self::Released => "RELEASED",
            Self::Expired => "EXPIRED",
        }
    }

    pub(crate) fn of(phase: &Phase) -> Self {
        match phase {
            Phase::Active => Self::Active,
            Phase::Committed(_) => Self::Committed,
            Phase::Released(_) => Self::Released,
            Phase::Expired { .. } => Self::Expired,
        }
    }
}

/// The order of a list. Rows with the same value are in the order of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sorting {
    pub(crate) by: SortBy,
    pub(crate) descending: bool,
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortBy {
    ReservationId,
    Tenant,
    ScopePath,
    Status,
    Reserved,
    CreatedAt,
    ExpiresAt,
}

impl SortBy {
    pub(crate) const ALL: [Self; 7] = [
        Self::ReservationId,
        Self::Tenant,
        Self::ScopePath,
        Self::Status,
        Self::Reserved,
        Self::CreatedAt,
        Self::ExpiresAt,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ReservationId => "reservation_id",
            Self::Tenant => "tenant",
            Self::ScopePath => "scope_path",
            Self::Status => "status",
            Self::Reserved => "reserved",
            Self::CreatedAt => "created_at_ms",
            Self::ExpiresAt => "expires_at_ms",
        }
    }
}

/// A row's value of what a list is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SortValue {
    Number(u64),
    Text(String),
}

/// A page of reservations.
#[derive(Debug)]
pub(crate) struct ReservationPage {
    pub(crate) reservations: Vec<Reservation>,
    /// Where the next page starts, if there is one.
    pub(crate) next: Option<(SortValue, Uuid)>,
}

impl Command for ListReservations {
    type Outcome = ReservationPage;

    fn apply(self, state: &mut State, _now: Millis) -> ReservationPage {
        let mut rows = match (self.few(state), self.sorting.by) {
            (Some(few), _) => self.first_of(few.into_iter()),
            (None, SortBy::CreatedAt) => self.by_creation(state),
            (None, _) => self.by_value(state),
        };
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| has_more).map(|row| (value_of(row, self.sorting.by), row.id));
        ReservationPage { reservations: rows.into_iter().cloned().collect(), next }
    }
}

impl ListReservations {
    /// The reservations that can match, where an index has them and they need not be looked for among all.
    fn few<'s>(&self, state: &'s State) -> Option<Vec<&'s Reservation>> {
        let rows = state.reservations();
        let (from, to) = self.created();
        let few: Vec<_> = match (&self.filter.key, self.filter.status) {
            (Some(key), _) => rows.with_key(self.tenant, &Key::from(key.as_str())).collect(),
            (None, Some(Status::Active)) => rows.live().filter(|row| row.tenant == self.tenant).collect(),
            (None, _) => return None,
        };
        Some(few.into_iter().filter(|row| (from..=to).contains(&row.created_at)).collect())
    }

    /// The rows of a page and possibly more, read in the order of creation until the page is full.
    fn by_creation<'s>(&self, state: &'s State) -> Vec<&'s Reservation> {
        let (mut from, mut to) = self.created();
        match self.after {
            Some((SortValue::Number(last), _)) if self.sorting.descending => to = to.min(last),
            Some((SortValue::Number(last), _)) => from = from.max(last),
            _ => {}
        }
        let mut rows: Vec<&Reservation> = Vec::new();
        if from > to {
            return rows;
        }
        // Rows made at the same time are read to their end before the page is cut, since it orders them by id.
        let mut take = |row: &'s Reservation| {
            let page_is_full =
                rows.len() > self.limit && rows.last().is_some_and(|last| last.created_at != row.created_at);
            if !page_is_full && self.matches(row) {
                rows.push(row);
            }
            !page_is_full
        };
        let all = state.reservations().of_tenant(self.tenant, from, to);
        if self.sorting.descending {
            all.rev().all(&mut take)
        } else {
            all.into_iter().all(&mut take)
        };
        rows.sort_by(|a, b| self.order(a, b));
        rows
    }

    /// The first rows of all that match, one more than a page has.
    fn by_value<'s>(&self, state: &'s State) -> Vec<&'s Reservation> {
        let (from, to) = self.created();
        if from > to {
            return Vec::new();
        }
        self.first_of(state.reservations().of_tenant(self.tenant, from, to))
    }

    /// The first rows of those that match, one more than a page has.
    fn first_of<'s>(&self, rows: impl Iterator<Item = &'s Reservation>) -> Vec<&'s Reservation> {
        let mut rows: Vec<_> = rows.filter(|row| self.matches(row)).collect();
        if rows.len() > self.limit {
            rows.select_nth_unstable_by(self.limit, |a, b| self.order(a, b));
            rows.truncate(self.limit + 1);
        }
        rows.sort_by(|a, b| self.order(a, b));
        rows
    }

    fn created(&self) -> (Millis, Millis) {
        self.filter.created.clone().map_or((0, Millis::MAX), RangeInclusive::into_inner)
    }

    fn matches(&self, row: &Reservation) -> bool {
        let ReservationFilter { status, key, segments: wanted, created: _, expires, finalized } = &self.filter;
        let finalized_at = match &row.phase {
            Phase::Committed(settlement) | Phase::Released(settlement) => Some(settlement.at),
            Phase::Active | Phase::Expired { .. } => None,
        };
        let is_in = |range: &RangeInclusive<Millis>, at: Option<Millis>| at.is_some_and(|at| range.contains(&at));
        status.is_none_or(|status| status == Status::of(&row.phase))
            && key.as_deref().is_none_or(|key| row.key == *key)
            && has_segments(row.scope.as_str(), wanted)
            && expires.as_ref().is_none_or(|range| is_in(range, Some(row.expires_at)))
            && finalized.as_ref().is_none_or(|range| is_in(range, finalized_at))
            && self.is_after(row)
    }

    /// Whether a row comes after the last one of the page before.
    fn is_after(&self, row: &Reservation) -> bool {
        let Some((value, id)) = &self.after else { return true };
        self.direct(value_of(row, self.sorting.by).cmp(value)).then(row.id.cmp(id)) == Ordering::Greater
    }

    fn order(&self, a: &Reservation, b: &Reservation) -> Ordering {
        let by = self.sorting.by;
        let values = match by {
            SortBy::ReservationId | SortBy::Tenant => value_of(a, by).cmp(&value_of(b, by)),
            SortBy::ScopePath => a.scope.as_str().cmp(b.scope.as_str()),
            SortBy::Status => Status::of(&a.phase).as_str().cmp(Status::of(&b.phase).as_str()),
            SortBy::Reserved => a.estimate.cmp(&b.estimate),
            SortBy::CreatedAt => a.created_at.cmp(&b.created_at),
            SortBy::ExpiresAt => a.expires_at.cmp(&b.expires_at),
        };
        self.direct(values).then(a.id.cmp(&b.id))
    }

    fn direct(&self, ordering: Ordering) -> Ordering {
        if self.sorting.descending { ordering.reverse() } else { ordering }
    }
}

/// Whether a path has each of the segments.
pub(super) fn has_segments(path: &str, wanted: &[(Level, String)]) -> bool {
    wanted.iter().all(|(level, value)| segments(path).any(|(found, has)| found == *level && has == value))
}

fn value_of(row: &Reservation, by: SortBy) -> SortValue {
    match by {
        SortBy::ReservationId => SortValue::Text(row.id.to_string()),
        // A list is of one tenant.
        SortBy::Tenant => SortValue::Text(String::new()),
        SortBy::ScopePath => SortValue::Text(row.scope.as_str().to_owned()),
        SortBy::Status => SortValue::Text(Status::of(&row.phase).as_str().to_owned()),
        SortBy::Reserved => SortValue::Number(u64::try_from(row.estimate).unwrap_or(0)),
        SortBy::CreatedAt => SortValue::Number(row.created_at),
        SortBy::ExpiresAt => SortValue::Number(row.expires_at),
    }
}

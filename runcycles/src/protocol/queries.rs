//! Filters of the list endpoints.

use super::string_enum::string_enum;
use super::timestamp::Timestamp;
use super::validation::{ValidationError, check_range};
use super::{IdempotencyKey, Level, ReservationStatus, Subject};

string_enum! {
    /// What a list of reservations is sorted by.
    pub enum SortKey {
        /// The reservation's id.
        ReservationId = "reservation_id",
        /// The tenant.
        Tenant = "tenant",
        /// The innermost scope.
        ScopePath = "scope_path",
        /// The state.
        Status = "status",
        /// The reserved number.
        Reserved = "reserved",
        /// The time of creation.
        CreatedAt = "created_at_ms",
        /// The time of expiry.
        ExpiresAt = "expires_at_ms",
    }
}

string_enum! {
    /// Which end of a sorted list comes first (protocol: `SortDirection`).
    pub enum SortDirection {
        /// The least.
        Ascending = "asc",
        /// The greatest.
        Descending = "desc",
    }
}

string_enum! {
    /// A member that a list of reservations carries only on request.
    pub enum Include {
        /// Metadata of the reservation.
        Metadata = "metadata",
        /// Metadata of the commit.
        CommittedMetadata = "committed_metadata",
        /// References to signed evidence.
        Evidence = "evidence",
    }
}

/// Pairs of a query string, in order.
pub(crate) type QueryPairs = Vec<(&'static str, String)>;

/// Which reservations to list (protocol: `GET /v1/reservations`). Filters combine with *and*.
///
/// ```
/// use runcycles::{Scope, models::{ListReservationsParams, ReservationStatus, SortDirection, SortKey}};
///
/// let params = ListReservationsParams::new()
///     .status(ReservationStatus::Active)
///     .within(Scope::tenant("acme").agent("bot"))
///     .sort(SortKey::CreatedAt, SortDirection::Descending)
///     .limit(100);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListReservationsParams {
    pairs: QueryPairs,
    limit: Option<u32>,
    cursor: Option<String>,
}

impl ListReservationsParams {
    /// Every reservation of the tenant.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those in a state.
    pub fn status(self, status: ReservationStatus) -> Self {
        self.pair("status", status.as_str())
    }

    /// The one made with a key.
    pub fn idempotency_key(self, key: &IdempotencyKey) -> Self {
        self.pair("idempotency_key", key.as_str())
    }

    /// Those whose scope has each of these levels. Dimensions are not filtered by.
    pub fn within(mut self, scope: impl Into<Subject>) -> Self {
        push_levels(&mut self.pairs, &scope.into());
        self
    }

    /// Those created at or after a time.
    pub fn created_from(self, time: impl Into<Timestamp>) -> Self {
        self.pair("from", time.into())
    }

    /// Those created at or before a time.
    pub fn created_to(self, time: impl Into<Timestamp>) -> Self {
        self.pair("to", time.into())
    }

    /// Those that lapse at or after a time.
    pub fn expires_from(self, time: impl Into<Timestamp>) -> Self {
        self.pair("expires_from", time.into())
    }

    /// Those that lapse at or before a time.
    pub fn expires_to(self, time: impl Into<Timestamp>) -> Self {
        self.pair("expires_to", time.into())
    }

    /// Those committed or released at or after a time.
    pub fn finalized_from(self, time: impl Into<Timestamp>) -> Self {
        self.pair("finalized_from", time.into())
    }

    /// Those committed or released at or before a time.
    pub fn finalized_to(self, time: impl Into<Timestamp>) -> Self {
        self.pair("finalized_to", time.into())
    }

    /// The order of the list; the server's own by default.
    pub fn sort(self, key: SortKey, direction: SortDirection) -> Self {
        self.pair("sort_by", key.as_str()).pair("sort_dir", direction.as_str())
    }

    /// Members to carry that a list leaves out by default.
    pub fn include(self, members: impl IntoIterator<Item = Include>) -> Self {
        let members: Vec<_> = members.into_iter().map(|member| member.to_string()).collect();
        self.pair("include", members.join(","))
    }

    /// The size of a page: 1 to 200; 50 by default.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Where the page starts: the `next_cursor` of the one before, with the same filters.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    fn pair(mut self, name: &'static str, value: impl ToString) -> Self {
        self.pairs.push((name, value.to_string()));
        self
    }

    /// The query string's pairs.
    pub(crate) fn to_pairs(&self) -> Result<QueryPairs, ValidationError> {
        with_page(self.pairs.clone(), self.limit, self.cursor.as_ref())
    }
}

/// Which balances to list (protocol: `GET /v1/balances`).
///
/// ```
/// use runcycles::{Scope, models::BalanceParams};
///
/// let params = BalanceParams::within(Scope::tenant("acme"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceParams {
    pairs: QueryPairs,
    limit: Option<u32>,
    cursor: Option<String>,
}

impl BalanceParams {
    /// Every budget whose scope has each of these levels, at any depth and in any unit.
    pub fn within(scope: impl Into<Subject>) -> Self {
        let mut pairs = QueryPairs::new();
        push_levels(&mut pairs, &scope.into());
        Self { pairs, limit: None, cursor: None }
    }

    /// Whether to list budgets below the named scope too. The reference server always does.
    pub fn include_children(mut self, include: bool) -> Self {
        self.pairs.push(("include_children", include.to_string()));
        self
    }

    /// The size of a page: 1 to 200; 50 by default.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Where the page starts: the `next_cursor` of the one before.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    /// The query string's pairs.
    pub(crate) fn to_pairs(&self) -> Result<QueryPairs, ValidationError> {
        if !self.pairs.iter().any(|(name, _)| Level::ALL.iter().any(|level| level.as_str() == *name)) {
            return Err(ValidationError::new("balances", "no filter", "at least one level, such as a tenant"));
        }
        with_page(self.pairs.clone(), self.limit, self.cursor.as_ref())
    }
}

fn push_levels(pairs: &mut QueryPairs, subject: &Subject) {
    for level in Level::ALL {
        if let Some(value) = subject.level(level) {
            pairs.push((level.as_str(), value.to_owned()));
        }
    }
}

fn with_page(
    mut pairs: QueryPairs,
    limit: Option<u32>,
    cursor: Option<&String>,
) -> Result<QueryPairs, ValidationError> {
    if let Some(limit) = limit {
        check_range("limit", u64::from(limit), 1..=200)?;
        pairs.push(("limit", limit.to_string()));
    }
    if let Some(cursor) = cursor {
        pairs.push(("cursor", cursor.clone()));
    }
    Ok(pairs)
}

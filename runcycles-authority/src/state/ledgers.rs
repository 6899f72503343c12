//! Ledgers: one budget in one unit at one scope.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use runcycles::models::{Caps, Level};
use uuid::Uuid;

use super::{Overage, Posting, TenantId};
use crate::clock::Millis;
use crate::scope::{ScopePath, segments};
use crate::unit::Unit;

/// A ledger's place in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LedgerId(pub(crate) u32);

/// A budget and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) scope: ScopePath,
    pub(crate) unit: Unit,
    pub(crate) figures: Figures,
    pub(crate) status: LedgerStatus,
    /// Limits that come with every reservation whose innermost scope this is.
    pub(crate) caps: Option<Arc<Caps>>,
    pub(crate) options: LedgerOptions,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Option<Millis>,
}

/// What can be said about the end of a budget's period.
pub(crate) const ROLLOVER_POLICIES: [&str; 3] = ["NONE", "CARRY_FORWARD", "CAP_AT_ALLOCATED"];

/// What is kept of a budget and shown; nothing is decided by it, except that policies of budgets apply where policies do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LedgerOptions {
    pub(crate) overage: Option<Overage>,
    /// One of [`ROLLOVER_POLICIES`].
    pub(crate) rollover: Option<&'static str>,
    pub(crate) period_start: Option<Millis>,
    pub(crate) period_end: Option<Millis>,
}

/// Whether a budget takes reservations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LedgerStatus {
    Active,
    /// Not until an operator unfreezes it; work in flight still settles.
    Frozen,
    /// Never again.
    Closed,
}

impl LedgerStatus {
    pub(crate) const ALL: [Self; 3] = [Self::Active, Self::Frozen, Self::Closed];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Frozen => "FROZEN",
            Self::Closed => "CLOSED",
        }
    }
}

/// The numbers of a ledger, none of them negative.
///
/// What remains is always derived from the others, so that `remaining = allocated − spent − reserved − debt` holds by
/// construction. Every change goes through [`checked`](Self::checked), so that what remains fits the protocol's int64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) allocated: i64,
    pub(crate) spent: i64,
    pub(crate) reserved: i64,
    pub(crate) debt: i64,
    pub(crate) overdraft_limit: i64,
    pub(crate) over_limit: bool,
}

impl Figures {
    /// What is left; negative in overdraft.
    pub(crate) fn remaining(&self) -> i64 {
        // Cannot be out of range in a ledger, whose figures are checked.
        i64::try_from(self.wide_remaining()).unwrap_or(i64::MIN)
    }

    /// These figures, if none is negative and what remains fits an int64.
    pub(crate) fn checked(self) -> Option<Self> {
        let not_negative = [self.allocated, self.spent, self.reserved, self.debt, self.overdraft_limit];
        (not_negative.iter().all(|figure| *figure >= 0) && i64::try_from(self.wide_remaining()).is_ok()).then_some(self)
    }

    fn wide_remaining(&self) -> i128 {
        i128::from(self.allocated) - i128::from(self.spent) - i128::from(self.reserved) - i128::from(self.debt)
    }
}

/// The ledgers of one scope, by unit.
type Slots = [Option<LedgerId>; Unit::ALL.len()];

/// The table of ledgers. Ledgers are never removed.
#[derive(Debug, Default)]
pub(crate) struct Ledgers {
    rows: Vec<Ledger>,
    by_scope: HashMap<Arc<str>, Slots>,
    /// Every ledger in the order of lists.
    ordered: BTreeMap<(TenantId, Arc<str>, Unit), LedgerId>,
    /// The ledgers whose scope has a segment below the tenant, for lists that ask for one.
    by_segment: HashMap<(TenantId, Level, Box<str>), Vec<LedgerId>>,
}

impl Ledgers {
    pub(crate) fn get(&self, id: LedgerId) -> &Ledger {
        &self.rows[id.0 as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Ledger> {
        self.rows.iter()
    }

    /// A tenant's ledgers, by scope and unit.
    pub(crate) fn of_tenant(&self, tenant: TenantId) -> impl Iterator<Item = LedgerId> {
        self.of_tenant_after(tenant, None)
    }

    /// The ledger of a scope in a unit.
    pub(crate) fn find(&self, scope: &str, unit: Unit) -> Option<LedgerId> {
        self.by_scope.get(scope)?[unit as usize]
    }

    /// The ledgers of a scope, in the order of units.
    pub(crate) fn at_scope(&self, scope: &str) -> impl Iterator<Item = LedgerId> {
        self.by_scope.get(scope).into_iter().flat_map(|slots| slots.iter().flatten().copied())
    }

    /// A tenant's ledgers in the order of lists, from after a scope and unit.
    pub(crate) fn of_tenant_after(
        &self,
        tenant: TenantId,
        after: Option<(Arc<str>, Unit)>,
    ) -> impl Iterator<Item = LedgerId> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let start = match after {
            Some((scope, unit)) => Excluded((tenant, scope, unit)),
            None => Included((tenant, Arc::from(""), Unit::ALL[0])),
        };
        let rows = self.ordered.range((start, Unbounded));
        rows.take_while(move |((owner, _, _), _)| *owner == tenant).map(|(_, id)| *id)
    }

    /// A tenant's ledgers whose scope has a segment below the tenant, in no order.
    pub(crate) fn with_segment(&self, tenant: TenantId, level: Level, value: &str) -> &[LedgerId] {
        self.by_segment.get(&(tenant, level, Box::from(value))).map_or(&[], Vec::as_slice)
    }

    /// A path as the innermost of these ledgers has it, where it stands there, so that many reservations share one text.
    pub(crate) fn share_scope(&self, path: ScopePath, held: &[Posting]) -> ScopePath {
        let innermost = held.last().map(|posting| &self.get(posting.ledger).scope);
        innermost.filter(|scope| **scope == path).cloned().unwrap_or(path)
    }

    pub(super) fn contains(&self, id: LedgerId) -> bool {
        (id.0 as usize) < self.rows.len()
    }

    pub(super) fn get_mut(&mut self, id: LedgerId) -> &mut Ledger {
        &mut self.rows[id.0 as usize]
    }

    /// Adds a ledger in the next place.
    pub(super) fn insert(&mut self, ledger: Ledger) -> LedgerId {
        let id = LedgerId(u32::try_from(self.rows.len()).expect("fewer than four billion ledgers"));
        let scope = ledger.scope.shared();
        self.by_scope.entry(scope.clone()).or_default()[ledger.unit as usize] = Some(id);
        self.ordered.insert((ledger.tenant, scope.clone(), ledger.unit), id);
        for (level, value) in segments(scope).skip(1) {
            self.by_segment.entry((ledger.tenant, level, Box::from(value))).or_default().push(id);
        }
        self.rows.push(ledger);
        id
    }
}

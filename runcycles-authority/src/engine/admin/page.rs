//! Pages of the admin plane's lists.

use std::cmp::Ordering;

use crate::engine::SortValue;

/// Which part of a list, in which order. Rows with the same value are in the order of their ids.
#[derive(Clone, Debug)]
pub(crate) struct Paging {
    pub(crate) descending: bool,
    /// The value and id of the last row of the page before.
    pub(crate) after: Option<(SortValue, String)>,
    pub(crate) limit: usize,
}

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    /// Where the next page starts, if there is one.
    pub(crate) next: Option<(SortValue, String)>,
}

impl Paging {
    /// Cuts a page out of all rows that match.
    pub(crate) fn cut<'s, T: Clone + 's>(
        &self,
        rows: impl Iterator<Item = &'s T>,
        place: impl Fn(&T) -> (SortValue, String),
    ) -> Page<T> {
        let placed = rows.map(|row| (place(row), row));
        let mut placed: Vec<_> = placed.filter(|(place, _)| self.is_after(place)).collect();
        if placed.len() > self.limit {
            placed.select_nth_unstable_by(self.limit, |(a, _), (b, _)| self.order(a, b));
            placed.truncate(self.limit + 1);
        }
        placed.sort_by(|(a, _), (b, _)| self.order(a, b));
        let has_more = placed.len() > self.limit;
        placed.truncate(self.limit);
        let next = placed.last().filter(|_| has_more).map(|(place, _)| place.clone());
        Page { rows: placed.into_iter().map(|(_, row)| row.clone()).collect(), next }
    }

    fn is_after(&self, place: &(SortValue, String)) -> bool {
        self.after.as_ref().is_none_or(|after| self.order(place, after) == Ordering::Greater)
    }

    fn order(&self, a: &(SortValue, String), b: &(SortValue, String)) -> Ordering {
        let values = a.0.cmp(&b.0);
        let values = if self.descending { values.reverse() } else { values };
        values.then_with(|| a.1.cmp(&b.1))
    }
}

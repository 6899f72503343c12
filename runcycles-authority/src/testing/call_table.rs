//! Calls as a table, for people who look at a test that failed.

use std::fmt::{self, Write as _};

use super::recorded_call::RecordedCall;

/// Rows beyond these are left out from the front: what happened last explains most.
const MOST_ROWS: usize = 60;

const COLUMNS: usize = 6;

/// Calls as a table.
pub(super) struct CallTable<'a> {
    calls: &'a [RecordedCall],
    marked: &'a [usize],
}

impl<'a> CallTable<'a> {
    pub(super) fn new(calls: &'a [RecordedCall]) -> Self {
        Self { calls, marked: &[] }
    }

    /// Marks the calls at some places, in rising order.
    pub(super) fn mark(self, marked: &'a [usize]) -> Self {
        Self { marked, ..self }
    }
}

fn cells(recorded: &RecordedCall) -> [String; COLUMNS] {
    let amount = |amount: &Option<_>| amount.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut call = recorded.call.to_string();
    if recorded.dry_run {
        call.push_str(" (dry run)");
    }
    let mut scope = recorded.scope();
    if let Some(subject) = &recorded.subject {
        for (name, value) in &subject.dimensions {
            let _ = write!(scope, " {name}={value}");
        }
    }
    let mut answer = recorded.answer();
    if recorded.attempts > 1 {
        let _ = write!(answer, ", {} attempts", recorded.attempts);
    }
    let action = format!("{} {}", recorded.kind(), recorded.name()).trim().to_owned();
    [call, scope, action, amount(&recorded.estimate), amount(&recorded.actual), answer]
}

impl fmt::Display for CallTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped = self.calls.len().saturating_sub(MOST_ROWS);
        let head = ["call", "scope", "action", "estimate", "actual", "answer"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(head).chain(self.calls[skipped..].iter().map(cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        let digits = self.calls.len().to_string().len();
        if skipped > 0 {
            writeln!(f, "… {skipped} earlier …")?;
        }
        for (at, row) in rows.iter().enumerate() {
            let place = (at > 0).then(|| skipped + at - 1);
            let mark = if place.is_some_and(|place| self.marked.binary_search(&place).is_ok()) { '>' } else { ' ' };
            let number = place.map(|place| (place + 1).to_string()).unwrap_or_default();
            let mut line = format!("{mark} {number:>digits$}");
            for (cell, width) in row.iter().zip(widths) {
                let _ = write!(line, "  {cell:width$}");
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

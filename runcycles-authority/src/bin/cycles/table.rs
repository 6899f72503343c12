//! Rows with columns.

use crate::terminal::columns;

/// A heading and rows, each column as wide as its widest cell: the first to the left, the others to the right.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().map(|row| columns(&row[at]));
        cells.chain([columns(heading[at])]).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for row in std::iter::once(&heading.map(str::to_owned)).chain(rows) {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            let padding = " ".repeat(width - columns(cell));
            let parts = if at == 0 { ["", cell.as_str(), &padding] } else { ["  ", &padding, cell] };
            line.extend(parts);
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}

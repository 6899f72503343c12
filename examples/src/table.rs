//! Lines with columns.

use std::fmt::Write as _;

use crate::style::{Paint, Style};

/// A line of a table: a name, and columns if it has any.
pub(crate) struct Line<const N: usize> {
    pub(crate) name: String,
    pub(crate) columns: Option<[String; N]>,
    /// A column that warns.
    pub(crate) warns: Option<usize>,
}

/// Writes a heading and lines below it: names to the left, columns to the right, as wide as the widest.
pub(crate) fn render<const N: usize>(heading: &Line<N>, lines: &[Line<N>], style: Style) -> String {
    let all = || std::iter::once(heading).chain(lines);
    let with_columns = || all().filter_map(|line| line.columns.as_ref().map(|columns| (line, columns)));
    let name_width = with_columns().map(|(line, _)| line.name.chars().count()).max().unwrap_or_default();
    let width = |at: usize| with_columns().map(|(_, columns)| columns[at].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);

    let mut out = String::new();
    for (at, line) in all().enumerate() {
        let Some(columns) = &line.columns else {
            let _ = writeln!(out, "  {}", style.paint(Paint::Dim, &line.name));
            continue;
        };
        let mut text = format!("  {:name_width$}", line.name);
        for (column, (cell, width)) in columns.iter().zip(widths).enumerate() {
            let cell = format!("{cell:>width$}");
            text.push_str("  ");
            text.push_str(&if line.warns == Some(column) { style.paint(Paint::Red, &cell) } else { cell });
        }
        let _ = writeln!(out, "{}", if at == 0 { style.paint(Paint::Bold, &text) } else { text });
    }
    out
}

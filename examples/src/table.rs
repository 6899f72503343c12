//! Lines with columns, for a terminal or for a file.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

/// Whether text may have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// For a terminal.
    Colours,
    /// For everything else.
    Plain,
}

impl Style {
    /// Colours where the standard output is a terminal, and `NO_COLOR` is not set.
    pub fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if std::io::stdout().is_terminal() && !unwanted { Self::Colours } else { Self::Plain }
    }

    /// A text in bold.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// A text that stands back.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// A text that warns.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Colours => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}

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
            let _ = writeln!(out, "  {}", style.dim(&line.name));
            continue;
        };
        let mut text = format!("  {:name_width$}", line.name);
        for (column, (cell, width)) in columns.iter().zip(widths).enumerate() {
            let cell = format!("{cell:>width$}");
            text.push_str("  ");
            text.push_str(&if line.warns == Some(column) { style.red(&cell) } else { cell });
        }
        let _ = writeln!(out, "{}", if at == 0 { style.bold(&text) } else { text });
    }
    out
}

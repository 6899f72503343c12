//! Boxes of text, as wide as they are told to be.

use crate::style::{Paint, Style};
use crate::terminal::{columns, cut};

/// The width of names.
const NAME: usize = 13;

/// A box with a title and rows.
#[derive(Clone, Debug)]
#[must_use = "a panel shows nothing until it is rendered"]
pub struct Panel {
    title: String,
    paint: Paint,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    text: String,
    paint: Paint,
    /// Where the text goes on that does not fit into a line; it is cut where it may not.
    indent: Option<usize>,
}

impl Panel {
    /// A box whose frame and title have a colour.
    pub fn new(title: impl Into<String>, paint: Paint) -> Self {
        Self { title: title.into(), paint, rows: Vec::new() }
    }

    /// Adds a row, which takes as many lines as it needs.
    pub fn row(self, text: impl Into<String>) -> Self {
        self.painted(Paint::None, text)
    }

    /// Adds a row in a colour.
    pub fn painted(mut self, paint: Paint, text: impl Into<String>) -> Self {
        self.rows.push(Row { text: text.into(), paint, indent: Some(0) });
        self
    }

    /// Adds a row with a name and a value.
    pub fn field(self, name: &str, value: impl AsRef<str>) -> Self {
        self.named(name, value.as_ref(), Some(NAME))
    }

    /// Adds a row with a name and a value of which one line is enough.
    pub fn brief(self, name: &str, value: impl AsRef<str>) -> Self {
        self.named(name, value.as_ref(), None)
    }

    fn named(mut self, name: &str, value: &str, indent: Option<usize>) -> Self {
        self.rows.push(Row { text: format!("{name:<NAME$}{value}"), paint: Paint::None, indent });
        self
    }

    /// The box as lines of a width, frame included.
    pub fn render(&self, width: usize, style: Style) -> Vec<String> {
        let width = width.max(16);
        let inner = width - 4;
        let frame = |text: &str| style.paint(self.paint, text);
        let title = cut(&self.title, inner - 2);
        let rule = "─".repeat(inner - columns(&title) - 2);
        let mut lines = vec![frame(&format!("╭─ {title} {rule}─╮"))];
        for row in &self.rows {
            let texts = match row.indent {
                Some(indent) => wrap(&row.text, inner, indent),
                None => vec![cut(&row.text, inner)],
            };
            for text in texts {
                let padding = " ".repeat(inner - columns(&text));
                lines.push(format!("{0} {1}{padding} {0}", frame("│"), style.paint(row.paint, &text)));
            }
        }
        lines.push(frame(&format!("╰{}╯", "─".repeat(width - 2))));
        lines
    }
}

/// Blocks of lines next to each other: the left one is of a width, which lines of the right one keep clear of.
pub fn beside(left: Vec<String>, width: usize, right: Vec<String>) -> Vec<String> {
    let height = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let row = |_| match (left.next(), right.next()) {
        (Some(left), right) => left + &right.unwrap_or_default(),
        (None, right) => " ".repeat(width) + &right.unwrap_or_default(),
    };
    (0..height).map(row).collect()
}

/// A text as lines of at most a width, broken between words; lines after the first are indented.
pub fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    if columns(text) <= width {
        return vec![text.to_owned()];
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        if columns(&line) + columns(word.trim_end()) > width && !line.trim().is_empty() {
            lines.push(line.trim_end().to_owned());
            line = " ".repeat(indent);
        }
        line.push_str(word);
    }
    lines.push(line.trim_end().to_owned());
    lines.into_iter().map(|line| cut(&line, width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_is_as_wide_as_it_was_told_whatever_is_in_it() {
        let panel = Panel::new("A title that is far too long for the box it stands on", Paint::Red)
            .field("Ticket", "#4782 \"My invoice for March is showing $847 but my contract says $720.\"")
            .row("averyverylongwordthathasnospaceinitatallandgoesonandonforever")
            .row("");
        for width in [16, 40, 80, 120] {
            for line in panel.render(width, Style::Plain) {
                assert_eq!(columns(&line), width, "{line}");
            }
        }
    }

    #[test]
    fn a_row_that_does_not_fit_goes_on_below_its_value() {
        let lines = Panel::new("Counter", Paint::None).field("Ticket", "one two three").render(26, Style::Plain);
        assert_eq!(
            lines,
            [
                "╭─ Counter ──────────────╮",
                "│ Ticket       one two   │",
                "│              three     │",
                "╰────────────────────────╯"
            ]
        );
    }
}

//! Colours, where there are any.

use std::io::IsTerminal as _;

/// How a text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    #[default]
    None,
    /// It stands out.
    Bold,
    /// It stands back.
    Dim,
    /// It warns.
    Red,
    /// All is well.
    Green,
    /// It waits.
    Yellow,
}

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

    /// A text as it is to look.
    pub fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            _ if self == Self::Plain => return text.to_owned(),
            Paint::None => return text.to_owned(),
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Red => "31",
            Paint::Green => "32",
            Paint::Yellow => "33",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

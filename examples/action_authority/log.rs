//! What the agent did, step by step.

use runcycles::Error;
use runcycles_examples::{Paint, Screen, Style, size, wrap};

/// Steps as they happen: on a terminal each appears when it begins, elsewhere when it has ended.
#[derive(Debug)]
pub(crate) struct Log {
    is_guarded: bool,
    reader: Reader,
    step: String,
    /// Where a step is drawn that has begun.
    screen: Option<Screen>,
    pub(crate) approved: usize,
    pub(crate) blocked: usize,
    /// Every line so far.
    pub(crate) lines: Vec<String>,
}

/// Who reads, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Live(Style),
    Lines,
    Nobody,
}

impl Log {
    pub(crate) fn new(is_guarded: bool, reader: Reader) -> Self {
        Self { is_guarded, reader, step: String::new(), screen: None, approved: 0, blocked: 0, lines: Vec::new() }
    }

    /// A step begins.
    pub(crate) fn begin(&mut self, step: &str, toolset: Option<&str>) {
        self.step = toolset.map_or_else(|| step.to_owned(), |toolset| format!("{step}  [{toolset}]"));
        if let Reader::Live(style) = self.reader {
            let mut screen = Screen::begin();
            screen.draw(&[style.paint(Paint::Dim, &format!("… {}", self.step))]);
            self.screen = Some(screen);
        }
    }

    /// It was done, and nobody had to be asked.
    pub(crate) fn done(&mut self, details: &[&str]) {
        self.approved += 1;
        self.end("✓", Paint::Green, details);
    }

    /// It was done, and where there is a budget, it was asked for.
    pub(crate) fn approved(&mut self, what: &str) {
        if self.is_guarded {
            self.done(&["POST /v1/reservations → 200 ALLOW", what]);
        } else {
            self.done(&[what]);
        }
    }

    /// The budget said no.
    pub(crate) fn blocked(&mut self, error: &Error, what: &str) {
        self.blocked += 1;
        self.end("✗", Paint::Red, &[&answer(error), what]);
    }

    /// An operator said no.
    pub(crate) fn stopped(&mut self, error: &Error) {
        self.blocked += 1;
        self.end("✗", Paint::Red, &[&answer(error), &error.to_string()]);
    }

    fn end(&mut self, mark: &str, paint: Paint, details: &[&str]) {
        let style = if let Reader::Live(style) = self.reader { style } else { Style::Plain };
        let mut lines = vec![format!("{} {}", style.paint(paint, mark), style.paint(Paint::Bold, &self.step))];
        let width = if self.screen.is_some() { size().0 } else { usize::MAX };
        lines.extend(details.iter().flat_map(|detail| wrap(&format!("    {detail}"), width, 4)));
        match (&mut self.screen, self.reader) {
            (Some(screen), _) => screen.draw(&lines),
            (None, Reader::Nobody) => {}
            (None, _) => println!("{}", lines.join("\n")),
        }
        self.screen = None;
        self.lines.extend(lines);
    }
}

/// What the authority answered.
fn answer(error: &Error) -> String {
    let code = error.code().map(ToString::to_string).unwrap_or_default();
    format!("POST /v1/reservations → {} {code}", error.status().unwrap_or_default())
}

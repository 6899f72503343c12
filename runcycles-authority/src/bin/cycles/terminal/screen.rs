//! A part of the terminal that is drawn again in place.

use std::fmt::Write as _;
use std::io::Write as _;

/// Lines at the end of the terminal that are drawn again in place. The cursor is hidden meanwhile, and comes back when this is
/// dropped, also by a panic.
#[derive(Debug)]
pub struct Screen {
    /// How many lines stand there.
    lines: usize,
    size: (usize, usize),
}

impl Screen {
    /// Begins below what the terminal shows.
    pub fn begin() -> Self {
        write("\x1b[?25l");
        Self { lines: 0, size: size() }
    }

    /// Draws lines in place of those before: as many as the terminal has room for.
    pub fn draw(&mut self, lines: &[String]) {
        let size = size();
        // One flush of all of it, between marks that many terminals know, does not flicker.
        let mut out = "\x1b[?2026h".to_owned();
        if size != self.size {
            // Lines that were broken anew are somewhere else now.
            out.push_str("\x1b[H\x1b[J");
            self.size = size;
        } else if self.lines > 0 {
            let _ = write!(out, "\x1b[{}A\r", self.lines);
        }
        self.lines = lines.len().min(size.1.saturating_sub(1));
        for line in &lines[..self.lines] {
            let _ = write!(out, "{line}\x1b[K\r\n");
        }
        out.push_str("\x1b[J\x1b[?2026l");
        write(&out);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        write("\x1b[?25h");
    }
}

/// How many columns and rows the terminal has; 80 and 24 where nobody knows.
pub fn size() -> (usize, usize) {
    let known = terminal_size::terminal_size().filter(|(width, height)| width.0 > 0 && height.0 > 0);
    known.map_or((80, 24), |(width, height)| (width.0.into(), height.0.into()))
}

/// Where nobody reads any more, there is nobody to tell.
fn write(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

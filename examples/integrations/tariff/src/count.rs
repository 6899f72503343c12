//! How much of an answer has arrived.

use runcycles::Usage;

/// How many bytes of an answer make a token, about.
const BYTES_PER_TOKEN: u64 = 4;

/// Counts an answer that arrives in parts, for as long as its provider has not said what it took.
///
/// A part with text has a token at least, so that the parts are never more than what the provider will say. What is
/// charged for an answer that never comes to its end is a better guess, by the length of its text; but where the provider keeps to
/// the request's limit, it is never more than that.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    input: u64,
    most: u64,
    parts: u64,
    bytes: u64,
}

impl Count {
    /// An answer to an input of so many tokens, of which the request allows at most so many.
    pub fn new(input: u64, most_output: u64) -> Self {
        Self { input, most: most_output, parts: 0, bytes: 0 }
    }

    /// Counts a part with so many bytes of text.
    pub fn add(&mut self, bytes: usize) {
        self.parts += u64::from(bytes > 0);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// The most tokens of output that the request allows.
    pub fn most_output(&self) -> u64 {
        self.most
    }

    /// Whether there is certainly more of the answer than the request allows.
    pub fn is_beyond_limit(&self) -> bool {
        self.parts > self.most
    }

    /// The output that there has been at least.
    pub fn at_least(&self) -> Usage {
        Usage { output: self.parts, ..Usage::default() }
    }

    /// What the answer has taken so far, about.
    pub fn about(&self) -> Usage {
        let by_length = self.bytes.div_ceil(BYTES_PER_TOKEN).min(self.most);
        Usage { input: self.input, output: by_length.max(self.parts), ..Usage::default() }
    }
}

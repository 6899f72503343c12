//! Functions that are not async.
#![deny(warnings, clippy::pedantic)]

use std::fmt::Display;

use runcycles::{Error, ScopeValue, cycles, tokens};

pub struct Agent {
    name: String,
}

pub trait Ask {
    /// Asks.
    ///
    /// # Errors
    ///
    /// Where there is no budget.
    fn ask(&mut self, question: &str) -> Result<String, Error>;
}

impl Ask for Agent {
    #[cycles(tokens(1), "llm.completion", agent = self.name, actual = |text| text.len(), fallback = Ok(String::new()))]
    fn ask(&mut self, question: &str) -> Result<String, Error> {
        self.name.push('x');
        if question.is_empty() {
            return Ok(String::new());
        }
        let number: u64 = question.parse().map_err(|_| Error::Action("no number".into()))?;
        Ok(number.to_string())
    }
}

#[cycles(tokens(N), "llm.completion", agent = user, metadata = [("length", output.to_string().len())])]
pub(crate) fn generic<'a, T: ScopeValue, const N: u64>(user: &T, (a, _b): (&'a str, u8)) -> Result<impl Display + 'a, Error> {
    let _ = user;
    Ok(a)
}

fn main() {
    let _ = generic::<u64, 1>;
}

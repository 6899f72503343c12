//! What a demo is told on its command line.

use std::io::IsTerminal as _;

/// Which runs there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acts {
    /// Without a budget.
    Unguarded,
    /// With one.
    Guarded,
    /// One after the other.
    Both,
}

/// What to show, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches on a command line")]
pub struct Arguments {
    /// Which runs.
    pub acts: Acts,
    /// Whether nobody wants to wait.
    pub is_fast: bool,
    /// Whether to write lines in place of panels.
    pub is_plain: bool,
    /// Whether to write nothing but a summary for scripts.
    pub is_json: bool,
    /// Whether to tell the options, and nothing else.
    pub wants_help: bool,
    /// For what is left to chance.
    pub seed: u64,
    /// Where the authority is, unless in this process.
    pub authority: Option<String>,
}

impl Arguments {
    /// Whether the output is drawn in place.
    pub fn is_live(&self) -> bool {
        !self.is_json && !self.is_plain && std::io::stdout().is_terminal()
    }

    /// Reads a command line without the program's name.
    ///
    /// # Errors
    ///
    /// What was found and what was expected, for people.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut told = Self {
            acts: Acts::Both,
            is_fast: false,
            is_plain: false,
            is_json: false,
            wants_help: false,
            seed: 4782,
            authority: None,
        };
        while let Some(word) = words.next() {
            let mut value = |expected: &str| words.next().ok_or_else(|| format!("{word} needs {expected}"));
            match word.as_str() {
                "--mode" => {
                    told.acts = match value("a mode: unguarded, guarded or both")?.as_str() {
                        "unguarded" => Acts::Unguarded,
                        "guarded" => Acts::Guarded,
                        "both" => Acts::Both,
                        other => return Err(format!("unknown mode {other:?}: expected unguarded, guarded or both")),
                    }
                }
                "--seed" => {
                    let seed = value("a number")?;
                    told.seed = seed.parse().map_err(|_| format!("seed {seed:?}: expected a whole number"))?;
                }
                "--authority" => told.authority = Some(value("an address, such as http://localhost:7878")?),
                "--fast" => told.is_fast = true,
                "--plain" => told.is_plain = true,
                "--json" => told.is_json = true,
                "--help" | "-h" => told.wants_help = true,
                other => return Err(format!("unknown option {other:?}: --help lists those there are")),
            }
        }
        Ok(told)
    }
}

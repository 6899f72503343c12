//! Which checks to run, by their ids.

use std::fmt;
use std::str::FromStr;

/// Patterns of check ids, such as `C-4x,P-1`: an `x` stands for any digit.
///
/// ```
/// use runcycles_authority::conformance::Filter;
///
/// let filter: Filter = "C-4x,P-1".parse()?;
/// assert!(filter.matches("C-41") && filter.matches("P-1"));
/// assert!(!filter.matches("C-141"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    patterns: Vec<String>,
}

impl Filter {
    /// Whether a check with this id is to run.
    pub fn matches(&self, id: &str) -> bool {
        self.patterns.iter().any(|pattern| {
            pattern.len() == id.len()
                && pattern.bytes().zip(id.bytes()).all(|(pattern, found)| {
                    pattern.eq_ignore_ascii_case(&found)
                        || (pattern.eq_ignore_ascii_case(&b'x') && found.is_ascii_digit())
                })
        })
    }
}

/// A text that is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found {0:?}, expected ids of checks such as C-41, C-4x or P-1, with commas between them")]
pub struct InvalidFilter(String);

impl FromStr for Filter {
    type Err = InvalidFilter;

    fn from_str(text: &str) -> Result<Self, InvalidFilter> {
        let patterns: Vec<_> = text.split(',').map(|pattern| pattern.trim().to_owned()).collect();
        let is_id = |pattern: &String| {
            let digits = pattern.strip_prefix(['C', 'c', 'P', 'p']).and_then(|rest| rest.strip_prefix('-'));
            digits.is_some_and(|digits| {
                !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit() || matches!(digit, b'x' | b'X'))
            })
        };
        if patterns.iter().all(is_id) { Ok(Self { patterns }) } else { Err(InvalidFilter(text.to_owned())) }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.patterns.join(","))
    }
}

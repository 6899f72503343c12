//! Why a file cannot be used, or a plan was not carried out.

use std::io;

use crate::error::Error;

/// Why a budgets file cannot be used. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetsFileError {
    /// The file cannot be read.
    #[error("cannot read {file}")]
    #[non_exhaustive]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A line of it cannot be meant.
    #[error("{file}:{line}: {problem}; {cure}")]
    #[non_exhaustive]
    Invalid {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        cure: String,
    },
}

impl BudgetsFileError {
    /// The line that cannot be meant.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Invalid { line, .. } => Some(*line),
            Self::Read { .. } => None,
        }
    }
}

/// A plan that was carried out in part. What is done stays done: once the cause is out of the way, a new plan has the rest.
#[derive(Debug, thiserror::Error)]
#[error("cannot {change}; {done} of {planned} changes are made, and a new plan has the rest")]
#[non_exhaustive]
pub struct ApplyError {
    /// The change that failed, such as `create the budget tenant:acme`.
    pub change: String,
    /// How many changes were made before it.
    pub done: usize,
    /// How many changes the plan has.
    pub planned: usize,
    /// Why it failed.
    pub source: Error,
}

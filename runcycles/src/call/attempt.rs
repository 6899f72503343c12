//! A call that something else may stand in for.

use std::future::Future;

use super::Guard;
use crate::error::Error;

/// How an attempt ended that gave no value: kept apart, since a fallback answers the budget's no, and not an error of the
/// body that looks the same.
#[derive(Debug)]
pub enum Attempt<E> {
    /// The body did not run.
    NotRun(Error),
    /// The body failed with an error of its own.
    Failed(E),
}

impl<E> From<Error> for Attempt<E> {
    fn from(error: Error) -> Self {
        Self::NotRun(error)
    }
}

impl<T, E: From<Error>> Guard<T, E> {
    /// The body as an attempt.
    pub async fn attempt<F>(self, body: F) -> Result<T, Attempt<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        body.await.map_err(Attempt::Failed)
    }

    /// What runs the attempt.
    pub fn attempts(self) -> Guard<T, Attempt<E>> {
        super::guard::guard::<Result<T, Attempt<E>>, super::Fallible>()
    }

    /// The result of an attempt; `None` where the budget said no to its cost.
    pub fn unless_exhausted(self, attempt: Result<T, Attempt<E>>) -> Option<Result<T, E>> {
        match attempt {
            Ok(value) => Some(Ok(value)),
            Err(Attempt::Failed(error)) => Some(Err(error)),
            Err(Attempt::NotRun(error)) if error.allows_fallback() => {
                tracing::debug!(%error, "the fallback stands in for the call");
                None
            }
            Err(Attempt::NotRun(error)) => Some(Err(error.into())),
        }
    }
}

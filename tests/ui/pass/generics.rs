//! Type parameters, lifetimes, const parameters, `where` clauses and `impl Trait` arguments.
#![deny(warnings)]

use std::fmt::Debug;
use std::future::Future;

use runcycles::{Error, IntoAmount, ScopeValue, cycles, usd};

#[cycles(usd!(0.02), "llm.completion", agent = user, toolset = N)]
pub async fn every_kind<'a, T, E, const N: usize>(user: &'a T, bytes: [u8; N]) -> Result<(&'a T, [u8; N]), E>
where
    T: ScopeValue + Debug + ?Sized,
    E: From<Error>,
{
    Ok((user, bytes))
}

#[cycles(estimate, "llm.completion", agent = user)]
pub async fn impl_trait(
    estimate: impl IntoAmount,
    user: impl ScopeValue,
    next: impl AsyncFnOnce(u8) -> u8,
    prompt: &(impl AsRef<str> + ?Sized),
) -> Result<usize, Error> {
    drop((estimate, user));
    Ok(prompt.as_ref().len() + usize::from(next(1).await))
}

#[cycles(usd!(0.02), "llm.completion", agent = user)]
pub async fn callback<F, Fut, T>(user: &str, act: F) -> Result<T, Error>
where
    F: FnOnce(&str) -> Fut,
    Fut: Future<Output = Result<T, Error>>,
{
    act(user).await
}

pub struct Wrapper<'a, T: ?Sized>(pub &'a T);

impl<'a, T: AsRef<str> + ?Sized> Wrapper<'a, T> {
    #[cycles(usd!(0.02), "llm.completion", agent = self.0.as_ref(), dimensions(first = other.0.as_ref()))]
    pub async fn longer<'b>(&self, other: &Wrapper<'b, T>) -> Result<&'b T, Error> {
        Ok(other.0)
    }
}

fn main() {}

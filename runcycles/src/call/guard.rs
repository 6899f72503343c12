//! What a guarded function returns, and how its body is run.

use std::future::Future;
use std::marker::PhantomData;

use super::guarded::guarded;
use super::{Amounts, Call, IntoAmount, IntoAmounts};
use crate::error::Error;

/// The return type of a guarded function: a `Result` whose error can hold a denial.
///
/// Implementation rationale: all that the expansion knows of the type comes out of [`guard`], so a wrong return type is one
/// error, at that type; what follows from it has no type and is not judged again. The second implementation applies to
/// nothing. Beside it the compiler weighs the bounds of the first, so that an error type that cannot hold a denial is told
/// in the words of this trait, and with nothing after it.
#[diagnostic::on_unimplemented(
    message = "a function with #[cycles] cannot return `{Self}`",
    label = "expected `Result<T, E>` where `E: From<runcycles::Error>`",
    note = "a denied call returns the denial in `Err`: return a `Result`, and give its error type a variant such as `Cycles(#[from] runcycles::Error)`",
    note = "`runcycles::Error`, `anyhow::Error` and `Box<dyn std::error::Error + Send + Sync>` can hold it as they are"
)]
pub trait GuardedResult<Kind> {
    /// What runs the body.
    type Guard;

    /// What runs the body.
    fn guard() -> Self::Guard;
}

/// The kind of every guarded result.
#[derive(Debug)]
pub enum Fallible {}

#[diagnostic::do_not_recommend]
impl<T, E: From<Error>> GuardedResult<Fallible> for Result<T, E> {
    type Guard = Guard<T, E>;

    fn guard() -> Guard<T, E> {
        Guard(PhantomData)
    }
}

/// The kind of no result.
#[derive(Debug)]
pub enum Impossible {}

/// Implemented by nothing.
pub trait Nothing {}

#[diagnostic::do_not_recommend]
impl<T, E: Nothing> GuardedResult<Impossible> for Result<T, E> {
    type Guard = ();

    fn guard() {}
}

/// What runs the body of a function that returns `R`.
pub fn guard<R: GuardedResult<Kind>, Kind>() -> R::Guard {
    R::guard()
}

/// Runs the body of a function that returns `Result<T, E>`. Its futures are the lifecycle's own, so that no layer in between
/// keeps a copy of the body.
#[derive(Debug)]
pub struct Guard<T, E>(PhantomData<fn() -> Result<T, E>>);

impl<T, E> Clone for Guard<T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E> Copy for Guard<T, E> {}

impl<T, E: From<Error>> Guard<T, E> {
    /// No result, but its type: a body that may return it has a result of this type.
    pub fn no_result(self) -> Option<Result<T, E>> {
        None
    }

    /// Runs the body under a reservation, and settles what the call estimated.
    pub fn run<F>(self, call: Result<Call, Error>, body: F) -> impl Future<Output = Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        guarded(call, None::<fn(&T) -> Amounts>, body)
    }

    /// Runs the body under a reservation, and settles what `actual` makes of its value. A bare number counts in the unit of
    /// the estimate.
    pub fn run_metered<F, A, N>(
        self,
        call: Result<Call, Error>,
        body: F,
        actual: A,
    ) -> impl Future<Output = Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
        A: FnOnce(&T) -> N,
        N: IntoAmount,
    {
        let unit = call.as_ref().ok().map(|call| call.unit.clone());
        let actual = unit.map(|unit| move |value: &T| Amounts::one(actual(value).into_amount(&unit)));
        guarded(call, actual, body)
    }

    /// The same for a call in several units: `actual` gives an amount for each.
    pub fn run_metered_in_units<F, A, N>(
        self,
        call: Result<Call, Error>,
        body: F,
        actual: A,
    ) -> impl Future<Output = Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
        A: FnOnce(&T) -> N,
        N: IntoAmounts,
    {
        let unit = call.as_ref().ok().map(|call| call.unit.clone());
        let actual = unit.map(|unit| move |value: &T| actual(value).into_amounts(&unit));
        guarded(call, actual, body)
    }
}

//! What to do instead where the budget says no.

use std::borrow::Cow;
use std::future::Future;

use super::degraded::{Degraded, SkippedRung};
use crate::error::Witness;

/// Tries one action after the other, best first, until the budget allows one: a future of `Result<Degraded<T>, E>`.
///
/// A rung is anything that is awaited for a `Result<T, E>`, most usefully a call of a function with `#[cycles]`. It is made and
/// run only when it is reached. `else` gives a last value that cannot fail, and a name may stand before each rung; without one,
/// a rung is named by its function.
///
/// The ladder goes on where a rung fails by the budget's no, wherever in the rung that was said, and
/// [`allows_fallback`](crate::Error::allows_fallback): any other error ends it, an operator's no and a denied risk among them.
/// The last rung's error is the ladder's. The error type may be any that keeps the [`Error`](crate::Error) it is made from; a
/// type that keeps only its text is not recognised, and ends the ladder.
///
/// ```
/// use runcycles::{CyclesClient, Error, cycles, ladder, usd};
/// use runcycles_authority::Authority;
///
/// #[cycles(usd!(0.05), "llm.completion", toolset = "premium")]
/// async fn premium(question: &str) -> Result<String, Error> {
///     Ok(format!("a long answer to {question}"))
/// }
///
/// #[cycles(usd!(0.002), "llm.completion")]
/// async fn economy(question: &str) -> Result<String, Error> {
///     Ok(format!("a short answer to {question}"))
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let authority = Authority::builder()
///     .budget("tenant:acme", usd!(1))
///     .budget("tenant:acme/toolset:premium", usd!(0.01))
///     .start()
///     .await?;
/// let question = "why is the sky blue?";
///
/// let answer = authority
///     .client("acme")
///     .run(async { ladder![premium(question), economy(question), else "cache" => "try again later".to_owned()].await })
///     .await?;
/// assert!(answer.is_degraded());
/// assert_eq!(answer.rung(), "economy");
/// assert_eq!(answer.skipped()[0].rung(), "premium");
/// assert_eq!(answer.into_value(), "a short answer to why is the sky blue?");
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping the future drops the rung that runs, which settles as any guarded call that is dropped.
#[macro_export]
macro_rules! ladder {
    ($($rungs:tt)+) => {
        async {
            let mut ladder = $crate::__private::Ladder::default();
            $crate::__ladder_rungs!(ladder; $($rungs)+)
        }
    };
}

/// The rungs of a ladder from one on.
#[doc(hidden)]
#[macro_export]
macro_rules! __ladder_rungs {
    ($ladder:ident; else $name:literal => $value:expr $(,)?) => {
        ::core::result::Result::Ok($ladder.answered($name, $value))
    };
    ($ladder:ident; else $value:expr $(,)?) => {
        $crate::__ladder_rungs!($ladder; else "else" => $value)
    };
    ($ladder:ident; $name:literal => $rung:expr $(,)?) => {
        match $rung.await {
            ::core::result::Result::Ok(value) => ::core::result::Result::Ok($ladder.answered($name, value)),
            ::core::result::Result::Err(error) => ::core::result::Result::Err(error),
        }
    };
    ($ladder:ident; $rung:expr $(,)?) => {
        match $rung.await {
            ::core::result::Result::Ok(value) => {
                let name = $crate::__private::rung_name(stringify!($rung));
                ::core::result::Result::Ok($ladder.answered(name, value))
            }
            ::core::result::Result::Err(error) => ::core::result::Result::Err(error),
        }
    };
    ($ladder:ident; $name:literal => $rung:expr, $($rest:tt)+) => {{
        let result = $ladder.attempt($name, ::core::pin::pin!(async { $rung.await })).await;
        match result {
            ::core::option::Option::Some(result) => result,
            ::core::option::Option::None => $crate::__ladder_rungs!($ladder; $($rest)+),
        }
    }};
    ($ladder:ident; $rung:expr, $($rest:tt)+) => {{
        let name = $crate::__private::rung_name(stringify!($rung));
        let result = $ladder.attempt(name, ::core::pin::pin!(async { $rung.await })).await;
        match result {
            ::core::option::Option::Some(result) => result,
            ::core::option::Option::None => $crate::__ladder_rungs!($ladder; $($rest)+),
        }
    }};
    ($ladder:ident; $($other:tt)*) => {
        compile_error!(
            "expected rungs with a comma between them, each a future such as `premium(prompt)` or `\"name\" => premium(prompt)`, and at the end perhaps `else value`"
        )
    };
}

/// How far a ladder has been climbed.
#[derive(Debug, Default)]
pub struct Ladder {
    skipped: Vec<SkippedRung>,
}

impl Ladder {
    /// Runs a rung; `None` where the next one is to be tried.
    pub async fn attempt<T, E, F>(&mut self, rung: &'static str, future: F) -> Option<Result<Degraded<T>, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let witness = Witness::new();
        let error = match witness.watch(future).await {
            Ok(value) => return Some(Ok(self.answered(rung, value))),
            Err(error) => error,
        };
        match witness.denial_that_allows_a_fallback() {
            Some(denial) => {
                tracing::debug!(rung, %denial, "the next rung stands in");
                self.skipped.push(SkippedRung::new(Cow::Borrowed(rung), denial));
                None
            }
            None => Some(Err(error)),
        }
    }

    /// The value of a rung.
    pub fn answered<T>(&mut self, rung: &'static str, value: T) -> Degraded<T> {
        Degraded::after(std::mem::take(&mut self.skipped), Cow::Borrowed(rung), value)
    }
}

/// The name of a rung without one: its function's, or the whole expression where it is no plain call.
pub fn rung_name(expression: &'static str) -> &'static str {
    let end = [expression.find('('), expression.find("::<")].into_iter().flatten().min().unwrap_or_default();
    let function = &expression[..end];
    let is_path = function.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '.'));
    if is_path && !function.is_empty() { function } else { expression }
}

//! What a task inherits from the guarded call that starts it.

use std::pin::pin;

use tokio::task::JoinHandle;

use super::context::context;
use crate::client::carry_ambient;
use crate::error::Witness;

/// A future that has the context, the client and the scope of the place where this is called, wherever it runs; what that place
/// has none of comes from where it runs.
///
/// Tasks inherit none of them by themselves. What such a future tells its context counts until the guarded call ends, so the
/// call waits for it if that matters.
///
/// ```
/// use runcycles::{Error, carry, context, cycles, tokens};
///
/// #[cycles(tokens(100), "agent.step")]
/// async fn step() -> Result<(), Error> {
///     let part = tokio::spawn(carry(async { context().map(|context| context.record_usage(&tokens(7))) }));
///     part.await.ok();
///     Ok(())
/// }
/// ```
pub fn carry<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let context = context();
    let witness = Witness::current();
    carry_ambient(async move {
        let future = pin!(future);
        let future = pin!(async move {
            match context {
                Some(context) => context.enter(future).await,
                None => future.await,
            }
        });
        match witness {
            Some(witness) => witness.watch(future).await,
            None => future.await,
        }
    })
}

/// Starts a task that has the context, the client and the scope of the place where this is called: [`carry`] in
/// [`tokio::spawn`].
///
/// # Panics
///
/// Outside of a tokio runtime, as [`tokio::spawn`] does.
pub fn spawn_in_context<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(carry(future))
}

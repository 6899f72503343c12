//! What a call reports of its value beside what it cost.

use std::future::Future;

use super::Guard;
use crate::lifecycle::{Context, context};
use crate::protocol::{CyclesMetrics, Metadata};

impl<T, E> Guard<T, E> {
    /// The body, which sends what `metrics` makes of its value along with the commit.
    pub async fn report_metrics<F, M>(self, body: F, metrics: M) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        M: FnOnce(&T) -> CyclesMetrics,
    {
        reported(body, |value, context| context.set_metrics(metrics(value))).await
    }

    /// The body, which sends the members that `metadata` makes of its value along with the commit.
    pub async fn report_metadata<F, M>(self, body: F, metadata: M) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        M: FnOnce(&T) -> Metadata,
    {
        reported(body, |value, context| {
            for (name, member) in metadata(value) {
                context.insert_metadata(name, member);
            }
        })
        .await
    }
}

/// The body, which reports on its value to the context it runs in.
async fn reported<T, E>(body: impl Future<Output = Result<T, E>>, report: impl FnOnce(&T, &Context)) -> Result<T, E> {
    let result = body.await;
    if let (Ok(value), Some(context)) = (&result, context()) {
        report(value, &context);
    }
    result
}

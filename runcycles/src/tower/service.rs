//! The service that a layer makes.

use std::fmt;
use std::sync::Arc;
use std::task::{Context as Waker, Poll};

use tower_service::Service;

use super::ask::Ask;
use super::cost::JudgeResponse;
use super::governed::{Ended, outcome};
use super::policy::{Asked, NarrowRequest, Policy};
use super::refuse::RefuseRequest;
use crate::lifecycle::govern;
use crate::transport::BoxFuture;

/// A request lasts until its response is there.
#[derive(Clone, Copy, Debug)]
pub struct AtResponse;

/// A service whose requests are governed; [`BudgetLayer`](super::BudgetLayer) makes it.
pub struct BudgetService<S, A, R, C, N, B> {
    inner: S,
    policy: Arc<Policy<A, R, C, N, B>>,
}

impl<S, A, R, C, N, B> BudgetService<S, A, R, C, N, B> {
    pub(super) fn new(inner: S, policy: Arc<Policy<A, R, C, N, B>>) -> Self {
        Self { inner, policy }
    }

    pub(super) fn policy(&self) -> &Arc<Policy<A, R, C, N, B>> {
        &self.policy
    }

    pub(super) fn inner(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The instance that was found ready; a clone of it becomes ready for the next request.
    pub(super) fn take_ready(&mut self) -> S
    where
        S: Clone,
    {
        let next = self.inner.clone();
        std::mem::replace(&mut self.inner, next)
    }
}

impl<S, Req, A, K, R, C, N> Service<Req> for BudgetService<S, A, R, C, N, AtResponse>
where
    S: Service<Req> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: Send,
    Req: Send + 'static,
    A: Fn(&Req) -> K + Send + Sync + 'static,
    K: Into<Ask>,
    R: RefuseRequest<S::Response, S::Error> + Send + Sync + 'static,
    C: JudgeResponse<S::Response> + Send + Sync + 'static,
    N: NarrowRequest<Req> + Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, waker: &mut Waker<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(waker)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let policy = Arc::clone(&self.policy);
        let mut ready = self.take_ready();
        let Asked { client, request: asked, policies, terms, metrics } = match policy.open(&request) {
            Ok(Some(asked)) => asked,
            Ok(None) => return Box::pin(ready.call(request)),
            Err(error) => return Box::pin(std::future::ready(policy.refuse.refuse(error))),
        };
        Box::pin(async move {
            let action = |context| {
                let narrow = &policy.narrow;
                async move {
                    narrow.narrow(&mut request, &context);
                    ready.call(request).await
                }
            };
            let judge = |result: Result<S::Response, S::Error>| match result {
                Ok(response) => outcome(policy.cost.judge(&response), response),
                Err(error) => crate::lifecycle::Outcome::Failed(Ended::Failed(error)),
            };
            match govern(&client, asked, policies, &terms, metrics, action, judge).await {
                Ok(Ok(response) | Err(Ended::Answered(response))) => Ok(response),
                Ok(Err(Ended::Failed(error))) => Err(error),
                Err(error) => policy.refuse.refuse(error),
            }
        })
    }
}

impl<S: Clone, A, R, C, N, B> Clone for BudgetService<S, A, R, C, N, B> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), policy: Arc::clone(&self.policy) }
    }
}

impl<S: fmt::Debug, A, R, C, N, B> fmt::Debug for BudgetService<S, A, R, C, N, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

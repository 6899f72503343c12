//! Requests that last until the body of their response has ended.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as Waker, Poll};

use http::Response;
use http::response::Parts;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use tower_service::Service;

use super::ask::Ask;
use super::body::BudgetBody;
use super::cost::{Cost, JudgeResponse};
use super::governed::{Ended, outcome};
use super::passage::{End, Frames, Passage, Reader};
use super::policy::{Asked, NarrowRequest, Policy};
use super::refuse::RefuseRequest;
use super::service::BudgetService;
use crate::client::carry_ambient;
use crate::error::Error;
use crate::lifecycle::{Context, Outcome, govern};
use crate::protocol::Amount;
use crate::transport::BoxFuture;

/// A request lasts until the body of its response has ended.
#[derive(Clone, Copy, Debug)]
pub struct WholeBody<M>(pub(super) M);

/// Makes a reader for each response. Closures do.
pub trait ReadBody<D> {
    /// A reader, if the body is read at all.
    fn reader(&self, head: &Parts) -> Option<Reader<D>>;
}

/// Reads nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unread;

impl<D> ReadBody<D> for Unread {
    fn reader(&self, _head: &Parts) -> Option<Reader<D>> {
        None
    }
}

impl<D, F, G> ReadBody<D> for F
where
    F: Fn(&Parts) -> G,
    G: FnMut(Option<&Frame<D>>) -> Option<Amount> + Send + 'static,
{
    fn reader(&self, head: &Parts) -> Option<Reader<D>> {
        Some(Box::new(self(head)))
    }
}

impl<S, Req, Out, A, K, R, C, N, M> Service<Req> for BudgetService<S, A, R, C, N, WholeBody<M>>
where
    S: Service<Req, Response = Response<Out>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    Req: Send + 'static,
    Out: Body + Send + 'static,
    Out::Data: Send,
    Out::Error: Send,
    A: Fn(&Req) -> K + Send + Sync + 'static,
    K: Into<Ask>,
    R: RefuseRequest<Response<Out>, S::Error> + Send + Sync + 'static,
    C: JudgeResponse<Response<Out>> + Send + Sync + 'static,
    N: NarrowRequest<Req> + Send + Sync + 'static,
    M: ReadBody<Out::Data> + Send + Sync + 'static,
{
    type Response = Response<BudgetBody<Out>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, waker: &mut Waker<'_>) -> Poll<Result<(), S::Error>> {
        self.inner().poll_ready(waker)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let policy = Arc::clone(self.policy());
        let mut ready = self.take_ready();
        let asked = match policy.open(&request) {
            Ok(Some(asked)) => asked,
            Ok(None) => {
                let answer = ready.call(request);
                return Box::pin(async move { Ok(answer.await?.map(BudgetBody::settled)) });
            }
            Err(error) => {
                let refused = policy.refuse.refuse(error).map(|response| response.map(BudgetBody::settled));
                return Box::pin(std::future::ready(refused));
            }
        };
        Box::pin(async move {
            let (to_caller, mut head) = oneshot::channel();
            let frames = Frames::new();
            let call = call(asked, Arc::clone(&policy), ready, request, frames.clone(), to_caller);
            // Whoever polls the body does so elsewhere, and the call goes on where the request was made.
            let mut call: BoxFuture<'static, _> = Box::pin(carry_ambient(call));
            let answered = poll_fn(|waker| match call.as_mut().poll(waker) {
                Poll::Ready(result) => Poll::Ready(result.map(|()| head.try_recv().ok())),
                Poll::Pending => head.try_recv().map_or(Poll::Pending, |head| Poll::Ready(Ok(Some(head)))),
            });
            let refuse = |error| policy.refuse.refuse(error).map(|response| response.map(BudgetBody::settled));
            match answered.await {
                Ok(Some(Head::Passing(head, size))) => {
                    Ok(Response::from_parts(head, BudgetBody::passing(call, frames, size)))
                }
                Ok(Some(Head::Made(head, size))) => Ok(Response::from_parts(head, BudgetBody::passed(frames, size))),
                Ok(Some(Head::Whole(response))) => Ok(response.map(BudgetBody::settled)),
                Ok(Some(Head::Failed(error))) => Err(error),
                Ok(None) => unreachable!("a body passes once its head has been sent"),
                Err(error) => refuse(error),
            }
        })
    }
}

/// What the caller gets before the body.
enum Head<Out, E> {
    /// The head of a response whose body passes from now on.
    Passing(Parts, SizeHint),
    /// The head of a response whose body has passed.
    Made(Parts, SizeHint),
    /// A response that is settled.
    Whole(Response<Out>),
    /// An error of the service's own.
    Failed(E),
}

/// How the action ended.
enum Action<Out, E> {
    Answered(Response<Out>, Cost),
    Failed(E),
    Passed(End),
}

/// The guarded call of a request, which lasts until its body has ended. The head goes to the caller as soon as it is there.
async fn call<S, Req, Out, A, R, C, N, M>(
    asked: Asked,
    policy: Arc<Policy<A, R, C, N, WholeBody<M>>>,
    mut ready: S,
    mut request: Req,
    frames: Frames<Out>,
    to_caller: oneshot::Sender<Head<Out, S::Error>>,
) -> Result<(), Error>
where
    S: Service<Req, Response = Response<Out>>,
    Out: Body,
    C: JudgeResponse<Response<Out>>,
    N: NarrowRequest<Req>,
    M: ReadBody<Out::Data>,
{
    let Asked { client, request: reserve, policies, terms, metrics } = asked;
    let mut to_caller = Some(to_caller);
    let mut made = None;
    let result = {
        let (to_caller, made) = (&mut to_caller, &mut made);
        let policy = &policy;
        let action = |context: Context| async move {
            policy.narrow.narrow(&mut request, &context);
            let response = match ready.call(request).await {
                Ok(response) => response,
                Err(error) => return Action::Failed(error),
            };
            let cost = policy.cost.judge(&response);
            let (head, body) = response.into_parts();
            let reader = policy.until.0.reader(&head);
            let is_made = body.is_end_stream();
            let may_be_made = reader.is_none() && body.size_hint().exact().is_some();
            let mut passage = Passage::new(frames, reader, context, &head, &body);
            if cost != Cost::Told || is_made {
                if cost == Cost::Told {
                    passage.tell(None);
                }
                return Action::Answered(Response::from_parts(head, body), cost);
            }
            let size = body.size_hint();
            let mut body = pin!(body);
            if may_be_made && let Some(end) = passage.pass_at_once(body.as_mut()).await {
                *made = Some((head, size));
                return Action::Passed(end);
            }
            if let Some(to_caller) = to_caller.take() {
                // A caller that is gone drops this future too.
                drop(to_caller.send(Head::Passing(head, size)));
            }
            Action::Passed(passage.pass(body).await)
        };
        let judge = |action| match action {
            Action::Answered(response, cost) => match outcome(cost, response) {
                Outcome::Done { value, actual, also } => Outcome::Done { value: Some(value), actual, also },
                Outcome::Failed(ended) => Outcome::Failed(Some(ended)),
            },
            Action::Failed(error) => Outcome::Failed(Some(Ended::Failed(error))),
            Action::Passed(End::Complete) => Outcome::Done { value: None, actual: None, also: Vec::new() },
            Action::Passed(End::Failed) => Outcome::Failed(None),
        };
        govern(&client, reserve, policies, &terms, metrics, action, judge).await?
    };
    let head = match result {
        Ok(None) | Err(None) => match made {
            Some((head, size)) => Head::Made(head, size),
            None => return Ok(()),
        },
        Ok(Some(response)) | Err(Some(Ended::Answered(response))) => Head::Whole(response),
        Err(Some(Ended::Failed(error))) => Head::Failed(error),
    };
    if let Some(to_caller) = to_caller {
        drop(to_caller.send(head));
    }
    Ok(())
}

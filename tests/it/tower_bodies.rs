//! Responses that are governed until their body has ended.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Waker, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use runcycles::tower::{BudgetBody, BudgetLayer, by_status};
use runcycles::{
    Amount, CyclesClient, Error, HeartbeatPolicy, Reserve, Scope, UnknownSpend, WithCyclesConfig, context, tokens,
};
use serde_json::json;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

use crate::support::clock::{pass, settle};
use crate::support::reply;
use crate::support::script::Script;
use crate::support::sent::Route;

/// A frame, or a wait of a second.
enum Step {
    Data(&'static str),
    Wait,
    Record(u64),
    /// A reservation by the client of the place.
    Reserve,
    Trailers,
    Fail,
}

/// A body of steps. It does not know its end, as bodies made of streams do not.
struct Steps {
    left: std::vec::IntoIter<Step>,
    /// What the next step waits for, in a lock so that the body can be shared.
    wait: Option<Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    size: SizeHint,
    alive: Arc<()>,
}

fn steps(steps: impl IntoIterator<Item = Step>) -> Steps {
    let left = steps.into_iter().collect::<Vec<_>>().into_iter();
    Steps { left, wait: None, size: SizeHint::new(), alive: Arc::new(()) }
}

impl Body for Steps {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        waker: &mut Waker<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        loop {
            if let Some(wait) = &mut self.wait {
                std::task::ready!(wait.get_mut().unwrap().as_mut().poll(waker));
                self.wait = None;
            }
            let frame = match self.left.next() {
                None => return Poll::Ready(None),
                Some(Step::Data(data)) => Ok(Frame::data(Bytes::from_static(data.as_bytes()))),
                Some(Step::Trailers) => Ok(Frame::trailers(http::HeaderMap::new())),
                Some(Step::Fail) => Err(std::io::Error::other("the model hung up")),
                Some(Step::Wait) => {
                    self.wait = Some(Mutex::new(Box::pin(tokio::time::sleep(Duration::from_secs(1)))));
                    continue;
                }
                Some(Step::Reserve) => {
                    self.wait = Some(Mutex::new(Box::pin(async {
                        let request = Reserve::new("tool.call", "search").estimate(tokens(1));
                        let guard = runcycles::current_client().unwrap().reserve(request).await.unwrap();
                        guard.commit(tokens(1)).await.unwrap();
                    })));
                    continue;
                }
                Some(Step::Record(amount)) => {
                    context().unwrap().record_usage(&tokens(amount)).unwrap();
                    continue;
                }
            };
            return Poll::Ready(Some(frame));
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }
}

fn ask(_: &Request<()>) -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o")
}

/// The response of a service that answers once with a body, governed until it ends.
async fn governed(client: CyclesClient, body: Steps) -> Response<BudgetBody<Steps>> {
    governed_by(client, body, ask).await
}

async fn governed_by(
    client: CyclesClient,
    body: Steps,
    ask: impl Fn(&Request<()>) -> WithCyclesConfig + Clone + Send + Sync + 'static,
) -> Response<BudgetBody<Steps>> {
    let layer = BudgetLayer::new(ask).client(client).actual(by_status::<Steps>).until_body_ends();
    answer_with(layer, body).await
}

async fn answer_with<L, T>(layer: L, body: Steps) -> T
where
    L: tower::Layer<tower::util::BoxCloneService<Request<()>, Response<Steps>, BoxError>>,
    L::Service: tower::Service<Request<()>, Response = T, Error = BoxError>,
{
    let body = Arc::new(Mutex::new(Some(body)));
    let inner = service_fn(move |_: Request<()>| {
        let body = body.lock().unwrap().take().expect("one request");
        async { Ok::<_, BoxError>(Response::new(body)) }
    });
    ServiceBuilder::new().layer(layer).service(inner.boxed_clone()).oneshot(Request::new(())).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_body_arrives_frame_by_frame_and_is_settled_at_its_end() {
    let script = Script::new();
    let body = steps([Step::Data("one"), Step::Wait, Step::Data("two"), Step::Trailers]);
    let mut body = governed(script.client(), body).await.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    assert_eq!(script.routes(), [Route::Reserve]);
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "two");
    assert!(body.frame().await.unwrap().unwrap().is_trailers());
    assert_eq!(script.routes(), [Route::Reserve]);
    assert!(!body.is_end_stream());
    assert!(body.frame().await.is_none());
    assert!(body.is_end_stream());
    let commit = script.of(Route::Commit)[0].json();
    assert_eq!(commit["actual"]["amount"], 10);
    assert_eq!(commit["metrics"]["latency_ms"], 1_000, "the request lasts as long as its body");
}

#[tokio::test(start_paused = true)]
async fn a_body_is_made_within_the_context_of_its_request() {
    let script = Script::new();
    let body = steps([Step::Data("one"), Step::Record(2), Step::Data("two"), Step::Record(3)]);
    let collected = governed(script.client(), body).await.into_body().collect().await.unwrap();
    assert_eq!(collected.to_bytes(), "onetwo");
    assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], 5);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_made_with_the_client_and_the_scope_of_the_place_that_made_its_request() {
    let script = Script::new();
    let client = script.client().scoped(Scope::agent("jane"));
    let body = steps([Step::Data("one"), Step::Reserve, Step::Data("two")]);
    let response = client.run(governed(script.client(), body)).await;
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "onetwo");
    let asked = script.of(Route::Reserve);
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|asked| asked.json()["subject"]["agent"] == "jane"), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_is_asked_for_its_next_frame_only_when_somebody_reads_on() {
    let script = Script::new();
    let body = steps([Step::Data("one"), Step::Record(2), Step::Data("two"), Step::Record(3)]);
    let mut body = governed(script.client(), body).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    settle().await;
    assert_eq!(script.routes(), [Route::Reserve, Route::Release], "nothing was recorded yet");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_reads_to_its_end_settles_as_a_call_that_is_cancelled() {
    for (policy, recorded, expected) in [
        (UnknownSpend::Release, false, (Route::Release, json!(null), json!(null))),
        (UnknownSpend::ChargeEstimate, false, (Route::Commit, json!(10), json!("cancellation"))),
        (UnknownSpend::Release, true, (Route::Commit, json!(2), json!("cancellation"))),
    ] {
        let script = Script::new();
        let first = if recorded { Step::Record(2) } else { Step::Wait };
        let body = steps([first, Step::Data("one"), Step::Data("two")]);
        let alive = Arc::clone(&body.alive);
        let response = governed_by(script.client(), body, move |request| ask(request).unknown_spend(policy)).await;
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        drop(body);
        assert_eq!(Arc::strong_count(&alive), 1, "the provider is hung up on");
        settle().await;
        let sent = script.sent().pop().unwrap();
        let said = sent.json();
        assert_eq!((sent.route, said["actual"]["amount"].clone(), said["metadata"]["settled_after"].clone()), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_returns_the_hold_and_its_error_reaches_the_reader() {
    let script = Script::new();
    let mut body = governed(script.client(), steps([Step::Data("one"), Step::Fail])).await.into_body();
    body.frame().await.unwrap().unwrap();
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.downcast::<std::io::Error>().unwrap().to_string(), "the model hung up");
    assert!(body.frame().await.is_none());
    assert_eq!(script.of(Route::Release)[0].json()["reason"], "guarded_method_failed");
}

#[tokio::test(start_paused = true)]
async fn the_reservation_of_a_long_body_is_kept_alive() {
    let script = Script::new();
    let waits = std::iter::repeat_with(|| [Step::Data("word"), Step::Wait]).take(50).flatten();
    let response =
        governed_by(script.client(), steps(waits), |request| ask(request).ttl(Duration::from_secs(20))).await;
    response.into_body().collect().await.unwrap();
    assert!(script.of(Route::Extend).len() >= 2, "{:?}", script.routes());
    assert_eq!(script.of(Route::Commit).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_whose_reservation_is_lost_ends_with_that_error_where_the_policy_asks_for_it() {
    let script = Script::new();
    script.always(Route::Extend, reply::refusal(409, "RESERVATION_EXPIRED"));
    let waits = std::iter::repeat_with(|| [Step::Data("word"), Step::Wait]).take(100).flatten();
    let response = governed_by(script.client(), steps(waits), |request| {
        ask(request).ttl(Duration::from_secs(20)).heartbeat(HeartbeatPolicy::Cancel)
    })
    .await;
    let error = response.into_body().collect().await.unwrap_err();
    assert!(matches!(error.downcast_ref::<Error>(), Some(Error::LeaseLost { .. })), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_body_of_known_length_is_settled_with_its_head() {
    let script = Script::new();
    let inner = service_fn(async |_: Request<()>| {
        Ok::<_, BoxError>(Response::new(Full::new(Bytes::from_static(b"all of it"))))
    });
    let layer = BudgetLayer::new(ask).client(script.client()).until_body_ends();
    let response = ServiceBuilder::new().layer(layer).service(inner).oneshot(Request::new(())).await.unwrap();
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit], "also where nobody reads the body, as for HEAD");
    assert_eq!(response.body().size_hint().exact(), Some(9));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "all of it");
}

#[tokio::test(start_paused = true)]
async fn a_response_that_failed_is_settled_with_its_head() {
    let script = Script::new();
    let inner = service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::builder().status(500).body(steps([Step::Data("broken")])).unwrap())
    });
    let layer = BudgetLayer::new(ask)
        .client(script.client())
        .actual(by_status::<Steps>)
        .refused_as(|error: Error| panic!("{error}"))
        .until_body_ends();
    let response = ServiceBuilder::new().layer(layer).service(inner).oneshot(Request::new(())).await.unwrap();
    assert_eq!(script.routes(), [Route::Reserve, Route::Release]);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "broken");
}

/// Reads a body as long as the number of its bytes.
fn count(_: &response::Parts) -> impl FnMut(Option<&Frame<Bytes>>) -> Option<Amount> + Send + use<> {
    let mut bytes = 0;
    move |frame| {
        bytes += frame.and_then(Frame::data_ref).map_or(0, |data| data.len() as u64);
        Some(tokens(bytes))
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_says_what_a_body_has_cost_at_its_end_or_as_far_as_it_was_read() {
    for (frames, expected) in [(3, json!(6)), (1, json!(3))] {
        let script = Script::new();
        let layer = BudgetLayer::new(ask).client(script.client()).read_body(count);
        let response: Response<BudgetBody<Steps>> =
            answer_with(layer, steps([Step::Data("one"), Step::Data("two")])).await;
        let mut body = response.into_body();
        for _ in 0..frames {
            body.frame().await.transpose().unwrap();
        }
        drop(body);
        settle().await;
        assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_sees_the_end_of_a_body_that_is_empty_from_the_start() {
    let script = Script::new();
    let layer = BudgetLayer::new(ask).client(script.client()).read_body(count);
    let inner = service_fn(async |_: Request<()>| Ok::<_, BoxError>(Response::new(Empty::<Bytes>::new())));
    ServiceBuilder::new().layer(layer).service(inner).oneshot(Request::new(())).await.unwrap();
    assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_has_delivered_its_whole_length_is_complete_though_nobody_asks_for_its_end() {
    let script = Script::new();
    let mut body = steps([Step::Data("one"), Step::Data("two")]);
    body.size = SizeHint::with_exact(6);
    let layer = BudgetLayer::new(ask).client(script.client()).read_body(|_: &response::Parts| {
        let mut is_over = false;
        move |frame: Option<&Frame<Bytes>>| {
            is_over |= frame.is_none();
            is_over.then(|| tokens(8))
        }
    });
    let response: Response<BudgetBody<Steps>> = answer_with(layer, body).await;
    let mut body = response.into_body();
    assert_eq!(body.size_hint().exact(), Some(6));
    body.frame().await.unwrap().unwrap();
    assert_eq!(body.size_hint().exact(), Some(3));
    body.frame().await.unwrap().unwrap();
    drop(body);
    settle().await;
    let commit = script.of(Route::Commit)[0].json();
    assert_eq!((commit["actual"]["amount"].clone(), commit["metadata"].clone()), (json!(8), json!(null)));
}

#[tokio::test(start_paused = true)]
async fn a_body_of_known_length_that_comes_piece_by_piece_is_settled_at_its_end() {
    for (first, length) in [(Step::Data("one"), 6), (Step::Wait, 3)] {
        let script = Script::new();
        let mut body = steps([first, Step::Record(2), Step::Data("two"), Step::Record(3)]);
        body.size = SizeHint::with_exact(length);
        let layer = BudgetLayer::new(ask).client(script.client()).until_body_ends();
        let response: Response<BudgetBody<Steps>> = answer_with(layer, body).await;
        assert_eq!(script.routes(), [Route::Reserve]);
        assert_eq!(response.body().size_hint().exact(), Some(length));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len() as u64, length);
        assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_delivers_its_known_length_at_once_is_settled_with_its_head_though_it_knows_no_end() {
    let script = Script::new();
    let mut body = steps([Step::Data("one"), Step::Wait]);
    body.size = SizeHint::with_exact(3);
    let layer = BudgetLayer::new(ask).client(script.client()).until_body_ends();
    let response: Response<BudgetBody<Steps>> = answer_with(layer, body).await;
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit]);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "one");
}

#[tokio::test(start_paused = true)]
async fn a_body_of_known_length_that_fails_at_once_returns_the_hold() {
    let script = Script::new();
    let mut body = steps([Step::Fail]);
    body.size = SizeHint::with_exact(3);
    let layer = BudgetLayer::new(ask).client(script.client()).until_body_ends();
    let response: Response<BudgetBody<Steps>> = answer_with(layer, body).await;
    assert_eq!(script.routes(), [Route::Reserve, Route::Release]);
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_has_delivered_its_length_is_complete_before_its_end_is_there_unless_trailers_are_to_come() {
    for (has_trailers, expected) in [(false, Route::Commit), (true, Route::Release)] {
        let script = Script::new();
        let body = Arc::new(Mutex::new(Some(steps([Step::Data("one"), Step::Wait, Step::Trailers]))));
        let inner = service_fn(move |_: Request<()>| {
            let response = Response::builder().header("content-length", "3");
            let response = if has_trailers { response.header("trailer", "x-cost") } else { response };
            let body = body.lock().unwrap().take().expect("one request");
            async { response.body(body).map_err(BoxError::from) }
        });
        let layer = BudgetLayer::new(ask).client(script.client()).until_body_ends();
        let service = ServiceBuilder::new().layer(layer).service(inner);
        let mut body = service.oneshot(Request::new(())).await.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
        drop(body);
        settle().await;
        assert_eq!(script.routes(), [Route::Reserve, expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_may_be_handed_to_another_task_and_to_clients_that_share_bodies() {
    fn shared<T: Send + Sync>(body: T) -> T {
        body
    }
    let script = Script::new();
    let body = steps([Step::Data("one"), Step::Wait, Step::Record(4), Step::Data("two")]);
    let body = shared(governed(script.client(), body).await.into_body());
    let read = tokio::spawn(async move { body.collect().await.unwrap().to_bytes() });
    pass(Duration::from_secs(2)).await;
    assert_eq!(read.await.unwrap(), "onetwo");
    assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], 4);
}

//! A transport that records every request and answers by a script.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use runcycles::{
    BoxFuture, CyclesClient, CyclesClientBuilder, JournalConfig, Transport, TransportError, TransportErrorKind,
};
use tokio::sync::Notify;

use super::clock::within_a_day;
use super::honest::Honest;
use super::reply::Reply;
use super::sent::{Route, Sent};

/// The API key of all tests: easy to find where it must not be.
pub(crate) const API_KEY: &str = "cyc_live_do-not-show";

/// Records every request and answers it by a script; what the script does not say is answered by the transport beyond it.
/// Clones are the same script.
#[derive(Clone)]
pub(crate) struct Script(Arc<Inner>);

struct Inner {
    beyond: Box<dyn Transport>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    sent: Vec<Sent>,
    once: HashMap<Route, VecDeque<Reply>>,
    always: HashMap<Route, Reply>,
    in_flight: usize,
    most_in_flight: usize,
}

impl Script {
    /// A script in front of an authority that allows everything.
    pub(crate) fn new() -> Self {
        Self::around(Honest::default())
    }

    /// A script in front of any transport.
    pub(crate) fn around(beyond: impl Transport) -> Self {
        Self(Arc::new(Inner { beyond: Box::new(beyond), state: Mutex::default(), changed: Notify::new() }))
    }

    /// Answers the next requests of a route, one after the other.
    pub(crate) fn next(&self, route: Route, replies: impl IntoIterator<Item = Reply>) {
        self.state().once.entry(route).or_default().extend(replies);
    }

    /// Answers the requests of a route that have no reply of their own.
    pub(crate) fn always(&self, route: Route, reply: Reply) {
        self.state().always.insert(route, reply);
    }

    /// Forgets all replies that have not been given: from here on, what lies beyond answers.
    pub(crate) fn recover(&self) {
        let mut state = self.state();
        state.once.clear();
        state.always.clear();
    }

    /// A builder of clients that talk to this script, for the tenant `acme`.
    pub(crate) fn builder(&self) -> CyclesClientBuilder {
        CyclesClient::builder(API_KEY, "http://authority.test")
            .journal(JournalConfig::disabled())
            .tenant("acme")
            .transport(self.clone())
    }

    /// A client that talks to this script, for the tenant `acme`.
    pub(crate) fn client(&self) -> CyclesClient {
        self.builder().build()
    }

    /// Every request so far.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    /// The requests of a route so far.
    pub(crate) fn of(&self, route: Route) -> Vec<Sent> {
        self.state().sent.iter().filter(|sent| sent.route == route).cloned().collect()
    }

    /// The routes of all requests so far.
    pub(crate) fn routes(&self) -> Vec<Route> {
        self.state().sent.iter().map(|sent| sent.route).collect()
    }

    /// The only request so far.
    #[track_caller]
    pub(crate) fn only(&self) -> Sent {
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent[0].clone()
    }

    /// Waits until a route has had so many requests, and returns them.
    pub(crate) async fn wait_for(&self, route: Route, count: usize) -> Vec<Sent> {
        let arrived = within_a_day(async {
            loop {
                let changed = self.0.changed.notified();
                let sent = self.of(route);
                if sent.len() >= count {
                    return sent;
                }
                changed.await;
            }
        });
        arrived.await.unwrap_or_else(|| panic!("not {count} requests of {route:?} but {:?}", self.sent()))
    }

    /// The most requests that were under way at a time.
    pub(crate) fn most_in_flight(&self) -> usize {
        self.state().most_in_flight
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().expect("no test panics while it holds the script")
    }

    fn take_reply(&self, route: Route) -> Reply {
        let mut state = self.state();
        let once = state.once.get_mut(&route).and_then(VecDeque::pop_front);
        once.or_else(|| state.always.get(&route).cloned()).unwrap_or(Reply::Pass)
    }

    async fn answer(
        &self,
        mut reply: Reply,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        loop {
            match reply {
                Reply::Answer(status, headers, body) => {
                    let mut answer = http::Response::new(body);
                    (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
                    return Ok(answer);
                }
                Reply::Fail(kind) => return Err(TransportError::new(kind)),
                Reply::Panic => std::panic::resume_unwind(Box::new("the transport broke")),
                Reply::Silence => std::future::pending().await,
                Reply::Lost => {
                    self.0.beyond.call(request).await?;
                    return Err(TransportError::new(TransportErrorKind::Interrupted));
                }
                Reply::Astray(time) => {
                    let script = self.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(time).await;
                        drop(script.0.beyond.call(request).await);
                    });
                    return Err(TransportError::new(TransportErrorKind::Timeout));
                }
                Reply::Pass => return self.0.beyond.call(request).await,
                Reply::Late(time, then) => {
                    tokio::time::sleep(time).await;
                    reply = *then;
                }
            }
        }
    }
}

impl Transport for Script {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let sent = Sent::new(&request);
            let reply = self.take_reply(sent.route);
            {
                let mut state = self.state();
                state.sent.push(sent);
                state.in_flight += 1;
                state.most_in_flight = state.most_in_flight.max(state.in_flight);
            }
            self.0.changed.notify_waiters();
            let _under_way = UnderWay(self);
            self.answer(reply, request).await
        })
    }
}

/// Counts a request as under way until it is answered or abandoned.
struct UnderWay<'a>(&'a Script);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

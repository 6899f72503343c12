//! The network between processes and the authority, which loses, delays, doubles, spoils and invents.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use http::{HeaderValue, Request, Response, StatusCode};
use runcycles::{BoxFuture, Transport, TransportError, TransportErrorKind};
use runcycles_authority::Authority;
use serde_json::Value;

use crate::case::Owner;
use crate::clock::WorldClock;
use crate::fate::{Damage, Fate, Reply};
use crate::judge::{DISK_MS, Heard, Judge};
use crate::life::Life;
use crate::route::Route;

/// More requests than any run needs.
const MOST_REQUESTS: usize = 20_000;

/// What all processes share. Clones are the same network.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) judge: Arc<Mutex<Judge>>,
    pub(crate) clock: WorldClock,
    pub(crate) authority: Authority,
    state: Arc<Mutex<State>>,
}

struct State {
    rng: Rng,
    /// The share of requests that something happens to.
    trouble: f64,
    /// The authority's names of reservations by the simulation's, which are the same in every run of a seed.
    real: BTreeMap<String, String>,
    /// The simulation's names by the authority's.
    names: BTreeMap<String, String>,
}

impl Network {
    pub(crate) fn new(authority: Authority, clock: WorldClock, judge: Arc<Mutex<Judge>>, rng: Rng) -> Self {
        let state = State { rng, trouble: 0.0, real: BTreeMap::new(), names: BTreeMap::new() };
        Self { judge, clock, authority, state: Arc::new(Mutex::new(state)) }
    }

    /// The share of requests from now on that something happens to.
    pub(crate) fn set_trouble(&self, trouble: f64) {
        self.state().trouble = trouble;
    }

    pub(crate) fn judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The authority's name of a reservation.
    pub(crate) fn real(&self, reservation: &str) -> String {
        self.state().real.get(reservation).cloned().unwrap_or_else(|| reservation.to_owned())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The authority acts on a request.
    async fn arrive(
        &self,
        request: &Request<Bytes>,
        route: Route,
        reservation: &str,
        owner: Owner,
    ) -> Result<Response<Bytes>, TransportError> {
        let mut outgoing = Request::new(request.body().clone());
        (*outgoing.method_mut(), *outgoing.headers_mut()) = (request.method().clone(), request.headers().clone());
        let uri = request.uri().to_string().replace(reservation, &self.real(reservation));
        *outgoing.uri_mut() =
            if reservation.is_empty() { request.uri().clone() } else { uri.parse().expect("an address") };
        let answer = self.authority.transport().call(outgoing).await?;
        let (head, body) = answer.into_parts();
        let body = self.renamed(body);
        let mut judge = self.judge();
        judge.acts(route, &settled_reservation(route, reservation, request.body()), head.status.as_u16(), &body);
        if let (Route::Reserve, Some(id)) = (route, reservation_in(&body)) {
            judge.made(&id, owner);
        }
        let ledger = self.authority.ledger("tenant:acme").expect("a ledger");
        judge.weighs(&ledger);
        Ok(Response::from_parts(head, body))
    }

    /// An answer with the simulation's names of reservations.
    fn renamed(&self, body: Bytes) -> Bytes {
        let State { real, names, .. } = &mut *self.state();
        if let Some(id) = reservation_in(&body).filter(|id| !names.contains_key(id) && !real.contains_key(id)) {
            let name = format!("rsv-{}", names.len());
            names.insert(id.clone(), name.clone());
            real.insert(name, id);
        }
        let mut text = String::from_utf8_lossy(&body).into_owned();
        for (id, name) in names {
            text = text.replace(&**id, name);
        }
        text.into()
    }
}

fn reservation_in(body: &Bytes) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    Some(body.get("reservation_id")?.as_str()?.to_owned())
}

/// The reservation that a request is about: an event names it in its metadata.
fn settled_reservation(route: Route, reservation: &str, body: &Bytes) -> String {
    if route != Route::Event {
        return reservation.to_owned();
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["metadata"]["recovered_reservation_id"].as_str().unwrap_or_default().to_owned()
}

/// One process's way to the network.
pub(crate) struct Door {
    pub(crate) network: Network,
    pub(crate) process: usize,
    pub(crate) life: Life,
}

impl Transport for Door {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let (route, in_path) = Route::of(&request);
            let reservation = settled_reservation(route, &in_path, request.body());
            if self.network.judge().counts.requests > MOST_REQUESTS {
                self.network.judge().broken("requests without end".to_owned());
                self.life.end();
            }
            if !self.life.step() {
                return std::future::pending().await;
            }
            let fate = {
                let State { rng, trouble, .. } = &mut *self.network.state();
                Fate::draw(rng, *trouble, route)
            };
            {
                let mut judge = self.network.judge();
                let now_ms = self.network.clock.now_ms();
                judge.sends(self.process, route, &reservation, request.body(), now_ms);
                judge.note(now_ms, format_args!("  {fate:?}"));
                judge.counts.faults += usize::from(!matches!(fate, Fate::Pass(_)));
            }
            let _attempt = Attempt { door: self, route, reservation: &reservation };
            let (answer, genuine) = self.go(&request, route, &in_path, fate).await;
            // A process that does not live to see the answer never knows of it.
            if !self.life.step() {
                return std::future::pending().await;
            }
            self.hear(route, &reservation, &answer, genuine);
            answer
        })
    }
}

/// An attempt that is under way until it is answered or given up.
struct Attempt<'a> {
    door: &'a Door,
    route: Route,
    reservation: &'a str,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.door.network.judge().attempt_ends(self.door.process, self.route, self.reservation);
    }
}

impl Door {
    /// Lets a request meet its fate. Also says whether the answer is the authority's own.
    async fn go(
        &self,
        request: &Request<Bytes>,
        route: Route,
        in_path: &str,
        fate: Fate,
    ) -> (Result<Response<Bytes>, TransportError>, bool) {
        let interrupted = || (Err(TransportError::new(TransportErrorKind::Interrupted)), false);
        // Who asks for a reservation owns it once the answer is heard.
        let arrive = || async {
            if !self.life.step() {
                return std::future::pending().await;
            }
            self.network.arrive(request, route, in_path, Owner::Nobody(self.process)).await
        };
        match fate {
            Fate::Pass(latency) => {
                tokio::time::sleep(latency / 2).await;
                let answer = arrive().await;
                tokio::time::sleep(latency / 2).await;
                (answer, true)
            }
            Fate::Lose => {
                drop(arrive().await);
                interrupted()
            }
            Fate::Refuse => (Err(TransportError::new(TransportErrorKind::Connect)), false),
            Fate::Silence { arrives } => {
                if arrives {
                    drop(arrive().await);
                }
                std::future::pending().await
            }
            Fate::Astray(after) => {
                let (network, in_path) = (self.network.clone(), in_path.to_owned());
                let mut late = Request::new(request.body().clone());
                (*late.method_mut(), *late.headers_mut()) = (request.method().clone(), request.headers().clone());
                *late.uri_mut() = request.uri().clone();
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    drop(network.arrive(&late, route, &in_path, Owner::Ghost).await);
                });
                (Err(TransportError::new(TransportErrorKind::Timeout)), false)
            }
            Fate::Twice => {
                drop(arrive().await);
                (arrive().await, true)
            }
            Fate::Spoil(damage) => match arrive().await {
                Ok(answer) if answer.status().is_success() => (Ok(spoil(answer, damage)), false),
                other => (other, true),
            },
            Fate::Answer(reply) => (Ok(answer(reply)), false),
            Fate::Panic => {
                if route == Route::Extend {
                    self.network.judge().extension_fails(self.process, in_path, self.network.clock.now_ms());
                }
                std::panic::resume_unwind(Box::new("the transport broke"))
            }
        }
    }

    /// Tells the judge what a living process hears.
    fn hear(&self, route: Route, reservation: &str, answer: &Result<Response<Bytes>, TransportError>, genuine: bool) {
        let now_ms = self.network.clock.now_ms();
        let mut judge = self.network.judge();
        let Ok(answer) = answer else {
            judge.hears(self.process, route, reservation, None, now_ms);
            return;
        };
        let status = answer.status().as_u16();
        let code = serde_json::from_slice::<Value>(answer.body()).ok();
        let code = code.as_ref().and_then(|body| body["error"].as_str());
        let heard = match status {
            200 | 201 if genuine => Heard::Success,
            429 => Heard::Throttle(wait_ms(answer)),
            400 if code == Some("INVALID_REQUEST") => Heard::Rejection,
            _ => Heard::Other,
        };
        if let (Route::Reserve, Heard::Success, Some(id)) = (route, heard, reservation_in(answer.body())) {
            judge.made(&id, Owner::Process);
        }
        judge.hears(self.process, route, reservation, Some(heard), now_ms);
        if let Heard::Throttle(DISK_MS..) = heard {
            let network = self.network.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(DISK_MS)).await;
                network.judge().rests(network.clock.now_ms());
            });
        }
    }
}

/// How long an answer asks to wait, in milliseconds. What is no number of seconds asks for nothing; too many are very many.
fn wait_ms(answer: &Response<Bytes>) -> u64 {
    let header = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match header.parse::<u64>() {
        Ok(seconds) => seconds.saturating_mul(1_000),
        Err(_) if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) => u64::MAX,
        Err(_) => 0,
    }
}

fn answer(reply: Reply) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(reply.body));
    *answer.status_mut() = StatusCode::from_u16(reply.status).expect("a status");
    if let Some(retry_after) = reply.retry_after {
        answer.headers_mut().insert("retry-after", HeaderValue::from_static(retry_after));
    }
    answer
}

fn spoil(answer: Response<Bytes>, damage: Damage) -> Response<Bytes> {
    let (mut head, mut body) = answer.into_parts();
    match damage {
        Damage::Half => body.truncate(body.len() / 2),
        Damage::Empty => body.clear(),
        Damage::Status(status) => head.status = StatusCode::from_u16(status).expect("a status"),
        Damage::State => {
            let mut json: Value = serde_json::from_slice(&body).unwrap_or_default();
            json["status"] = "SOMETHING_ELSE".into();
            json["decision"] = "SOMETHING_ELSE".into();
            json["reservations"] = Value::Null;
            body = json.to_string().into();
        }
    }
    Response::from_parts(head, body)
}

//! A network that does to settling requests what a scenario says, and remembers what was on disk when each left.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use bytes::Bytes;
use runcycles::{BoxFuture, Transport, TransportError, TransportErrorKind};
use serde_json::Value;
use tokio::sync::Barrier;

use super::world_clock::WorldClock;
use crate::support::sent::{Route, Sent};

/// What happens to a request.
#[derive(Clone)]
pub(super) enum Fate {
    /// It arrives, and so does its answer.
    Pass,
    /// It arrives, and its answer is lost with the connection.
    LoseAnswer,
    /// It arrives, and nothing comes back.
    StallAfter,
    /// It neither arrives nor fails.
    StallBefore,
    /// No connection is made.
    Fail,
    /// Something else answers: status, `Retry-After`, body.
    Answer(u16, Option<&'static str>, &'static str),
    /// It arrives when another does, at the same time.
    Meet(Arc<Barrier>),
}

/// A request that left, and when, and what was on disk then.
#[derive(Clone)]
pub(super) struct Left {
    pub(super) sent: Sent,
    pub(super) at_ms: u64,
    pub(super) on_disk: Vec<Value>,
}

/// The network between one process and the authority. Clones are the same network.
#[derive(Clone)]
pub(super) struct Wire(Arc<Inner>);

struct Inner {
    beyond: Arc<dyn Transport>,
    directory: PathBuf,
    clock: WorldClock,
    state: Mutex<State>,
}

struct State {
    fates: VecDeque<(Route, Fate)>,
    left: Vec<Left>,
}

impl Wire {
    pub(super) fn new(
        beyond: Arc<dyn Transport>,
        directory: PathBuf,
        clock: WorldClock,
        fates: impl IntoIterator<Item = (Route, Fate)>,
    ) -> Self {
        let state = State { fates: fates.into_iter().collect(), left: Vec::new() };
        Self(Arc::new(Inner { beyond, directory, clock, state: Mutex::new(state) }))
    }

    /// The requests of these routes that left, in order.
    pub(super) fn left(&self, routes: &[Route]) -> Vec<Left> {
        self.state().left.iter().filter(|left| routes.contains(&left.sent.route)).cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next fate for a route.
    fn fate(&self, route: Route) -> Fate {
        let mut state = self.state();
        let at = state.fates.iter().position(|(wanted, _)| *wanted == route);
        at.and_then(|at| state.fates.remove(at)).map_or(Fate::Pass, |(_, fate)| fate)
    }
}

impl Transport for Wire {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let sent = Sent::new(&request);
            let fate = self.fate(sent.route);
            let (at_ms, on_disk) = (self.0.clock.now_ms(), records(&self.0.directory));
            self.state().left.push(Left { sent, at_ms, on_disk });
            match fate {
                Fate::Pass => self.0.beyond.call(request).await,
                Fate::LoseAnswer => {
                    self.0.beyond.call(request).await?;
                    Err(TransportError::new(TransportErrorKind::Interrupted))
                }
                Fate::StallAfter => {
                    self.0.beyond.call(request).await?;
                    std::future::pending().await
                }
                Fate::StallBefore => std::future::pending().await,
                Fate::Fail => Err(TransportError::new(TransportErrorKind::Connect)),
                Fate::Answer(status, retry_after, body) => {
                    let mut answer = http::Response::builder().status(status);
                    if let Some(retry_after) = retry_after {
                        answer = answer.header("retry-after", retry_after);
                    }
                    Ok(answer.body(Bytes::from(body)).expect("a valid answer"))
                }
                Fate::Meet(barrier) => {
                    barrier.wait().await;
                    self.0.beyond.call(request).await
                }
            }
        })
    }
}

/// All files below a directory.
pub(super) fn files(directory: &Path) -> Vec<PathBuf> {
    let inside =
        |folder: &Path| -> io::Result<Vec<PathBuf>> { fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect() };
    let mut files = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        let (below, here): (Vec<_>, Vec<_>) =
            inside(&folder).unwrap_or_default().into_iter().partition(|path| path.is_dir());
        folders.extend(below);
        files.extend(here);
    }
    files.sort();
    files
}

/// The records below a directory, in the order of their names.
pub(super) fn records(directory: &Path) -> Vec<Value> {
    let is_record = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let files = files(directory);
    let texts = files.iter().filter(is_record).map(|path| fs::read(path).expect("a file"));
    texts.filter_map(|text| serde_json::from_slice(&text).ok()).collect()
}

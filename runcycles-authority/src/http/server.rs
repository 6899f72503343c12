//! The HTTP server: sockets around the router.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs, lookup_host};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::front::Front;

/// The largest body that is read.
const BODY_LIMIT: usize = 1 << 20;
/// How long a client may take to send a request's head; also how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to send a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections served at the same time. Others wait in the operating system's queue until one closes.
const CONNECTION_LIMIT: usize = 16_384;
/// How long to wait where the operating system has no file descriptor for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// How long requests in flight may take once the server is asked to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address as it was given.
        addr: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// Other machines would reach an authority that nobody gave a key to.
    #[error(
        "{addr} can be reached from other machines, but no API key was configured: listen on 127.0.0.1, or give keys to the builder with api_key(…)"
    )]
    Open {
        /// The address.
        addr: SocketAddr,
    },
}

/// A running HTTP server. Stops when it is dropped; [`shutdown`](Self::shutdown) lets requests in flight finish first.
#[derive(Debug)]
#[must_use = "the server stops when it is dropped"]
pub struct Server {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of clients on this machine, such as `http://127.0.0.1:7878`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Takes no new connections, and returns when the requests in flight are answered, at most ten seconds later.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // The task ends by itself, or was aborted with its runtime; either way it is over.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts to listen.
pub(crate) async fn listen(
    addr: impl ToSocketAddrs + std::fmt::Debug,
    front: Arc<Front>,
    has_keys: bool,
) -> Result<Server, BindError> {
    let shown = format!("{addr:?}");
    let failed = |source| BindError::Listen { addr: shown.clone(), source };
    let addrs: Vec<_> = lookup_host(addr).await.map_err(failed)?.collect();
    if let Some(open) = addrs.iter().find(|addr| !addr.ip().is_loopback())
        && !has_keys
    {
        return Err(BindError::Open { addr: *open });
    }
    let listener = TcpListener::bind(&*addrs).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(run(listener, front, stopping));
    Ok(Server { addr, stop, task })
}

/// Accepts connections until told to stop, then waits for those that are being served.
async fn run(listener: TcpListener, front: Arc<Front>, mut stopping: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(CONNECTION_LIMIT));
    let graceful = GracefulShutdown::new();
    // Connections belong to this task, so that they end with it.
    let mut connections = JoinSet::new();
    loop {
        let accept = async {
            let permit = permits.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            () = stopped(&mut stopping) => break,
            Some(_) = connections.join_next() => {}
            (permit, accepted) = accept => match accepted {
                Ok((stream, _)) => {
                    let served = serve(stream, front.clone(), graceful.watcher());
                    connections.spawn(async move {
                        served.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    if timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight when the server stopped");
    }
}

/// Returns when the server is to stop, which is also when nobody can say so any more.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Serves one connection to its end.
async fn serve(stream: TcpStream, front: Arc<Front>, watcher: Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps waiting for full packets");
    }
    let service = service_fn(|request| answer(&front, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Reads a request's body, within its limits, and answers it.
async fn answer(
    front: &Front,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn StdError + Send + Sync>> {
    let (head, body) = request.into_parts();
    let refuse = |status, message| {
        let mut response = front.refuse_body(&head.headers, status, message);
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        Ok(response.map(Full::new))
    };
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, too_large());
    }
    let body = match timeout(BODY_TIMEOUT, Limited::new(body, BODY_LIMIT).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return refuse(StatusCode::PAYLOAD_TOO_LARGE, too_large()),
        Ok(Err(error)) => return Err(error),
        Err(_) => {
            let message = format!("Request timed out: no complete body within {} s", BODY_TIMEOUT.as_secs());
            return refuse(StatusCode::REQUEST_TIMEOUT, message);
        }
    };
    // An error ends the connection without an answer.
    Ok(front.answer(&Request::from_parts(head, body)).await?.map(Full::new))
}

fn too_large() -> String {
    format!("Request body too large: at most {BODY_LIMIT} bytes")
}

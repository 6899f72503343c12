//! The HTTP server: sockets around the router.

use std::error::Error as StdError;
use std::io;
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
use tokio::net::{TcpListener, TcpSocket, TcpStream, ToSocketAddrs, lookup_host};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::limits::ServerLimits;
use super::patience::Patient;
use crate::front::Front;

/// How much of a body that is too large is read all the same: its sender may look for the answer only after sending it.
const UNWANTED_BYTES: u64 = 16 << 20;
/// Connections that may wait to be accepted, as far as the operating system allows: every agent of a fleet may come back at
/// once when the server was restarted, and whoever finds no room tries again a second later.
const BACKLOG: u32 = 4_096;
/// How long to wait where the operating system has no file descriptor for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

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
        source: io::Error,
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

    /// Takes no new connections, and returns when the requests in flight are answered, at most
    /// [`drain_timeout`](ServerLimits::drain_timeout) later.
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
    limits: ServerLimits,
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
    let listener = bind(&addrs).map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    if !addr.ip().is_loopback() {
        front.expose();
    }
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(run(listener, front, limits, stopping));
    Ok(Server { addr, stop, task })
}

/// Listens on the first of some addresses that can be listened on.
fn bind(addrs: &[SocketAddr]) -> io::Result<TcpListener> {
    let bind = |addr: &SocketAddr| {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A server that was stopped leaves connections behind, which keep the port from the next one for a while.
        #[cfg(not(windows))]
        socket.set_reuseaddr(true)?;
        socket.bind(*addr)?;
        socket.listen(BACKLOG)
    };
    let mut refused = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for addr in addrs {
        match bind(addr) {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Accepts connections until told to stop, then waits for those that are being served.
async fn run(listener: TcpListener, front: Arc<Front>, limits: ServerLimits, mut stopping: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
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
                    let served = serve(stream, front.clone(), limits, graceful.watcher());
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
    if timeout(limits.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight when the server stopped");
    }
}

/// Returns when the server is to stop, which is also when nobody can say so any more.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Serves one connection to its end.
async fn serve(stream: TcpStream, front: Arc<Front>, limits: ServerLimits, watcher: Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps waiting for full packets");
    }
    let service = service_fn(|request| answer(&front, limits, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout)
        // A client that has nothing more to send still gets its answer.
        .half_close(true)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.answer_timeout)), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Reads a request's body, within its limits, and answers it.
async fn answer(
    front: &Front,
    limits: ServerLimits,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn StdError + Send + Sync>> {
    let (head, mut body) = request.into_parts();
    let refuse = |status, message| {
        let mut response = front.refuse_body(&head.headers, status, message);
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        Ok(response.map(Full::new))
    };
    let too_large = format!("Request body too large: at most {} bytes", limits.body_bytes);
    let announced = body.size_hint().lower();
    if announced > limits.body_bytes as u64 {
        // Who asks first has sent nothing yet.
        if !head.headers.contains_key(header::EXPECT) && announced <= UNWANTED_BYTES {
            discard(&mut body, limits).await;
        }
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, too_large);
    }
    let read = timeout(limits.body_timeout, Limited::new(&mut body, limits.body_bytes).collect()).await;
    let read = match read {
        Ok(Ok(read)) => read.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(&mut body, limits).await;
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, too_large);
        }
        Ok(Err(error)) => return Err(error),
        Err(_) => {
            let message = format!("Request timed out: no complete body within {:?}", limits.body_timeout);
            return refuse(StatusCode::REQUEST_TIMEOUT, message);
        }
    };
    // An error ends the connection without an answer.
    Ok(front.answer(&Request::from_parts(head, read)).await?.map(Full::new))
}

/// Reads what is left of a body and throws it away, within limits.
async fn discard(body: &mut Incoming, limits: ServerLimits) {
    let mut left = UNWANTED_BYTES;
    let all = async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
            if left == 0 {
                break;
            }
        }
    };
    // What is not read by then ends with the connection.
    let _ = timeout(limits.body_timeout, all).await;
}

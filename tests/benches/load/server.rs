//! A server that allows everything, in a process of its own, on one thread.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};

use super::answers;
use super::leases::{Arithmetic, Leases};
use super::traffic::Traffic;

/// A server's process, which ends with this.
pub(crate) struct Server {
    process: Child,
    /// It serves until this is closed.
    _input: Option<ChildStdin>,
    pub(crate) addr: SocketAddr,
}

impl Server {
    /// Starts one by a command that runs this program.
    pub(crate) fn start(mut this_program: Command, arithmetic: Arithmetic) -> Self {
        this_program.args(["as", "server", arithmetic.name()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = this_program.spawn().expect("this program, once more");
        let mut line = String::new();
        let output = process.stdout.take().expect("a piped output");
        std::io::BufReader::new(output).read_line(&mut line).expect("a line from the server");
        let addr = line.trim().parse().expect("the address that the server tells");
        Self { _input: process.stdin.take(), process, addr }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Serves until whoever started this process is gone.
pub(crate) fn serve(arithmetic: Arithmetic) {
    std::thread::spawn(|| {
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        println!("{}", listener.local_addr().expect("a bound address"));
        std::io::stdout().flush().expect("an open output");
        let desk = Rc::new(RefCell::new(Desk::new(arithmetic)));
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::task::spawn_local(on_connection(stream, Rc::clone(&desk)));
        }
    });
}

async fn on_connection(stream: TcpStream, desk: Rc<RefCell<Desk>>) {
    stream.set_nodelay(true).expect("a socket");
    desk.borrow_mut().traffic.opened();
    let answer = service_fn(|request: Request<Incoming>| answer(request, &desk));
    // A client that goes away is no error.
    drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
    desk.borrow_mut().traffic.closed();
}

async fn answer(request: Request<Incoming>, desk: &RefCell<Desk>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let (status, text) = desk.borrow_mut().answer(head.uri.path(), &body, Instant::now());
    let mut response = Response::new(Full::new(text));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// What a request says about a lease.
#[derive(Default, Deserialize)]
struct Wish {
    #[serde(default)]
    ttl_ms: u64,
    #[serde(default)]
    extend_by_ms: u64,
}

/// Answers.
struct Desk {
    leases: Leases,
    traffic: Traffic,
    made: u64,
}

impl Desk {
    fn new(arithmetic: Arithmetic) -> Self {
        Self { leases: Leases::new(arithmetic), traffic: Traffic::new(Instant::now()), made: 0 }
    }

    fn answer(&mut self, path: &str, body: &[u8], now: Instant) -> (StatusCode, Bytes) {
        let Some(rest) = path.strip_prefix("/v1/reservations") else {
            return (StatusCode::OK, self.traffic.told(self.leases.lapsed_until(now), now).into());
        };
        let wish: Wish =
            if self.leases.are_kept() { serde_json::from_slice(body).unwrap_or_default() } else { Wish::default() };
        let Some((id, act)) = rest.strip_prefix('/').and_then(|rest| rest.split_once('/')) else {
            self.made += 1;
            let id = format!("0a1b2c3d-4e5f-4a6b-8c7d-{:012x}", self.made);
            let term = self.leases.open(&id, Duration::from_millis(wish.ttl_ms), now);
            return (StatusCode::OK, answers::reserved(&id, term.expires_at_ms, term.remaining_ttl_ms).into());
        };
        if act == "extend" {
            self.traffic.extended(now);
            return match self.leases.extend(id, Duration::from_millis(wish.extend_by_ms), now) {
                Some(term) => (StatusCode::OK, answers::extended(term.expires_at_ms, term.remaining_ttl_ms).into()),
                None => (StatusCode::GONE, Bytes::from_static(answers::EXPIRED.as_bytes())),
            };
        }
        self.leases.close(id);
        let text = if act == "commit" { answers::COMMITTED } else { answers::RELEASED };
        (StatusCode::OK, Bytes::from_static(text.as_bytes()))
    }
}

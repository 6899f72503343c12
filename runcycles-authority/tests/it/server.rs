//! The authority over HTTP.

use runcycles::tokens;
use runcycles_authority::{Authority, BindError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::hold;

const KEY: &str = "cyc_live_a_key_for_tests";

async fn authority() -> Authority {
    let builder = Authority::builder().budget("tenant:acme/agent:bot", tokens(100)).api_key(KEY, "acme");
    builder.start().await.expect("a valid set-up")
}

fn post(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /v1/reservations HTTP/1.1\r\nHost: x\r\nX-Cycles-API-Key: {KEY}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Sends text, and reads what comes back until the server closes.
async fn exchange(addr: std::net::SocketAddr, text: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(text).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_reservation_over_http_is_held_in_the_same_authority() {
    let authority = authority().await;
    let server = authority.serve("127.0.0.1:0").await.expect("a free port");
    assert_eq!(server.url(), format!("http://{}", server.addr()));

    let answer = exchange(server.addr(), post(&hold(40).to_string()).as_bytes()).await;

    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("x-cycles-tenant: acme\r\n"), "{answer}");
    assert_eq!(authority.ledger("tenant:acme/agent:bot").expect("a budget").reserved, tokens(40));
    server.shutdown().await;
}

#[tokio::test]
async fn a_server_that_was_shut_down_listens_no_more() {
    let authority = authority().await;
    let server = authority.serve("127.0.0.1:0").await.expect("a free port");
    let addr = server.addr();

    server.shutdown().await;

    assert!(TcpStream::connect(addr).await.is_err());
    drop(authority.serve(addr).await.expect("the port is free again"));
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_a_shutdown() {
    let server = authority().await.serve("127.0.0.1:0").await.expect("a free port");
    let mut idle = TcpStream::connect(server.addr()).await.expect("a connection");
    idle.write_all(b"GET /v1/balances?agent=bot HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("a request");
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 401");

    server.shutdown().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whether_or_not_it_says_so() {
    let server = authority().await.serve("127.0.0.1:0").await.expect("a free port");
    let large = " ".repeat((1 << 20) + 1);

    let announced = exchange(server.addr(), post(&large).as_bytes()).await;
    assert!(announced.starts_with("HTTP/1.1 413"), "{announced}");
    assert!(announced.contains("\"error\":\"INVALID_REQUEST\""), "{announced}");

    let head = format!(
        "POST /v1/reservations HTTP/1.1\r\nHost: x\r\nX-Cycles-API-Key: {KEY}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunked = format!("{head}{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let unannounced = exchange(server.addr(), chunked.as_bytes()).await;
    assert!(unannounced.starts_with("HTTP/1.1 413"), "{unannounced}");
}

#[tokio::test]
async fn nonsense_on_the_wire_ends_its_own_connection_only() {
    let server = authority().await.serve("127.0.0.1:0").await.expect("a free port");

    let answer = exchange(server.addr(), b"\x16\x03\x01 not http at all\r\n\r\n").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");

    let mut cut = TcpStream::connect(server.addr()).await.expect("a connection");
    let half = post(&hold(1).to_string());
    cut.write_all(&half.as_bytes()[..half.len() - 10]).await.expect("half a request");
    drop(cut);

    let answer = exchange(server.addr(), post(&hold(1).to_string()).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn other_machines_are_let_in_only_with_keys() {
    let open = Authority::builder().budget("tenant:acme", tokens(1)).start().await.expect("a valid set-up");
    open.api_key("acme");

    let error = open.serve("0.0.0.0:0").await.expect_err("an address of every interface");
    assert!(matches!(error, BindError::Open { .. }));
    assert!(error.to_string().contains("no API key was configured"), "{error}");

    drop(authority().await.serve("0.0.0.0:0").await.expect("a free port"));
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let authority = authority().await;
    let server = authority.serve("127.0.0.1:0").await.expect("a free port");

    let error = authority.serve(server.addr()).await.expect_err("a taken port");

    assert!(error.to_string().contains(&server.addr().to_string()), "{error}");
}

//! What clients do to a server on purpose or by accident, over sockets.

use std::net::SocketAddr;
use std::time::Duration;

use runcycles::tokens;
use runcycles_authority::{Authority, Call, Fault, Server, ServerLimits};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{hold, with};

const KEY: &str = "cyc_live_a_key_for_tests";
/// How long a server of these tests waits for anything.
const SHORT: Duration = Duration::from_millis(150);
/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(20);

async fn authority() -> Authority {
    let builder = Authority::builder().budget("tenant:acme/agent:bot", tokens(1_000_000)).api_key(KEY, "acme");
    builder.start().await.expect("a valid set-up")
}

async fn serve(limits: ServerLimits) -> (Authority, Server) {
    let authority = authority().await;
    let server = authority.serve_with("127.0.0.1:0", limits).await.expect("a free port");
    (authority, server)
}

fn limits() -> ServerLimits {
    ServerLimits::default()
}

/// The head of a reservation whose body is still to come.
fn head(more: &str) -> String {
    format!(
        "POST /v1/reservations HTTP/1.1\r\nHost: x\r\nX-Cycles-API-Key: {KEY}\r\nContent-Type: application/json\r\n{more}\r\n"
    )
}

fn reservation(body: &str) -> String {
    head(&format!("Content-Length: {}\r\n", body.len())) + body
}

async fn connect(addr: SocketAddr) -> TcpStream {
    TcpStream::connect(addr).await.expect("a connection")
}

/// Everything until the server closes.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A connection that is reset is closed as well.
    let _ = timeout(SOON, stream.read_to_end(&mut answer)).await.expect("the server closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

/// One answer on a connection that stays open.
async fn answer(stream: &mut TcpStream) -> (u16, Value) {
    let mut read = Vec::new();
    let read_all = async {
        loop {
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                let length = length.expect("a length");
                while read.len() < end + 4 + length {
                    assert_ne!(stream.read_buf(&mut read).await.expect("the rest"), 0);
                }
                let status = head[9..12].parse().expect("a status");
                return (status, serde_json::from_slice(&read[end + 4..]).expect("every body is JSON"));
            }
            assert_ne!(stream.read_buf(&mut read).await.expect("an answer"), 0, "closed without an answer");
        }
    };
    timeout(SOON, read_all).await.expect("an answer in time")
}

/// Somebody else is served, at once.
async fn assert_serves_others(addr: SocketAddr) {
    let mut stream = connect(addr).await;
    stream.write_all(reservation(&hold(1).to_string()).as_bytes()).await.expect("a request");
    assert_eq!(answer(&mut stream).await.0, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_once_it_was_sent() {
    let (authority, server) = serve(limits().body_bytes(10_000)).await;
    // Larger than what sockets buffer, so a client that writes first only comes to read when somebody took it.
    let large = " ".repeat(12 << 20);

    let mut announced = connect(server.addr()).await;
    announced.write_all(reservation(&large).as_bytes()).await.expect("the server takes it");
    let text = until_closed(&mut announced).await;
    assert!(text.starts_with("HTTP/1.1 413") && text.contains("at most 10000 bytes"), "{text}");
    assert!(text.contains("connection: close\r\n"), "{text}");

    let mut chunked = connect(server.addr()).await;
    chunked.write_all(head("Transfer-Encoding: chunked\r\n").as_bytes()).await.expect("a head");
    let chunk = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    chunked.write_all(chunk.as_bytes()).await.expect("the server takes it");
    let text = until_closed(&mut chunked).await;
    assert!(text.starts_with("HTTP/1.1 413") && text.contains("\"error\":\"INVALID_REQUEST\""), "{text}");

    assert_serves_others(server.addr()).await;
    assert_eq!(authority.ledger("tenant:acme/agent:bot").expect("a budget").reserved, tokens(1));
}

#[tokio::test]
async fn a_body_that_is_far_too_large_is_refused_unread() {
    let (_authority, server) = serve(limits()).await;
    for more in ["Content-Length: 99999999999\r\n", "Content-Length: 2000000\r\nExpect: 100-continue\r\n"] {
        let mut stream = connect(server.addr()).await;
        stream.write_all(head(more).as_bytes()).await.expect("a head");
        let text = until_closed(&mut stream).await;
        assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    }
}

#[tokio::test]
async fn a_body_that_is_just_small_enough_is_taken() {
    let body = hold(1).to_string();
    let (_authority, server) = serve(limits().body_bytes(body.len())).await;
    let mut stream = connect(server.addr()).await;

    stream.write_all(reservation(&body).as_bytes()).await.expect("a request");
    assert_eq!(answer(&mut stream).await.0, 200);
    let chunked = format!("{}{:x}\r\n{body}\r\n0\r\n\r\n", head("Transfer-Encoding: chunked\r\n"), body.len());
    stream.write_all(chunked.as_bytes()).await.expect("a request");
    assert_eq!(answer(&mut stream).await.0, 200);
    stream.write_all(reservation(&(body + " ")).as_bytes()).await.expect("a request");
    assert_eq!(answer(&mut stream).await.0, 413);
}

#[tokio::test]
async fn json_of_any_depth_is_refused_and_breaks_nothing() {
    let (_authority, server) = serve(limits()).await;
    let mut stream = connect(server.addr()).await;
    let deep = |open: &str, close: &str, levels: usize| open.repeat(levels) + "1" + &close.repeat(levels);
    let metadata =
        |value: &str| with(hold(1), serde_json::json!({"metadata": {"m": 0}})).to_string().replace("{\"m\":0}", value);
    for body in [
        deep("[", "]", 400_000),
        "[".repeat(900_000),
        metadata(&deep("{\"a\":", "}", 150_000)),
        metadata(&format!("{{\"a\":{}}}", deep("[", "]", 400_000))),
        metadata(&"{\"a\":".repeat(150_000)),
    ] {
        stream.write_all(reservation(&body).as_bytes()).await.expect("a request");
        let (status, body) = answer(&mut stream).await;
        assert_eq!((status, body["error"].as_str()), (400, Some("INVALID_REQUEST")), "{body}");
    }
    assert_serves_others(server.addr()).await;
}

#[tokio::test]
async fn a_head_that_does_not_end_is_waited_for_only_so_long() {
    let (_authority, server) = serve(limits().idle_timeout(SHORT)).await;
    let mut slow: Vec<TcpStream> = Vec::new();
    for sent in ["", "P", "POST /v1/reservations HTTP/1.1\r\n", "GET /v1/balances HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let mut stream = connect(server.addr()).await;
        stream.write_all(sent.as_bytes()).await.expect("a part of a head");
        slow.push(stream);
    }
    assert_serves_others(server.addr()).await;
    for stream in &mut slow {
        let text = until_closed(stream).await;
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_does_not_gain_time_with_each() {
    let (_authority, server) = serve(limits().idle_timeout(SHORT)).await;
    let mut stream = connect(server.addr()).await;
    let drip = async {
        stream.write_all(b"GET /v1/balances HTTP/1.1\r\nX-Slow: ").await?;
        loop {
            stream.write_all(b"a").await?;
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    let ended: Result<std::io::Result<()>, _> = timeout(SOON, drip).await;
    assert!(ended.expect("the server closes the connection").is_err());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_waited_for_only_so_long() {
    let (authority, server) = serve(limits().body_timeout(SHORT)).await;
    let body = hold(1).to_string();
    let mut stuck = connect(server.addr()).await;
    stuck.write_all(&reservation(&body).as_bytes()[..reservation(&body).len() - 5]).await.expect("most of a request");
    let mut dripping = connect(server.addr()).await;
    dripping.write_all(head("Transfer-Encoding: chunked\r\n").as_bytes()).await.expect("a head");
    assert_serves_others(server.addr()).await;

    let text = until_closed(&mut stuck).await;
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("no complete body within 150ms"), "{text}");
    let drip = async {
        while dripping.write_all(b"1\r\n \r\n").await.is_ok() && {
            tokio::time::sleep(SHORT / 10).await;
            true
        } {}
    };
    timeout(SOON, drip).await.expect("the server closes the connection");
    assert_eq!(authority.ledger("tenant:acme/agent:bot").expect("a budget").reserved, tokens(1));
}

#[tokio::test]
async fn a_client_that_reads_no_answers_is_let_go() {
    let (_authority, server) = serve(limits().answer_timeout(SHORT).connections(1)).await;
    let mut greedy = connect(server.addr()).await;
    let request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    // It asks until nobody takes its questions any more.
    let ask = async { while greedy.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(SOON, ask).await.expect("the server closes the connection");

    // There is room for one connection only.
    assert_serves_others(server.addr()).await;
}

#[tokio::test]
async fn a_peer_that_is_gone_without_a_word_makes_room() {
    let (_authority, server) = serve(limits().idle_timeout(SHORT).connections(2)).await;
    // Open, and never heard of again: one before its first request, one after it.
    let _silent = connect(server.addr()).await;
    let mut gone = connect(server.addr()).await;
    gone.write_all(reservation(&hold(1).to_string()).as_bytes()).await.expect("a request");
    assert_eq!(answer(&mut gone).await.0, 200);

    assert_serves_others(server.addr()).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_in_the_middle_of_a_request_is_its_own_affair() {
    let (authority, server) = serve(limits()).await;
    let body = hold(7).to_string();
    authority.inject_on(Call::Reserve, Fault::Delay(Duration::from_millis(20)));
    let whole = reservation(&body);
    for cut in [whole.len(), whole.len() - 3, 40] {
        let mut stream = connect(server.addr()).await;
        stream.write_all(&whole.as_bytes()[..cut]).await.expect("a part of a request");
        // Closing with nothing to wait for sends a reset.
        stream.set_zero_linger().expect("an option of the socket");
        drop(stream);
    }
    assert_serves_others(server.addr()).await;
    let mut stream = connect(server.addr()).await;
    stream.write_all(whole.as_bytes()).await.expect("the same request again");
    assert_eq!(answer(&mut stream).await.0, 200);
    assert_eq!(authority.ledger("tenant:acme/agent:bot").expect("a budget").reserved, tokens(8));
}

#[tokio::test]
async fn a_client_that_has_said_everything_still_gets_its_answer() {
    let (authority, server) = serve(limits()).await;
    authority.inject_on(Call::Reserve, Fault::Delay(Duration::from_millis(30)));
    let mut stream = connect(server.addr()).await;
    stream.write_all(reservation(&hold(1).to_string()).as_bytes()).await.expect("a request");
    stream.shutdown().await.expect("the end of what is sent");

    let text = until_closed(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}

#[tokio::test]
async fn requests_that_come_at_once_are_answered_in_their_order() {
    let (authority, server) = serve(limits()).await;
    let mut stream = connect(server.addr()).await;
    let mut all = String::new();
    for estimate in 1..=50 {
        all += &reservation(&hold(estimate).to_string());
    }
    stream.write_all(all.as_bytes()).await.expect("requests");
    stream.shutdown().await.expect("the end of what is sent");

    let text = until_closed(&mut stream).await;
    let reserved: Vec<u64> = text
        .split("\"reserved\":{\"unit\":\"TOKENS\",\"amount\":")
        .skip(1)
        // Each answer has the hold itself and the one of the budget.
        .step_by(2)
        .filter_map(|rest| rest.split('}').next()?.parse().ok())
        .collect();
    assert_eq!(reserved, (1..=50).collect::<Vec<_>>(), "{text}");
    assert_eq!(authority.ledger("tenant:acme/agent:bot").expect("a budget").reserved, tokens(50 * 51 / 2));
}

#[tokio::test]
async fn what_is_not_http_is_answered_or_closed_at_once() {
    let (_authority, server) = serve(limits()).await;
    let long_header = format!("GET / HTTP/1.1\r\nX-Long: {}\r\n\r\n", "a".repeat(1 << 20));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "X-Many: a\r\n".repeat(5_000));
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000));
    let nonsense: Vec<u8> = (0..20_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for bytes in [
        // The first bytes of TLS.
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\r\n\r\n"[..],
        // The first bytes of HTTP/2.
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"G\xc3\x89T / HTTP/1.1\r\n\r\n",
        b"POST /v1/reservations HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        b"POST /v1/reservations HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/reservations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        &nonsense,
        long_header.as_bytes(),
        many_headers.as_bytes(),
        long_path.as_bytes(),
    ] {
        let mut stream = connect(server.addr()).await;
        // The server may close before it has taken everything.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let text = until_closed(&mut stream).await;
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    assert_serves_others(server.addr()).await;
}

#[tokio::test]
async fn unusual_requests_get_ordinary_answers() {
    let (_authority, server) = serve(limits()).await;
    for (request, expected) in [
        ("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 401"),
        ("CONNECT x:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 401"),
        ("GET http://x/actuator/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200"),
        ("GET /actuator/health HTTP/1.0\r\n\r\n", "HTTP/1.0 200"),
        ("HEAD /actuator/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 405"),
        (
            "GET /actuator/health HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n\r\n",
            "HTTP/1.1 200",
        ),
        ("GET //..//%2e%2e/%00%ff?%=&&==%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 401"),
    ] {
        let mut stream = connect(server.addr()).await;
        stream.write_all(request.as_bytes()).await.expect("a request");
        let text = until_closed(&mut stream).await;
        assert!(text.starts_with(expected), "{request:?}: {text}");
    }
}

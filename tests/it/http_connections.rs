//! Connections that fail, through each transport.

use std::time::{Duration, Instant};

use runcycles::TransportErrorKind::{BodyTooLarge, Connect, Interrupted, Timeout};
use runcycles::{CyclesClient, CyclesClientBuilder, Error, HyperTransport, JournalConfig, TransportErrorKind};

use crate::support::operations::{self, call, decide};
use crate::support::raw_server::{self, Conduct};
use crate::support::script::API_KEY;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

/// A client by reqwest and one by hyper.
fn clients(url: &str) -> [CyclesClient; 2] {
    clients_with(url, |builder| builder)
}

fn clients_with(url: &str, settings: impl Fn(CyclesClientBuilder) -> CyclesClientBuilder) -> [CyclesClient; 2] {
    let builder = || settings(CyclesClient::builder(API_KEY, url).journal(JournalConfig::disabled()).tenant("acme"));
    [builder().build(), builder().transport(HyperTransport::new()).build()]
}

#[track_caller]
fn assert_failed<T>(result: Result<T, Error>, kind: TransportErrorKind) {
    match result {
        Err(Error::Transport(cause)) => assert_eq!(cause.kind(), kind, "{cause}"),
        Err(other) => panic!("{other}, expected {kind:?}"),
        Ok(_) => panic!("no error, expected {kind:?}"),
    }
}

#[tokio::test]
async fn a_refused_connection_is_known_not_to_have_brought_the_request() {
    let nobody = raw_server::nobody().await;
    for client in clients(&nobody) {
        for route in operations::ALL {
            assert_failed(call(&client, route).await, Connect);
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_interrupted_wherever_it_does() {
    let with = |rest: &[u8]| [HEAD, rest].concat();
    for bytes in [
        Vec::new(),
        b"HTTP/1.1 200 O".to_vec(),
        HEAD.to_vec(),
        with(b"content-length: 1000\r\n\r\n"),
        with(b"content-length: 1000\r\n\r\n{\"decision\":\"ALLOW\"}"),
        with(b"transfer-encoding: chunked\r\n\r\n14\r\n{\"decision\":\"ALLOW\"}\r\n"),
        with(b"transfer-encoding: chunked\r\n\r\nzz\r\n{\"decision\":\"ALLOW\"}\r\n"),
    ] {
        let server = raw_server::start(Conduct::Close(bytes)).await;
        for client in clients(&server) {
            assert_failed(client.decide(&decide()).await, Interrupted);
        }
    }
}

#[tokio::test]
async fn what_is_no_http_is_interrupted() {
    for bytes in [
        b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(),
        vec![0; 1 << 16],
        b"HTTP/1.1 999999 ?\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}".to_vec(),
        [b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".repeat(100_000)].concat(),
    ] {
        let server = raw_server::start(Conduct::Close(bytes)).await;
        for client in clients(&server) {
            assert_failed(client.decide(&decide()).await, Interrupted);
        }
    }
}

#[tokio::test]
async fn an_endless_body_is_not_read_to_its_end() {
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    let head = [HEAD, b"transfer-encoding: chunked\r\n\r\n"].concat();
    let server = raw_server::start(Conduct::Repeat(head, chunk)).await;
    for client in clients(&server) {
        assert_failed(client.decide(&decide()).await, BodyTooLarge);
    }
}

#[tokio::test]
async fn the_time_of_an_attempt_covers_its_body_too() {
    let stalled_body = [HEAD, b"content-length: 1000\r\n\r\n{\"decision\":"].concat();
    for bytes in [Vec::new(), HEAD.to_vec(), stalled_body] {
        let server = raw_server::start(Conduct::Stall(bytes)).await;
        let short = |builder: CyclesClientBuilder| {
            builder.connect_timeout(Duration::from_millis(40)).read_timeout(Duration::from_millis(60))
        };
        for client in clients_with(&server, short) {
            let started = Instant::now();
            assert_failed(client.decide(&decide()).await, Timeout);
            assert!(started.elapsed() >= Duration::from_millis(100));
        }
    }
}

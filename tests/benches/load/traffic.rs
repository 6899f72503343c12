//! What a server sees of its clients: connections, and the extensions of each second.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// Counts at the server.
pub(crate) struct Traffic {
    start: Instant,
    told: Told,
}

/// The counts as they stand.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Told {
    /// Connections that are open.
    pub(crate) open: u64,
    /// The most that were.
    pub(crate) most_open: u64,
    /// Extensions that were asked for.
    pub(crate) extensions: u64,
    /// The extensions of each second of the server's life.
    pub(crate) by_second: Vec<u64>,
    /// The second that has begun.
    pub(crate) second: usize,
    /// Leases that ended while they were held.
    pub(crate) lapsed: u64,
}

impl Traffic {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, told: Told::default() }
    }

    pub(crate) fn opened(&mut self) {
        self.told.open += 1;
        self.told.most_open = self.told.most_open.max(self.told.open);
    }

    pub(crate) fn closed(&mut self) {
        self.told.open -= 1;
    }

    pub(crate) fn extended(&mut self, now: Instant) {
        self.told.extensions += 1;
        let second = self.second(now);
        if self.told.by_second.len() <= second {
            self.told.by_second.resize(second + 1, 0);
        }
        self.told.by_second[second] += 1;
    }

    pub(crate) fn told(&self, lapsed: u64, now: Instant) -> String {
        let told = Told { lapsed, second: self.second(now), ..self.told.clone() };
        serde_json::to_string(&told).expect("counts as JSON")
    }

    fn second(&self, now: Instant) -> usize {
        usize::try_from((now - self.start).as_secs()).unwrap_or_default()
    }
}

impl Told {
    /// Asks a server.
    pub(crate) fn by(server: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(server).expect("a server");
        let request = "GET /traffic HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("an open connection");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).expect("counts")
    }

    /// The extensions of the whole seconds between two looks.
    pub(crate) fn seconds_since(&self, before: &Self) -> &[u64] {
        let end = self.second.min(self.by_second.len());
        self.by_second.get(before.second + 1..end).unwrap_or_default()
    }
}

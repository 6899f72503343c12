//! The least that a client of the protocol has to do.

use std::hint::black_box;
use std::net::SocketAddr;

use bytes::Bytes;
use http::Uri;
use serde::Serialize;

use super::barest::Barest;
use super::bodies::{Commit, Committed, Decision, Reserve, Reserved};
use super::kind::Caller;

/// Fresh keys, JSON both ways and the id in the path; no guard, no heartbeat, no settlement.
#[derive(Clone)]
pub(crate) struct Typed {
    barest: Barest,
    reservations: String,
}

impl Typed {
    pub(crate) fn new(server: SocketAddr) -> Self {
        Self { barest: Barest::new(server), reservations: format!("http://{server}/v1/reservations") }
    }
}

impl Caller for Typed {
    async fn call(&self) {
        let answer = self.barest.post(self.barest.reserve_uri(), encoded(&Reserve::new())).await;
        let reserved: Reserved = serde_json::from_slice(&answer).expect("an answer to a reservation");
        assert!(reserved.decision == Decision::Allow, "the server allows everything");
        let commit = [&*self.reservations, "/", &reserved.reservation_id, "/commit"].concat();
        let commit = Uri::from_maybe_shared(Bytes::from(commit)).expect("a valid address");
        let answer = self.barest.post(commit, encoded(&Commit::new())).await;
        black_box(serde_json::from_slice::<Committed>(&answer).expect("an answer to a commit"));
    }
}

fn encoded(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("JSON").into()
}

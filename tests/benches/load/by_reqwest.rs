//! The same on reqwest.

use std::net::SocketAddr;

use bytes::Bytes;
use http::HeaderMap;
use reqwest::{Client, Method, Request, Url};

use super::answers::{ANY_ID, COMMIT, RESERVE};
use super::barest::headers;
use super::kind::Caller;

/// A client that is used again, and everything it sends.
#[derive(Clone)]
pub(crate) struct ByReqwest {
    client: Client,
    headers: HeaderMap,
    reserve: Url,
    commit: Url,
}

impl ByReqwest {
    pub(crate) fn new(server: SocketAddr) -> Self {
        let url = |rest: &str| format!("http://{server}/v1/reservations{rest}").parse().expect("a valid address");
        Self { client: Client::new(), headers: headers(), reserve: url(""), commit: url(&format!("/{ANY_ID}/commit")) }
    }

    async fn post(&self, url: Url, body: &'static str) {
        let mut request = Request::new(Method::POST, url);
        *request.headers_mut() = self.headers.clone();
        *request.body_mut() = Some(Bytes::from_static(body.as_bytes()).into());
        let answer = self.client.execute(request).await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
        answer.bytes().await.expect("a whole body");
    }
}

impl Caller for ByReqwest {
    async fn call(&self) {
        self.post(self.reserve.clone(), RESERVE).await;
        self.post(self.commit.clone(), COMMIT).await;
    }
}

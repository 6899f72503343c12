//! The floor: what any client on hyper-util costs.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::answers::{ANY_ID, COMMIT, RESERVE};
use super::kind::Caller;

/// A pooled client, and everything it sends.
#[derive(Clone)]
pub(crate) struct Barest {
    client: Client<HttpConnector, Full<Bytes>>,
    headers: HeaderMap,
    reserve: Uri,
    commit: Uri,
}

/// The headers of every request.
pub(crate) fn headers() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert("x-cycles-api-key", HeaderValue::from_static("cyc_live_benchmark"));
    headers.insert(USER_AGENT, HeaderValue::from_static("benchmark/1"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

impl Barest {
    pub(crate) fn new(server: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let uri = |rest: &str| format!("http://{server}/v1/reservations{rest}").parse().expect("a valid address");
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            headers: headers(),
            reserve: uri(""),
            commit: uri(&format!("/{ANY_ID}/commit")),
        }
    }

    pub(crate) fn reserve_uri(&self) -> Uri {
        self.reserve.clone()
    }

    pub(crate) async fn post(&self, uri: Uri, body: Bytes) -> Bytes {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        let answer = self.client.request(request).await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
        answer.into_body().collect().await.expect("a whole body").to_bytes()
    }
}

impl Caller for Barest {
    async fn call(&self) {
        self.post(self.reserve.clone(), Bytes::from_static(RESERVE.as_bytes())).await;
        self.post(self.commit.clone(), Bytes::from_static(COMMIT.as_bytes())).await;
    }
}

//! Where envelopes and key sets are fetched.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderValue, StatusCode, Uri};

use super::{Envelope, EvidenceError, EvidenceVerifier, FetchError, KeySet};
use crate::client::{Connection, CyclesClient};
use crate::error::{TransportError, TransportErrorKind, parse_retry_after};
use crate::protocol::EvidenceRef;
use crate::transport::{BoxFuture, Transport};

/// How often a document is asked for.
const ATTEMPTS: u32 = 6;

/// The wait before the second attempt; it doubles with each. With five waits, 3.1 seconds at most where the server does not ask for
/// longer ones.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// The longest wait that a server is granted.
const MAX_DELAY: Duration = Duration::from_secs(10);

/// How long an attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(7);

/// Where a server's key set is, below its id.
const KEY_SET_PATH: &str = "/.well-known/cycles-jwks.json";

/// Fetches envelopes and key sets, from servers that were listed and from nowhere else: evidence names addresses itself, and those
/// are whatever its writer liked. API keys stay at home: evidence is public.
///
/// What may get better is asked for again: an envelope that is not there yet (it is signed after the answer), a server that is busy
/// or failing, an attempt that brought no answer.
#[derive(Clone)]
pub struct EvidenceSource {
    transport: Arc<dyn Transport>,
    /// Without a slash at the end.
    servers: Vec<String>,
}

impl EvidenceSource {
    /// A source that asks nobody yet, by a transport. Use one that follows no redirects, such as
    /// [`ReqwestTransport`](crate::ReqwestTransport): a redirect would lead to where nobody listed.
    pub fn new(transport: impl Transport) -> Self {
        Self { transport: Arc::new(transport), servers: Vec::new() }
    }

    /// Lists a server by its id, such as `https://cycles.example.com/v1`: what is below it may be asked for.
    pub fn server(mut self, server_id: impl Into<String>) -> Self {
        let mut server = server_id.into();
        server.truncate(server.trim_end_matches('/').len());
        self.servers.push(server);
        self
    }

    /// The envelope that an answer refers to, by the address in the reference.
    ///
    /// # Errors
    ///
    /// [`FetchError`]: where the address is not the one of such an envelope at a listed server, where it cannot be had, and where it
    /// is no envelope or another one.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the attempts; nothing is changed by any of them.
    pub async fn envelope(&self, reference: &EvidenceRef) -> Result<Envelope, FetchError> {
        let url = &reference.cycles_evidence_url;
        let expected = |server: &String| *url == format!("{server}/evidence/{}", reference.evidence_id);
        if !is_digest(&reference.evidence_id) || !self.servers.iter().any(expected) {
            return Err(FetchError::NotListed { url: url.clone() });
        }
        self.fetch_envelope(url, &reference.evidence_id).await
    }

    /// The key set that a listed server publishes now; `None` where it answers that it publishes none.
    ///
    /// # Errors
    ///
    /// [`FetchError`]: where the server is not listed, does not answer, or answers with something else.
    pub async fn key_set(&self, server_id: &str) -> Result<Option<KeySet>, FetchError> {
        // Only a doubled slash at the join is one.
        let url = format!("{}{KEY_SET_PATH}", server_id.strip_suffix('/').unwrap_or(server_id));
        if !self.servers.iter().any(|server| url == format!("{server}{KEY_SET_PATH}")) {
            return Err(FetchError::NotListed { url });
        }
        match self.fetch(&url, false).await {
            Ok(document) => KeySet::parse(document).map(Some).map_err(FetchError::KeySet),
            Err(FetchError::NotReady { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A verifier of a listed server's evidence with the keys that the server publishes now. Where those cannot be had, the verifier
    /// knows that, and so do its verdicts.
    pub async fn verifier(&self, server_id: &str) -> EvidenceVerifier {
        let verifier = EvidenceVerifier::new(server_id);
        match self.key_set(server_id).await {
            Ok(Some(keys)) => verifier.keys(keys),
            Ok(None) => verifier,
            Err(error) => {
                tracing::debug!(server_id, error = &error as &dyn std::error::Error, "the key set could not be had");
                verifier.keys_unreachable()
            }
        }
    }

    async fn fetch_envelope(&self, url: &str, id: &str) -> Result<Envelope, FetchError> {
        let envelope = Envelope::parse(&self.fetch(url, true).await?)?;
        if envelope.evidence_id() != id {
            let found = envelope.evidence_id().to_owned();
            return Err(EvidenceError::OtherEvidence { found, expected: id.to_owned() }.into());
        }
        Ok(envelope)
    }

    /// Gets a document, asking again for what may get better. `absent_may_come` says whether a 404 does.
    async fn fetch(&self, url: &str, absent_may_come: bool) -> Result<Bytes, FetchError> {
        let uri: Uri = url.parse().map_err(|_| FetchError::NotListed { url: url.to_owned() })?;
        let mut delay = FIRST_DELAY;
        let mut attempt = 1;
        loop {
            let (failure, asked_to_wait) = match self.attempt(&uri).await {
                Err(error) => (FetchError::Transport(error), None),
                Ok(answer) => match answer.status() {
                    StatusCode::OK => return Ok(answer.into_body()),
                    StatusCode::NOT_FOUND if absent_may_come => (FetchError::NotReady { attempts: attempt }, None),
                    StatusCode::NOT_FOUND => return Err(FetchError::NotReady { attempts: attempt }),
                    status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                        (FetchError::Status { status: status.as_u16() }, parse_retry_after(answer.headers()))
                    }
                    status => return Err(FetchError::Status { status: status.as_u16() }),
                },
            };
            if attempt == ATTEMPTS {
                return Err(failure);
            }
            tokio::time::sleep(asked_to_wait.map_or(delay, |wait| wait.clamp(delay, MAX_DELAY))).await;
            delay *= 2;
            attempt += 1;
        }
    }

    async fn attempt(&self, uri: &Uri) -> Result<http::Response<Bytes>, TransportError> {
        let mut request = http::Request::new(Bytes::new());
        *request.uri_mut() = uri.clone();
        let user_agent = concat!("runcycles-rust/", env!("CARGO_PKG_VERSION"));
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(user_agent));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        match tokio::time::timeout(ATTEMPT_TIMEOUT, self.transport.call(request)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(TransportError::with_source(TransportErrorKind::Timeout, elapsed)),
        }
    }
}

impl CyclesClient {
    /// The envelope that an answer refers to, from this client's own authority: by its id, whatever address the answer gave, and
    /// without the API key. An envelope that is not there yet is asked for again, for some seconds.
    ///
    /// Answers refer to their evidence in `cycles_evidence`, and refusals in [`Error::evidence`](crate::Error::evidence).
    ///
    /// # Errors
    ///
    /// [`FetchError`] where it cannot be had, is no envelope, or is another one.
    pub async fn evidence(&self, reference: &EvidenceRef) -> Result<Envelope, FetchError> {
        let id = &reference.evidence_id;
        let url = format!("{}/evidence/{id}", self.evidence_base());
        if !is_digest(id) {
            return Err(FetchError::NotListed { url });
        }
        self.evidence_source().fetch_envelope(&url, id).await
    }

    /// A source that lists this client's own authority, by the address that the client has of it, and nothing else. The
    /// authority's key set is below the same address, whatever its evidence calls the server: see
    /// [`evidence_verifier`](Self::evidence_verifier).
    pub fn evidence_source(&self) -> EvidenceSource {
        let source = EvidenceSource::new(OfClient(Arc::clone(&self.shared.connection)));
        source.server(self.evidence_base())
    }

    /// A verifier of the evidence that this client's authority issues as `server_id`, with the keys that it publishes now. The
    /// address is that of the client, which its user chose; nothing is fetched from what evidence says.
    pub async fn evidence_verifier(&self, server_id: &str) -> EvidenceVerifier {
        let here = self.evidence_source().verifier(&self.evidence_base()).await;
        here.of_server(server_id)
    }

    fn evidence_base(&self) -> String {
        format!("{}/v1", self.shared.connection.endpoint.base())
    }
}

/// The transport of a client, without the client's headers.
struct OfClient(Arc<Connection>);

impl Transport for OfClient {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        self.0.transport().call(request)
    }
}

fn is_digest(id: &str) -> bool {
    super::hex::decode::<32>(id).is_some()
}

impl fmt::Debug for EvidenceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvidenceSource").field("servers", &self.servers).finish_non_exhaustive()
    }
}

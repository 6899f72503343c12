//! Where requests go.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use runcycles::{ReqwestTransport, Transport};

/// How long an answer may take, unless something else is said.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An address, and the way to it.
#[derive(Clone)]
pub struct Endpoint {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) base_url: Arc<str>,
    pub(super) timeout: Duration,
}

impl Endpoint {
    /// An address reached by a transport.
    pub fn new(transport: impl Transport, base_url: impl AsRef<str>) -> Self {
        let base_url = base_url.as_ref().trim_end_matches('/').into();
        Self { transport: Arc::new(transport), base_url, timeout: TIMEOUT }
    }

    /// An address such as `http://127.0.0.1:7878`, reached over the network.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] where the text is no such address, or TLS cannot be set up on this machine.
    pub fn connect(base_url: impl AsRef<str>) -> Result<Self, ConnectError> {
        let base_url = base_url.as_ref();
        let uri = base_url.parse::<http::Uri>().ok();
        let is_absolute = |uri: &http::Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none();
        if !uri.as_ref().is_some_and(is_absolute) {
            return Err(ConnectError::Address(base_url.to_owned()));
        }
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).referer(false).build()?;
        Ok(Self::new(ReqwestTransport::from_client(client), base_url))
    }

    /// How long an answer may take; 30 seconds by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The address.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

/// Why an address cannot be reached over the network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A text that is no address.
    #[error("found {0:?}, expected an address such as http://127.0.0.1:7878")]
    Address(String),
    /// The HTTP client could not be set up, for example for want of the system's certificates.
    #[error("the HTTP client could not be set up")]
    SetUp(#[from] reqwest::Error),
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

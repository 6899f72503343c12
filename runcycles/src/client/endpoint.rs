//! Addresses of requests.

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::ConfigError;
use crate::protocol::{QueryPairs, ReservationId};

/// What stays as it is in a path segment or query: RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The authority's address, checked once.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Scheme, host and path prefix, without a slash at the end.
    base: Box<str>,
    reservations: Uri,
}

impl Endpoint {
    /// Checks a base URL.
    pub(crate) fn new(base_url: &str) -> Result<Self, ConfigError> {
        let cure = "use an address such as https://cycles.example.com";
        let invalid = |problem: String| ConfigError::new("base_url", problem, cure);
        if base_url.trim().is_empty() {
            return Err(invalid("it is empty".to_owned()));
        }
        // Arguments in the wrong order: the message must not show what they hold.
        if base_url.starts_with("cyc_") {
            let cure = "give the key first and then the address";
            return Err(ConfigError::new("base_url", "it looks like an API key", cure));
        }
        let uri: Uri = base_url.parse().map_err(|error| invalid(format!("{base_url:?} is not a URL: {error}")))?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            Some(other) => return Err(invalid(format!("{base_url:?} has the scheme {other:?}"))),
            None => return Err(invalid(format!("{base_url:?} has no scheme"))),
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                return Err(invalid("it carries a user name or password".to_owned()));
            }
            Some(authority) if authority.host().is_empty() => return Err(invalid(format!("{base_url:?} has no host"))),
            Some(authority) if authority.as_str() != authority.host() && authority.port_u16().is_none() => {
                return Err(invalid(format!("{base_url:?} has no port between 0 and 65535 after its host")));
            }
            Some(_) => {}
            None => return Err(invalid(format!("{base_url:?} has no host"))),
        }
        if uri.query().is_some() || base_url.contains('#') {
            return Err(invalid(format!("{base_url:?} has a query or fragment")));
        }
        let base = base_url.trim_end_matches('/');
        let reservations = parse(format!("{base}/v1/reservations")).map_err(invalid)?;
        Ok(Self { base: base.into(), reservations })
    }

    /// Scheme, host and path prefix, without a slash at the end.
    #[cfg(feature = "evidence")]
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// `/v1/reservations`.
    pub(crate) fn reservations(&self) -> Uri {
        self.reservations.clone()
    }

    /// `/v1/reservations/{id}`, or an action below it such as `/commit`.
    pub(crate) fn reservation(&self, id: &ReservationId, action: &str) -> Result<Uri, ConfigError> {
        let id = utf8_percent_encode(id.as_str(), ENCODED);
        self.join(format_args!("/v1/reservations/{id}{action}"))
    }

    /// A fixed path.
    pub(crate) fn path(&self, path: &str) -> Result<Uri, ConfigError> {
        self.join(format_args!("{path}"))
    }

    /// One thing of a collection.
    pub(crate) fn item(&self, collection: &str, id: &str) -> Result<Uri, ConfigError> {
        if matches!(id, "" | "." | "..") {
            let cure = "name one by its id";
            return Err(ConfigError::new("request", format!("{id:?} is no id below {collection}"), cure));
        }
        let id = utf8_percent_encode(id, ENCODED);
        self.join(format_args!("{collection}/{id}"))
    }

    /// A fixed path with a query.
    pub(crate) fn query(&self, path: &str, pairs: &QueryPairs) -> Result<Uri, ConfigError> {
        let mut query = String::new();
        for (name, value) in pairs {
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(name);
            query.push('=');
            query.extend(utf8_percent_encode(value, ENCODED));
        }
        self.join(format_args!("{path}{query}"))
    }

    fn join(&self, rest: std::fmt::Arguments<'_>) -> Result<Uri, ConfigError> {
        parse(format!("{}{rest}", self.base))
            .map_err(|problem| ConfigError::new("request", problem, "shorten the id or the filters"))
    }
}

fn parse(text: String) -> Result<Uri, String> {
    Uri::from_maybe_shared(bytes::Bytes::from(text)).map_err(|error| format!("its URL is not usable: {error}"))
}

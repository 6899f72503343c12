//! Where deliveries may go.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Request, Uri};
use runcycles::Transport;
use runcycles::webhooks::{EVENT_ID_HEADER, EVENT_TYPE_HEADER, SIGNATURE_HEADER, sign};
use uuid::Uuid;

use super::Told;
use crate::state::Subscription;

/// How long an attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The bytes of a URL at most.
const MAX_URL: usize = 2_048;

/// Why nothing is delivered to a URL, if it is so.
///
/// Only HTTPS, and nothing within the machine or its network: who may subscribe must not thereby reach what only the authority
/// can. While the authority itself is reached from this machine alone, its own loopback addresses are allowed, by HTTP too. What a
/// host's name resolves to is not looked at.
pub(crate) fn check_url(url: &str, is_exposed: bool) -> Result<(), String> {
    let cure = "use an address such as https://hooks.example.com/cycles";
    if url.len() > MAX_URL {
        return Err(format!("must have at most {MAX_URL} bytes, found {}", url.len()));
    }
    let uri: Uri = url.parse().map_err(|error| format!("is no URL: {error}; {cure}"))?;
    let Some(authority) = uri.authority().filter(|authority| !authority.as_str().contains('@')) else {
        return Err(format!("must have a host, and no user name; {cure}"));
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    let is_local = host == "localhost" || host.ends_with(".localhost") || address.is_some_and(|ip| ip.is_loopback());
    if is_local && !is_exposed && matches!(uri.scheme_str(), Some("http" | "https")) {
        return Ok(());
    }
    // Resolvers read 127.1 and 0x7f000001 as addresses too, and no name ends in a number.
    let last = host.rsplit('.').next().unwrap_or_default();
    if address.is_none() && last.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(format!("must write addresses as four numbers; {cure}"));
    }
    if uri.scheme_str() != Some("https") {
        return Err(format!("must be HTTPS; {cure}"));
    }
    if is_local || address.is_some_and(is_private) {
        return Err(format!("must not be within the authority's own network; {cure}"));
    }
    Ok(())
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => {
            let first = ip.segments()[0];
            let is_own =
                ip.is_loopback() || ip == Ipv6Addr::UNSPECIFIED || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80;
            is_own || ip.to_ipv4_mapped().is_some_and(is_private_v4)
        }
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let is_shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
    ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || ip.is_broadcast() || is_shared
}

/// A subscription's endpoint, as it stands while a delivery is attempted.
pub(super) struct Target<'a> {
    pub(crate) subscription: &'a Subscription,
    pub(crate) is_exposed: bool,
    pub(crate) transport: &'a dyn Transport,
}

/// How an attempt went.
pub(super) struct Attempt {
    pub(crate) status: Option<u16>,
    pub(crate) took: Duration,
    pub(crate) error: Option<String>,
}

impl Target<'_> {
    /// Delivers an event once.
    pub(crate) async fn deliver(&self, told: &Told) -> Attempt {
        let start = Instant::now();
        let (status, error) = match self.request(told) {
            Err(problem) => (None, Some(problem)),
            Ok(request) => match tokio::time::timeout(ATTEMPT_TIMEOUT, self.transport.call(request)).await {
                Ok(Ok(answer)) if answer.status().is_success() => (Some(answer.status().as_u16()), None),
                Ok(Ok(answer)) => {
                    let status = answer.status().as_u16();
                    (Some(status), Some(format!("HTTP {status} instead of a 2xx")))
                }
                Ok(Err(error)) => (None, Some(error.to_string())),
                Err(_) => (None, Some(format!("no answer within {} seconds", ATTEMPT_TIMEOUT.as_secs()))),
            },
        };
        Attempt { status, took: start.elapsed(), error }
    }

    fn request(&self, told: &Told) -> Result<Request<Bytes>, String> {
        let Subscription { url, secret, headers, .. } = self.subscription;
        // The rule may have become stricter since the subscription was made.
        check_url(url, self.is_exposed)?;
        let text = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
        let mut request = Request::new(told.body.clone());
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = url.parse().map_err(|error| format!("the URL is none: {error}"))?;
        let out = request.headers_mut();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            let mut value = text(value)?;
            value.set_sensitive(true);
            out.insert(name, value);
        }
        out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        out.insert(USER_AGENT, HeaderValue::from_static(concat!("runcycles-authority/", env!("CARGO_PKG_VERSION"))));
        out.insert(EVENT_ID_HEADER, text(&told.id)?);
        out.insert(EVENT_TYPE_HEADER, text(told.event_type.as_str())?);
        out.insert(SIGNATURE_HEADER, text(&sign(secret, &told.body))?);
        out.insert("x-cycles-trace-id", text(&told.trace_id)?);
        let span = &Uuid::new_v4().simple().to_string()[..16];
        out.insert("traceparent", text(&format!("00-{}-{span}-01", told.trace_id))?);
        Ok(request)
    }
}

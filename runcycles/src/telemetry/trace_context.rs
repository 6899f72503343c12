//! The trace that a request belongs to.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// W3C Trace Context, and the header that authorities write a trace's id in (protocol: response headers).
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const TRACE_ID: HeaderName = HeaderName::from_static("x-cycles-trace-id");

/// The longest `tracestate` that is passed on.
const LONGEST_STATE: usize = 512;

tokio::task_local! {
    static AMBIENT: Arc<TraceContext>;
}

/// The trace that a request belongs to, as W3C Trace Context writes it: a `traceparent` and a `tracestate`.
///
/// What a client sends to an authority carries the trace of the place where it is sent: the one of
/// [`scope`](Self::scope), or else what the client's [hook](crate::CyclesClientBuilder::trace_context) gives. What belongs to a
/// reservation later, such as its commit in the background, carries the trace that it was made in. The authority continues the
/// trace, and its answers say so (protocol: `traceparent`, `X-Cycles-Trace-Id`).
///
/// ```
/// use runcycles::TraceContext;
///
/// # async fn answer() {}
/// # async fn handle(request: http::Request<()>) {
/// // In a server: what is done for this request belongs to its trace.
/// match TraceContext::from_headers(request.headers()) {
///     Some(trace) => trace.scope(answer()).await,
///     None => answer().await,
/// }
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// 55 characters of ASCII: `00-<trace id>-<span id>-<flags>`.
    traceparent: HeaderValue,
    trace_id: HeaderValue,
    tracestate: Option<HeaderValue>,
}

impl TraceContext {
    /// Reads a `traceparent` of version 00, or of a later one by the fields that all versions have; `None` where it is none, and
    /// where its ids are all zero.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let bytes = traceparent.as_bytes();
        let (head, rest) = bytes.split_at_checked(55)?;
        let is_whole = if head.starts_with(b"00") { rest.is_empty() } else { rest.is_empty() || rest[0] == b'-' };
        let dashes = [2, 35, 52].iter().all(|at| head[*at] == b'-');
        let (version, trace, span, flags) = (&head[..2], &head[3..35], &head[36..52], &head[53..]);
        let is_valid = [version, trace, span, flags].iter().all(|field| is_lower_hex(field))
            && version != b"ff"
            && [trace, span].iter().all(|id| id.iter().any(|digit| *digit != b'0'));
        if !(is_whole && dashes && is_valid) {
            return None;
        }
        // What later versions add is not passed on: it may be wrong for the next hop.
        let mut own = Vec::with_capacity(55);
        own.extend_from_slice(b"00");
        own.extend_from_slice(&head[2..]);
        Self::of(own.into())
    }

    /// A trace of its own, with a random id: sampled, so that those who sample by the caller's word keep it.
    pub fn random() -> Self {
        Self::with_ids(fastrand::u128(1..), fastrand::u64(1..))
    }

    /// The trace of an incoming request: of its `traceparent` and `tracestate`, or else of its `X-Cycles-Trace-Id`. `None` where it
    /// has neither in a valid form.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(context) = text(TRACEPARENT).and_then(|parent| Self::parse(parent.trim())) {
            return Some(match text(TRACESTATE) {
                Some(state) => context.with_tracestate(state),
                None => context,
            });
        }
        let id = text(TRACE_ID).filter(|id| id.len() == 32 && is_lower_hex(id.as_bytes()))?;
        u128::from_str_radix(id, 16).ok().filter(|id| *id != 0).map(|id| Self::with_ids(id, fastrand::u64(1..)))
    }

    /// The same with what vendors say of it. A text that no header carries, or of more than 512 characters, is left out.
    pub fn with_tracestate(mut self, tracestate: &str) -> Self {
        self.tracestate = Some(tracestate.trim())
            .filter(|state| !state.is_empty() && state.len() <= LONGEST_STATE)
            .and_then(|state| HeaderValue::from_str(state).ok());
        self
    }

    /// The trace's id: 32 lower-case hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        self.trace_id.to_str().unwrap_or_default()
    }

    /// The whole `traceparent`.
    pub fn traceparent(&self) -> &str {
        self.traceparent.to_str().unwrap_or_default()
    }

    /// What vendors say of it.
    pub fn tracestate(&self) -> Option<&str> {
        self.tracestate.as_ref()?.to_str().ok()
    }

    /// Runs a future as a part of this trace: what clients send inside carries it. A task spawned inside does not inherit it;
    /// [`carry`](crate::carry) takes it there.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        AMBIENT.scope(Arc::new(self), future).await
    }

    /// The trace of [`scope`](Self::scope), if there is one here.
    pub fn current() -> Option<Self> {
        ambient().map(|trace| Self::clone(&trace))
    }

    /// Writes the headers of a request.
    pub fn write(&self, headers: &mut HeaderMap) {
        headers.insert(TRACEPARENT, self.traceparent.clone());
        headers.insert(TRACE_ID, self.trace_id.clone());
        if let Some(state) = &self.tracestate {
            headers.insert(TRACESTATE, state.clone());
        }
    }

    fn with_ids(trace: u128, span: u64) -> Self {
        let text = format!("00-{trace:032x}-{span:016x}-01");
        // Hexadecimal digits and hyphens are always a header's value.
        Self::of(text.into()).unwrap_or_else(|| Self {
            traceparent: HeaderValue::from_static("00-00000000000000000000000000000001-0000000000000001-00"),
            trace_id: HeaderValue::from_static("00000000000000000000000000000001"),
            tracestate: None,
        })
    }

    fn of(traceparent: Bytes) -> Option<Self> {
        let trace_id = HeaderValue::from_maybe_shared(traceparent.slice(3..35)).ok()?;
        Some(Self { trace_id, traceparent: HeaderValue::from_maybe_shared(traceparent).ok()?, tracestate: None })
    }
}

/// The trace of the place where this is called.
pub(crate) fn ambient() -> Option<Arc<TraceContext>> {
    AMBIENT.try_with(Arc::clone).ok()
}

/// A future with the trace of the place where this is called.
pub(crate) fn carry_trace<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let trace = ambient();
    async move {
        match trace {
            Some(trace) => AMBIENT.scope(trace, future).await,
            None => future.await,
        }
    }
}

fn is_lower_hex(digits: &[u8]) -> bool {
    digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TraceContext").field(&self.traceparent()).finish()
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.traceparent())
    }
}

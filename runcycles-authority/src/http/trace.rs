//! The trace a request belongs to.

use http::{HeaderMap, HeaderName};

use super::names::{TRACE_ID, TRACE_PARENT};

/// 32 lower-case hexadecimal digits, not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceId([u8; 32]);

impl TraceId {
    /// The trace of a request: of a valid `traceparent`, else of a valid `X-Cycles-Trace-Id`, else a fresh one.
    ///
    /// What is malformed counts as absent.
    pub(super) fn of(headers: &HeaderMap, fresh: impl FnOnce() -> u128) -> Self {
        let header = |name: HeaderName| headers.get(name).map(http::HeaderValue::as_bytes);
        let parent = header(TRACE_PARENT).and_then(from_traceparent);
        parent.or_else(|| header(TRACE_ID).and_then(Self::parse)).unwrap_or_else(|| Self::from_bits(fresh()))
    }

    pub(super) fn as_str(&self) -> &str {
        // Only hexadecimal digits are ever stored.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn digits(&self) -> [u8; 32] {
        self.0
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let mut digits: [u8; 32] = text.try_into().ok()?;
        digits.make_ascii_lowercase();
        is_id(&digits).then_some(Self(digits))
    }

    fn from_bits(bits: u128) -> Self {
        let mut digits = [0; 32];
        let mut rest = bits.max(1);
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 0xf) as usize];
            rest >>= 4;
        }
        Self(digits)
    }
}

/// The trace id of a `traceparent` of version 00: `00-<32 digits>-<16 digits>-<2 digits>`.
fn from_traceparent(header: &[u8]) -> Option<TraceId> {
    let header = header.to_ascii_lowercase();
    let mut fields = header.split(|byte| *byte == b'-');
    let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let valid = version == b"00" && span.len() == 16 && is_id(span) && flags.len() == 2 && is_hex(flags);
    if valid && fields.next().is_none() { TraceId::parse(trace) } else { None }
}

/// Whether digits are hexadecimal and not all zero.
fn is_id(digits: &[u8]) -> bool {
    is_hex(digits) && digits.iter().any(|digit| *digit != b'0')
}

fn is_hex(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_hexdigit)
}

//! What a script answers.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use runcycles::TransportErrorKind;
use serde_json::{Value, json};

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// An answer.
    Answer(StatusCode, HeaderMap, Bytes),
    /// No answer: the attempt fails.
    Fail(TransportErrorKind),
    /// No answer, ever.
    Silence,
    /// The request takes effect beyond the script, and its answer is lost.
    Lost,
    /// No answer: the request arrives after this time and takes effect then, whatever has been sent in between.
    Astray(Duration),
    /// The answer of what lies beyond the script.
    Pass,
    /// The transport itself breaks.
    Panic,
    /// A reply after a time.
    Late(Duration, Box<Self>),
}

impl Reply {
    /// The same after a time.
    pub(crate) fn after(self, time: Duration) -> Self {
        Self::Late(time, Box::new(self))
    }

    /// The same with one more header.
    pub(crate) fn header(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Answer(status, mut headers, body) => {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value"));
                Self::Answer(status, headers, body)
            }
            other => panic!("{other:?} has no headers"),
        }
    }
}

/// An answer of any bytes.
pub(crate) fn raw(status: u16, body: impl Into<Bytes>) -> Reply {
    Reply::Answer(StatusCode::from_u16(status).expect("an HTTP status"), HeaderMap::new(), body.into())
}

/// An answer of JSON.
pub(crate) fn json(status: u16, body: &Value) -> Reply {
    raw(status, body.to_string())
}

/// A refusal with a code.
pub(crate) fn refusal(status: u16, code: &str) -> Reply {
    json(status, &json!({ "error": code, "message": format!("refused: {code}"), "request_id": "req_1" }))
}

/// A refusal that asks to wait for some seconds.
pub(crate) fn throttled(retry_after: &str) -> Reply {
    refusal(429, "LIMIT_EXCEEDED").header("retry-after", retry_after)
}

/// An attempt that ran out of time.
pub(crate) fn timeout() -> Reply {
    Reply::Fail(TransportErrorKind::Timeout)
}

//! What came back, and what to expect of it.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use serde_json::Value;

use super::{Stop, Verdict};

/// The longest part of a body that a failure shows, in characters.
const SHOWN: usize = 2_000;

/// An answer, with the request it is for.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    request: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    json: Value,
}

impl Answer {
    pub(super) fn new(request: String, response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Self { request, status: head.status, headers: head.headers, body, json }
    }

    /// A failure of this answer, described by what should have come.
    pub(crate) fn fault(&self, expected: impl Into<String>) -> Stop {
        let body = String::from_utf8_lossy(&self.body);
        let mut shown: String = body.chars().take(SHOWN).collect();
        if shown.len() < body.len() {
            shown.push('…');
        }
        Stop::failed(self.request.clone(), expected, format!("{} {shown}", self.status.as_u16()))
    }

    /// Fails unless a condition holds.
    pub(crate) fn expect(&self, holds: bool, expected: impl Into<String>) -> Verdict<&Self> {
        if holds { Ok(self) } else { Err(self.fault(expected)) }
    }

    pub(crate) fn code(&self) -> u16 {
        self.status.as_u16()
    }

    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Fails unless the status is this one and the body a JSON object.
    pub(crate) fn status(&self, status: u16) -> Verdict<&Self> {
        self.expect(self.code() == status && self.json.is_object(), format!("{status} with a JSON object"))
    }

    /// Fails unless it is a refusal with this status and code.
    pub(crate) fn refusal(&self, status: u16, code: &str) -> Verdict<&Self> {
        let refused = self.code() == status && self.json["error"] == code;
        self.expect(refused, format!("{status} with error {code}"))
    }

    /// A member of the body such as `balances.0.remaining.amount`; absent where it is null.
    pub(crate) fn find(&self, member: &str) -> Option<&Value> {
        find(&self.json, member)
    }

    /// Fails unless a member has this value.
    pub(crate) fn has(&self, member: &str, value: impl Into<Value>) -> Verdict<&Self> {
        let value = value.into();
        self.expect(self.find(member) == Some(&value), format!("{member} = {value}"))
    }

    /// Fails if a member is there.
    pub(crate) fn lacks(&self, member: &str) -> Verdict<&Self> {
        self.expect(self.find(member).is_none(), format!("no {member}"))
    }

    /// Fails unless a member is this amount of tokens.
    pub(crate) fn amount(&self, member: &str, amount: i64) -> Verdict<&Self> {
        let found = self.find(member);
        let matches = found.is_some_and(|found| found["unit"] == "TOKENS" && found["amount"] == amount);
        self.expect(matches, format!("{member} = {amount} TOKENS"))
    }

    pub(crate) fn text(&self, member: &str) -> Verdict<&str> {
        let text = self.find(member).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| self.fault(format!("{member} as a text that is not empty")))
    }

    pub(crate) fn integer(&self, member: &str) -> Verdict<i64> {
        self.find(member).and_then(Value::as_i64).ok_or_else(|| self.fault(format!("{member} as an integer")))
    }

    pub(crate) fn rows(&self, member: &str) -> Verdict<&[Value]> {
        let rows = self.find(member).and_then(Value::as_array);
        rows.map(Vec::as_slice).ok_or_else(|| self.fault(format!("{member} as an array")))
    }

    /// Fails unless it is the same answer as another, apart from how much of a lease is left.
    pub(crate) fn replays(&self, original: &Self) -> Verdict<&Self> {
        let same = self.status == original.status && without_ttl(&self.json) == without_ttl(&original.json);
        self.expect(same, format!("the same answer again: {} {}", original.code(), original.json))
    }
}

/// A body without the one member that an answer must not copy from the one before.
fn without_ttl(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(object) = body.as_object_mut() {
        object.remove("remaining_ttl_ms");
    }
    body
}

/// A member of a JSON value by a path of names and places; absent where it is null.
pub(crate) fn find<'a>(value: &'a Value, member: &str) -> Option<&'a Value> {
    let found = member.split('.').try_fold(value, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => value.get(name),
    })?;
    (!found.is_null()).then_some(found)
}

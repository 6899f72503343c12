//! A request of any shape.

use std::fmt::Write as _;
use std::future::IntoFuture;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use runcycles::BoxFuture;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{Answer, Endpoint, Stop, Verdict};

/// What stands in a path or a query as it is.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A request that can be bent before it is sent, and sent again. Awaiting it sends it.
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub(crate) struct Call {
    endpoint: Endpoint,
    method: Method,
    path: String,
    query: String,
    headers: Vec<(&'static str, String)>,
    credential: Option<Credential>,
    body: Body,
    missing: Option<String>,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Json(Value),
    Text(String),
}

#[derive(Clone)]
struct Credential {
    header: &'static str,
    secret: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: <redacted>", self.header)
    }
}

impl Call {
    pub(crate) fn get(endpoint: &Endpoint, path: impl Into<String>) -> Self {
        Self::new(endpoint, Method::GET, path)
    }

    pub(crate) fn post(endpoint: &Endpoint, path: impl Into<String>, body: Value) -> Self {
        Self::new(endpoint, Method::POST, path).json(body)
    }

    pub(crate) fn new(endpoint: &Endpoint, method: Method, path: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.clone(),
            method,
            path: path.into(),
            query: String::new(),
            headers: Vec::new(),
            credential: None,
            body: Body::None,
            missing: None,
        }
    }

    /// A path's segment as it is written on the wire.
    pub(crate) fn segment(text: &str) -> String {
        utf8_percent_encode(text, &ESCAPED).to_string()
    }

    pub(crate) fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Sends a tenant's key.
    pub(crate) fn api_key(mut self, key: &str) -> Self {
        self.credential = Some(Credential { header: "x-cycles-api-key", secret: key.to_owned() });
        self
    }

    /// Sends an operator's key.
    pub(crate) fn admin_key(mut self, key: &str) -> Self {
        self.credential = Some(Credential { header: "x-admin-api-key", secret: key.to_owned() });
        self
    }

    pub(crate) fn without_key(mut self) -> Self {
        self.credential = None;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(name);
        self.query.push('=');
        self.query.push_str(&Self::segment(value.as_ref()));
        self
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// Replaces the body by a text, well-formed or not.
    pub(crate) fn text(mut self, body: impl Into<String>) -> Self {
        self.body = Body::Text(body.into());
        self
    }

    /// The body as a text, to be written in another way.
    pub(crate) fn body_text(&self) -> String {
        match &self.body {
            Body::None => String::new(),
            Body::Json(value) => value.to_string(),
            Body::Text(text) => text.clone(),
        }
    }

    /// Sets a member of the body, such as `estimate.amount`.
    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        if let Body::Json(body) = &mut self.body {
            let place = member.split('.').fold(body, |place, name| &mut place[name]);
            *place = value.into();
        }
        self
    }

    /// Removes a member of the body.
    pub(crate) fn without(mut self, member: &str) -> Self {
        if let Body::Json(body) = &mut self.body {
            let (parents, name) =
                member.rsplit_once('.').map_or((None, member), |(parents, name)| (Some(parents), name));
            let parent =
                parents.into_iter().flat_map(|path| path.split('.')).fold(body, |place, name| &mut place[name]);
            parent.as_object_mut().and_then(|parent| parent.remove(name));
        }
        self
    }

    /// Sets the idempotency key.
    pub(crate) fn key(self, key: impl Into<Value>) -> Self {
        self.with("idempotency_key", key)
    }

    /// Skips the check where it comes to this call, for a reason.
    pub(crate) fn missing(mut self, reason: Option<String>) -> Self {
        self.missing = reason;
        self
    }

    /// Sends it and expects a success with this status.
    pub(crate) async fn answered(self, status: u16) -> Verdict<Answer> {
        let answer = self.await?;
        answer.status(status)?;
        Ok(answer)
    }

    /// Sends it and expects 200.
    pub(crate) async fn ok(self) -> Verdict<Answer> {
        self.answered(200).await
    }

    /// Sends it and expects a refusal.
    pub(crate) async fn refused(self, status: u16, code: &str) -> Verdict<Answer> {
        let answer = self.await?;
        answer.refusal(status, code)?;
        Ok(answer)
    }

    /// Sends it and expects to be told that it is not a valid request.
    pub(crate) async fn invalid(self) -> Verdict<Answer> {
        self.refused(400, "INVALID_REQUEST").await
    }

    fn show(&self) -> String {
        let mut text = format!("{} {}{}", self.method, self.path, self.query);
        for (name, value) in &self.headers {
            let _ = write!(text, " [{name}: {value}]");
        }
        let body = self.body_text();
        if !body.is_empty() {
            text.push(' ');
            text.push_str(&body);
        }
        text
    }

    fn request(&self) -> Result<Request<Bytes>, http::Error> {
        let uri = format!("{}{}{}", self.endpoint.base_url, self.path, self.query);
        let mut builder = Request::builder().method(self.method.clone()).uri(uri);
        for (name, value) in &self.headers {
            builder = builder.header(*name, value);
        }
        if let Some(Credential { header, secret }) = &self.credential {
            let mut secret = HeaderValue::from_str(secret)?;
            secret.set_sensitive(true);
            builder = builder.header(HeaderName::from_static(header), secret);
        }
        let has_type = self.headers.iter().any(|(name, _)| *name == CONTENT_TYPE.as_str());
        if !has_type && !matches!(self.body, Body::None) {
            builder = builder.header(CONTENT_TYPE, "application/json");
        }
        builder.body(Bytes::from(self.body_text()))
    }

    async fn send(self) -> Verdict<Answer> {
        if let Some(reason) = self.missing {
            return Err(Stop::Skipped(reason));
        }
        let shown = self.show();
        let no_answer = |problem: String| Stop::failed(shown.clone(), "an answer", problem);
        let request = self.request().map_err(|error| no_answer(format!("a request that cannot be sent: {error}")))?;
        let Endpoint { transport, timeout, .. } = &self.endpoint;
        match tokio::time::timeout(*timeout, transport.call(request)).await {
            Ok(Ok(response)) => Ok(Answer::new(shown, response)),
            Ok(Err(error)) => Err(no_answer(show_chain(&error))),
            Err(_) => Err(no_answer(format!("none within {} s", timeout.as_secs_f32()))),
        }
    }
}

impl IntoFuture for Call {
    type Output = Verdict<Answer>;
    type IntoFuture = BoxFuture<'static, Verdict<Answer>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// Sends calls at the same time; the answers in the order of the calls.
pub(crate) async fn join_all(calls: impl IntoIterator<Item = Call>) -> Verdict<Vec<Answer>> {
    let mut running = JoinSet::new();
    let mut answers = Vec::new();
    for (index, call) in calls.into_iter().enumerate() {
        answers.push(None);
        running.spawn(async move { (index, call.await) });
    }
    while let Some(joined) = running.join_next().await {
        let (index, answer) = joined.map_err(|error| Stop::failed("parallel calls", "answers", error.to_string()))?;
        answers[index] = Some(answer?);
    }
    Ok(answers.into_iter().flatten().collect())
}

/// An error and its causes in one line.
fn show_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

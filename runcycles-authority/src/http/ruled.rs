//! Answers that a test asked for.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use runcycles::models::{Amount, Caps, Decision, Level, ReasonCode, Subject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer;
use super::exchange::{Exchange, Reply};
use super::problem::Problem;
use crate::engine::{Decided, Denial, Reason, Refusal, Reserved};
use crate::faults::Call;
use crate::ids::IdSource;
use crate::scope::ScopePath;
use crate::state::Denied;
use crate::unit::Unit;

/// What a denial tells of what was asked.
#[derive(Deserialize)]
struct Asked {
    subject: Subject,
    estimate: Amount,
    #[serde(default)]
    dry_run: bool,
}

/// Denies a reservation or decision as a budget does that has too little; nothing where the request is neither.
pub(super) fn deny(request: &Request<Bytes>, ids: &IdSource) -> Option<Response<Bytes>> {
    let Asked { subject, estimate, dry_run } = serde_json::from_slice(request.body()).ok()?;
    let unit = Unit::try_from(estimate.unit()).ok()?;
    let requested = i64::try_from(estimate.value()).ok()?;
    let levels = Level::ALL.into_iter().filter_map(|level| Some((level, subject.level(level)?)));
    let (scope, _) = ScopePath::derive(levels);
    let exchange = Exchange::new(request.headers(), ids);
    let denied = Denied { reason: ReasonCode::BudgetExceeded, detail: None };
    Some(match Call::of(request.method(), request.uri().path())? {
        Call::Decide => exchange.success(Reply::ok(answer::decided(&Decided { scope, verdict: Err(denied) }))),
        Call::Reserve if dry_run => {
            let outcome = Reserved { scope, unit, estimate: requested, verdict: Err(denied), lease: None };
            exchange.success(Reply::ok(answer::reserved(&outcome)))
        }
        _ => {
            let scope: Arc<str> = scope.shared().clone();
            let reason = Reason::Exceeded;
            let denial = Denial { reason, scope, unit, requested, remaining: None, rule: None, is_explained: false };
            exchange.problem(Problem::from(Refusal::Denied(Box::new(denial))))
        }
    })
}

/// Puts limits on an answer that allows; other answers stay as they are.
pub(super) fn limit(answer: Response<Bytes>, caps: &Caps) -> Response<Bytes> {
    answer.map(|body| match serde_json::from_slice(&body) {
        Ok(Value::Object(mut members)) if allows(&members) => {
            members.insert("decision".to_owned(), json!(Decision::AllowWithCaps.as_str()));
            members.insert("caps".to_owned(), json!(caps));
            Value::Object(members).to_string().into()
        }
        _ => body,
    })
}

fn allows(members: &serde_json::Map<String, Value>) -> bool {
    let decision = members.get("decision").and_then(Value::as_str);
    decision.is_some_and(|decision| Decision::from(decision).is_allowed())
}

//! Every operation of the runtime plane as a call that would succeed as it is.

use serde_json::{Value, json};

use super::{Place, Scene, fresh};
use crate::conformance::wire::{Answer, Call, Verdict};

/// An operation that a server may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Decide,
    Event,
    Get,
    List,
}

impl Operation {
    fn route(self) -> &'static str {
        match self {
            Self::Decide => "POST /v1/decide",
            Self::Event => "POST /v1/events",
            Self::Get => "GET /v1/reservations/{id}",
            Self::List => "GET /v1/reservations",
        }
    }
}

/// A live reservation.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) id: String,
    pub(crate) answer: Answer,
}

impl Call {
    /// Sends a reservation and expects it to be granted.
    pub(crate) async fn held(self) -> Verdict<Hold> {
        let answer = self.ok().await?;
        let decision = answer.text("decision")?;
        answer.expect(decision != "DENY", "decision = ALLOW or ALLOW_WITH_CAPS")?;
        Ok(Hold { id: answer.text("reservation_id")?.to_owned(), answer })
    }
}

/// An amount of tokens on the wire.
pub(crate) fn tokens(amount: i64) -> Value {
    json!({"unit": "TOKENS", "amount": amount})
}

impl Scene {
    fn get_from(&self, path: impl Into<String>) -> Call {
        Call::get(&self.target.runtime, path).api_key(&self.acme.key.secret)
    }

    fn post_to(&self, path: impl Into<String>, body: Value) -> Call {
        Call::post(&self.target.runtime, path, body).api_key(&self.acme.key.secret).key(fresh("key"))
    }

    fn optional(&self, operation: Operation, call: Call) -> Call {
        let absent = !self.has(operation);
        call.missing(absent.then(|| format!("the server has no {}", operation.route())))
    }

    /// A call to any path of the runtime plane.
    pub(crate) fn any(&self, path: &str) -> Call {
        self.get_from(path)
    }

    pub(crate) fn reserve(&self, place: &Place, estimate: i64) -> Call {
        self.post_to("/v1/reservations", about(place, "estimate", estimate))
    }

    pub(crate) fn dry_run(&self, place: &Place, estimate: i64) -> Call {
        self.reserve(place, estimate).with("dry_run", true)
    }

    pub(crate) fn decide(&self, place: &Place, estimate: i64) -> Call {
        self.optional(Operation::Decide, self.post_to("/v1/decide", about(place, "estimate", estimate)))
    }

    pub(crate) fn event(&self, place: &Place, actual: i64) -> Call {
        self.optional(Operation::Event, self.post_to("/v1/events", about(place, "actual", actual)))
    }

    pub(crate) fn commit(&self, id: &str, actual: i64) -> Call {
        self.post_to(one(id) + "/commit", json!({"actual": tokens(actual)}))
    }

    pub(crate) fn release(&self, id: &str) -> Call {
        self.post_to(one(id) + "/release", json!({}))
    }

    pub(crate) fn extend(&self, id: &str, by_ms: i64) -> Call {
        self.post_to(one(id) + "/extend", json!({"extend_by_ms": by_ms}))
    }

    pub(crate) fn get(&self, id: &str) -> Call {
        self.optional(Operation::Get, self.get_from(one(id)))
    }

    /// The tenant's reservations.
    pub(crate) fn list(&self) -> Call {
        self.optional(Operation::List, self.get_from("/v1/reservations"))
    }

    /// The reservations whose scope has the innermost segment of a place.
    pub(crate) fn list_at(&self, place: &Place) -> Call {
        place.levels().skip(1).fold(self.list(), |call, (level, value)| call.query(level, value))
    }

    /// The balances that a place's levels select.
    pub(crate) fn balances(&self, place: &Place) -> Call {
        place.levels().fold(self.get_from("/v1/balances"), |call, (level, value)| call.query(level, value))
    }

    /// All calls of the runtime plane that the server has, each valid as it is.
    pub(crate) fn every_operation(&self, place: &Place, hold: &Hold) -> Vec<Call> {
        let mut calls = vec![
            self.reserve(place, 1),
            self.extend(&hold.id, 1),
            self.balances(place),
            self.commit(&hold.id, 1),
            self.release(&hold.id),
        ];
        for (operation, call) in [
            (Operation::Decide, self.decide(place, 1)),
            (Operation::Event, self.event(place, 1)),
            (Operation::Get, self.get(&hold.id)),
            (Operation::List, self.list()),
        ] {
            if self.has(operation) {
                calls.push(call);
            }
        }
        calls
    }
}

fn one(id: &str) -> String {
    format!("/v1/reservations/{}", Call::segment(id))
}

fn about(place: &Place, member: &str, amount: i64) -> Value {
    json!({
        "subject": place.subject(),
        "action": {"kind": "llm.completion", "name": "gpt-4o"},
        member: tokens(amount),
    })
}

//! What becomes of a request on its way.

use std::time::Duration;

use fastrand::Rng;

use crate::route::Route;

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// It arrives, and its answer comes back after a time.
    Pass(Duration),
    /// It arrives, and its answer is lost with the connection.
    Lose,
    /// No connection is made.
    Refuse,
    /// Nothing comes back, whether or not it arrives.
    Silence { arrives: bool },
    /// The attempt fails at once, and the request arrives later.
    Astray(Duration),
    /// It arrives twice.
    Twice,
    /// It arrives, and something on the way spoils the answer.
    Spoil(Damage),
    /// Something on the way answers in place of the authority.
    Answer(Reply),
    /// The transport itself breaks.
    Panic,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Damage {
    /// Half of the body is missing.
    Half,
    /// All of the body is missing.
    Empty,
    /// Another 2xx.
    Status(u16),
    /// Another state than the operation's success.
    State,
}

/// An answer of something on the way.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<&'static str>,
    pub(crate) body: String,
}

impl Reply {
    fn text(status: u16, body: &str) -> Self {
        Self { status, retry_after: None, body: body.to_owned() }
    }

    fn refusal(status: u16, code: &str) -> Self {
        Self::text(status, &format!(r#"{{"error":"{code}","message":"on the way","request_id":"req_1"}}"#))
    }

    fn throttled(retry_after: &'static str) -> Self {
        Self { retry_after: Some(retry_after), ..Self::refusal(429, "LIMIT_EXCEEDED") }
    }
}

impl Fate {
    /// Draws a fate, which is a fault with this chance.
    pub(crate) fn draw(rng: &mut Rng, trouble: f64, route: Route) -> Self {
        if rng.f64() >= trouble {
            return Self::Pass(Duration::from_millis(rng.u64(..200)));
        }
        match rng.u32(..20) {
            0 | 1 => Self::Lose,
            2 => Self::Refuse,
            3 => Self::Silence { arrives: rng.bool() },
            4 => Self::Astray(Duration::from_millis(rng.u64(..90_000))),
            5 => Self::Twice,
            6 => Self::Spoil(Damage::Half),
            7 => Self::Spoil(Damage::Empty),
            8 => Self::Spoil(Damage::Status([202, 204, 206][rng.usize(..3)])),
            9 => Self::Spoil(Damage::State),
            10 => Self::Pass(Duration::from_millis(rng.u64(..12_000))),
            11 => Self::Panic,
            12 => Self::Answer(Reply::throttled(["0", "1", "7", "120", "3600"][rng.usize(..5)])),
            13 => Self::Answer(Reply::throttled(["31536000", "-1", "soon", "99999999999999999999"][rng.usize(..4)])),
            14 => Self::Answer(Reply::refusal(401, "UNAUTHORIZED")),
            15 => Self::Answer(Reply::refusal(403, "FORBIDDEN")),
            16 => Self::Answer(Self::garbage(rng)),
            17 => Self::Answer(Reply::refusal(500, "INTERNAL_ERROR")),
            18 => Self::Answer(Reply::refusal(422, "A_CODE_OF_THE_FUTURE")),
            _ => Self::Answer(Self::of_route(rng, route)),
        }
    }

    fn garbage(rng: &mut Rng) -> Reply {
        match rng.u32(..6) {
            0 => Reply::text(502, "<html>bad gateway</html>"),
            1 => Reply::text(404, "not here"),
            2 => Reply::text(302, ""),
            3 => Reply::text(200, &"[".repeat(10_000)),
            4 => Reply::text(409, "{}"),
            _ => Reply::text(200, "{\"reservation_id\":"),
        }
    }

    /// What only some routes are answered.
    fn of_route(rng: &mut Rng, route: Route) -> Reply {
        match route {
            Route::Reserve if rng.bool() => Reply::refusal(409, "BUDGET_EXCEEDED"),
            Route::Reserve => {
                Reply::text(200, r#"{"decision":"DENY","reason_code":"BUDGET_EXCEEDED","affected_scopes":[]}"#)
            }
            // Final, and wrong: the client must say so, since the spend is in no ledger then.
            Route::Commit | Route::Event if rng.u32(..4) == 0 => Reply::refusal(400, "INVALID_REQUEST"),
            Route::Commit | Route::Event => Reply::refusal(409, "BUDGET_EXCEEDED"),
            _ => Reply::refusal(503, "INTERNAL_ERROR"),
        }
    }
}

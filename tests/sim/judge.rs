//! What is promised, checked after every step.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use runcycles_authority::Ledger;
use serde_json::Value;

use crate::case::{Case, Owner, Seen};
use crate::counts::Counts;
use crate::disk::Platter;
use crate::route::Route;

/// The longest that a client waits for a disk that works.
pub(crate) const DISK_MS: u64 = 10_000;

/// The longest that `Retry-After` is obeyed.
const HOUR_MS: u64 = 3_600_000;

/// Sees every request, every answer and what calls know, and says which promise is broken.
pub(crate) struct Judge {
    platter: Platter,
    /// Whether the disk neither fails nor stalls, so that its promises are kept to the letter.
    pub(crate) disk_is_sound: bool,
    /// Whether one process runs at a time.
    pub(crate) is_alone: bool,
    cases: BTreeMap<String, Case>,
    /// Reservations by the key they were asked for with, and the body.
    asked: BTreeMap<String, Bytes>,
    /// Failed extensions, which operators must hear of: the process, and when.
    to_be_told: BTreeMap<String, (usize, u64)>,
    pub(crate) broken: Option<String>,
    pub(crate) trace: String,
    /// Random keys, in the order in which they are seen.
    keys: BTreeMap<String, usize>,
    pub(crate) counts: Counts,
}

impl Judge {
    pub(crate) fn new(platter: Platter) -> Self {
        Self {
            platter,
            disk_is_sound: true,
            is_alone: true,
            cases: BTreeMap::new(),
            asked: BTreeMap::new(),
            to_be_told: BTreeMap::new(),
            broken: None,
            trace: String::new(),
            keys: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// Notes what happens.
    pub(crate) fn note(&mut self, now_ms: u64, what: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.trace, "{} {what}", now_ms % 1_000_000_000);
    }

    /// Notes a broken promise; the first counts.
    pub(crate) fn broken(&mut self, what: String) {
        let _ = writeln!(self.trace, "BROKEN {what}");
        self.broken.get_or_insert(what);
    }

    /// The short name of a random key.
    pub(crate) fn key(&mut self, key: &str) -> usize {
        let next = self.keys.len();
        *self.keys.entry(key.to_owned()).or_insert(next)
    }

    /// A call knows what it has spent.
    pub(crate) fn knows(&mut self, reservation: &str, amount: u64) {
        self.case(reservation).known = Some(amount);
    }

    /// An action runs.
    pub(crate) fn runs(&mut self, reservation: &str) {
        if self.case(reservation).owner != Owner::Process {
            self.broken(format!("{reservation}: an action runs without a reservation"));
        }
    }

    /// A reservation was made.
    pub(crate) fn made(&mut self, reservation: &str, owner: Owner) {
        let case = self.case(reservation);
        if case.owner != Owner::Process {
            case.owner = owner;
        }
    }

    /// A guard is gone.
    pub(crate) fn ended(&mut self, process: usize, reservation: &str, now_ms: u64) {
        self.seen(process, reservation).ended_at_ms.get_or_insert(now_ms);
    }

    /// A process starts, and reads what is on disk.
    pub(crate) fn started(&mut self, process: usize, now_ms: u64) {
        for (reservation, record) in self.platter.records() {
            if let Some(floor_ms) = record["not_before_ms"].as_u64() {
                self.seen(process, &reservation).floor_ms = floor_ms.min(now_ms + HOUR_MS);
            }
        }
        for case in self.cases.values_mut() {
            case.floor_due = None;
        }
    }

    /// A request is about to leave a process.
    pub(crate) fn sends(&mut self, process: usize, route: Route, reservation: &str, body: &Bytes, now_ms: u64) {
        self.counts.requests += 1;
        self.check_floors(now_ms);
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let key = json["idempotency_key"].as_str().unwrap_or_default().to_owned();
        let short = self.key(&key);
        self.note(now_ms, format_args!("p{process} sends {route:?} {reservation} k{short}"));
        match route {
            Route::Reserve => {
                let before = self.asked.insert(key, body.clone());
                if before.is_some_and(|before| before != body) {
                    self.broken(format!("{route:?}: one key, two bodies"));
                }
            }
            Route::Commit | Route::Event => self.settles(process, route, reservation, body, key, now_ms),
            Route::Release => {
                if self.case(reservation).known.is_some() {
                    self.broken(format!("known spend of {reservation} is released"));
                }
                self.ended(process, reservation, now_ms);
            }
            Route::Extend => {
                let seen = self.seen(process, reservation);
                let late = seen.ended_at_ms.is_some_and(|ended_at_ms| now_ms > ended_at_ms);
                let again = seen.extend_key.replace(key.clone());
                // Until it is heard of, an attempt counts as failed.
                let (failed, same) = (std::mem::replace(&mut seen.extend_failed, true), again.as_ref() == Some(&key));
                if late {
                    self.broken(format!("{reservation} is extended after its guard has gone"));
                }
                if again.is_some() && failed != same {
                    self.broken(format!("{reservation}: a failed extension keeps its key, and the next has another"));
                }
            }
            Route::List => {}
        }
    }

    fn settles(&mut self, process: usize, route: Route, reservation: &str, body: &Bytes, key: String, now_ms: u64) {
        let record = self.platter.records().remove(reservation);
        let (sound, alone) = (self.disk_is_sound, self.is_alone);
        let mut broken = Vec::new();
        let case = self.case(reservation);
        if case.known.is_none() {
            broken.push("settled without known spend");
        }
        if case.key.get_or_insert_with(|| key.clone()) != &key {
            broken.push("settled with two keys");
        }
        let bytes = if route == Route::Commit { &mut case.commit } else { &mut case.event };
        if bytes.get_or_insert_with(|| body.clone()) != body {
            broken.push("settled with two bodies");
        }
        if route == Route::Commit && case.lapsed && sound && alone {
            broken.push("committed after its event was on disk");
        }
        case.lapsed |= route == Route::Event;
        let seen = case.seen.entry(process).or_default();
        if seen.settled {
            broken.push("settled after its final answer");
        }
        if seen.in_flight > 0 {
            broken.push("settled twice at a time by one process");
        }
        if now_ms + 1 < seen.floor_ms {
            broken.push("settled earlier than the authority asked for");
        }
        if route == Route::Commit && seen.event_sent {
            broken.push("committed after its event was sent");
        }
        seen.event_sent |= route == Route::Event;
        seen.in_flight += 1;
        seen.ended_at_ms.get_or_insert(now_ms);
        if sound && alone {
            let mode = if route == Route::Commit { "commit" } else { "event" };
            match record {
                None => broken.push("settled without a record on disk"),
                Some(record) if record["mode"] != mode => broken.push("its record has another mode"),
                Some(record) => {
                    let kept =
                        if route == Route::Commit { &record["commit_body"] } else { &record["event_fallback_body"] };
                    if kept["idempotency_key"] != key.as_str() {
                        broken.push("its record has another key");
                    }
                }
            }
        }
        for what in broken {
            self.broken(format!("{reservation}: {what}"));
        }
    }

    /// An attempt is over, whatever came of it.
    pub(crate) fn attempt_ends(&mut self, process: usize, route: Route, reservation: &str) {
        if matches!(route, Route::Commit | Route::Event) {
            let seen = self.seen(process, reservation);
            seen.in_flight = seen.in_flight.saturating_sub(1);
        }
    }

    /// The authority acted on a request: it must not refuse what this client sends.
    pub(crate) fn acts(&mut self, route: Route, reservation: &str, status: u16, body: &Bytes) {
        match (route, status) {
            (Route::Commit | Route::Event, 200 | 201) => {
                let case = self.case(reservation);
                (case.settled, case.lapsed) = (true, case.lapsed || route == Route::Event);
            }
            (_, 200)
            | (Route::Commit, 410)
            | (Route::Release, 409 | 410)
            | (Route::Reserve | Route::Extend | Route::List, _) => {}
            _ => self.broken(format!("the authority refuses {route:?} {reservation}: {status} {body:?}")),
        }
    }

    /// Weighs the ledger: it adds up, and nothing is in it that no call knows.
    pub(crate) fn weighs(&mut self, ledger: &Ledger) {
        let sum = i128::from(ledger.remaining.value())
            + i128::from(ledger.spent.value())
            + i128::from(ledger.reserved.value())
            + i128::from(ledger.debt.value());
        if sum != i128::from(ledger.allocated.value()) {
            self.broken(format!("the ledger does not add up: {ledger:?}"));
        }
        let spent = ledger.spent.value();
        let known: u64 = self.cases.values().filter_map(|case| case.known).sum();
        if spent > known {
            self.broken(format!("{spent:o} spent, of {known:o} known"));
        }
    }

    /// An extension of a living guard fails.
    pub(crate) fn extension_fails(&mut self, process: usize, reservation: &str, now_ms: u64) {
        if self.seen(process, reservation).ended_at_ms.is_none() {
            self.to_be_told.insert(reservation.to_owned(), (process, now_ms));
        }
    }

    /// The reservations whose failed extensions must have been told.
    pub(crate) fn to_be_told(&self) -> impl Iterator<Item = &str> {
        let told_in_time = |id: &str, (process, at_ms): (usize, u64)| {
            let ended = self.cases.get(id).and_then(|case| case.seen.get(&process)).and_then(|seen| seen.ended_at_ms);
            ended.is_some_and(|ended_at_ms| ended_at_ms > at_ms)
        };
        self.to_be_told.iter().filter(move |(id, at)| told_in_time(id, **at)).map(|(id, _)| &**id)
    }

    /// A living process gets an answer, or learns that there is none (`None`).
    pub(crate) fn hears(&mut self, process: usize, route: Route, reservation: &str, heard: Option<Heard>, now_ms: u64) {
        self.note(now_ms, format_args!("p{process} hears {heard:?} of {route:?} {reservation}"));
        match route {
            Route::Extend => {
                if heard != Some(Heard::Success) {
                    self.extension_fails(process, reservation, now_ms);
                }
                // A refusal ends the heartbeat, which never asks again then.
                self.seen(process, reservation).extend_failed = heard != Some(Heard::Success);
            }
            Route::Commit | Route::Event => {
                let case = self.case(reservation);
                case.floor_due = None;
                let seen = case.seen.entry(process).or_default();
                match heard {
                    Some(Heard::Success) => seen.settled = true,
                    Some(Heard::Rejection) => (seen.settled, case.rejected) = (true, true),
                    Some(Heard::Throttle(wait_ms)) => {
                        seen.floor_ms = now_ms + wait_ms.min(HOUR_MS);
                        case.floor_due = Some((now_ms + DISK_MS, seen.floor_ms));
                    }
                    Some(Heard::Other) | None => {}
                }
            }
            Route::Reserve | Route::Release | Route::List => {}
        }
    }

    /// Checks that waits that a process was told of are on disk.
    fn check_floors(&mut self, now_ms: u64) {
        if !self.disk_is_sound || !self.is_alone {
            return;
        }
        let due = |(due_ms, floor_ms): (u64, u64)| now_ms >= due_ms && now_ms < floor_ms;
        if !self.cases.values().any(|case| case.floor_due.is_some_and(due)) {
            return;
        }
        let records = self.platter.records();
        let mut broken = Vec::new();
        for (reservation, case) in &mut self.cases {
            let Some(floor) = case.floor_due.take_if(|floor| due(*floor)) else { continue };
            let kept = records.get(reservation).and_then(|record| record["not_before_ms"].as_u64());
            if kept.is_none_or(|kept| kept < floor.1) {
                broken.push(format!("{reservation}: the wait that the authority asked for is not on disk"));
            }
        }
        for what in broken {
            self.broken(what);
        }
    }

    /// Time has passed.
    pub(crate) fn rests(&mut self, now_ms: u64) {
        self.check_floors(now_ms);
    }

    /// A process has flushed a healthy world.
    pub(crate) fn flushed(&mut self, remaining: usize) {
        if remaining > 0 {
            self.broken(format!("a healthy flush leaves {remaining}"));
        }
        if self.disk_is_sound && self.is_alone {
            for reservation in self.platter.records().into_keys() {
                self.broken(format!("{reservation}: a healthy flush leaves its record"));
            }
        }
    }

    /// The reservations that a process asked for and nobody has.
    pub(crate) fn orphans(&self, process: usize) -> Vec<String> {
        let orphans = self.cases.iter().filter(|(_, case)| case.owner == Owner::Nobody(process));
        orphans.map(|(id, _)| id.clone()).collect()
    }

    /// What is known of reservations, with whether it may be missing from the ledger: refused for good.
    pub(crate) fn known(&self) -> impl Iterator<Item = (&str, u64, bool)> {
        self.cases.iter().filter_map(|(id, case)| Some((&**id, case.known?, case.rejected)))
    }

    /// Known spend that a crash may lose: no request for it has left, or the disk is to blame, and it is nowhere.
    pub(crate) fn lost_in_a_crash(&self) -> Vec<String> {
        let records = self.platter.records();
        let may_be_lost =
            |case: &Case| case.known.is_some() && !case.settled && (case.key.is_none() || !self.disk_is_sound);
        let lost = self.cases.iter().filter(|(id, case)| may_be_lost(case) && !records.contains_key(*id));
        lost.map(|(id, _)| id.clone()).collect()
    }

    fn case(&mut self, reservation: &str) -> &mut Case {
        self.cases.entry(reservation.to_owned()).or_default()
    }

    fn seen(&mut self, process: usize, reservation: &str) -> &mut Seen {
        self.case(reservation).seen.entry(process).or_default()
    }
}

/// What an answer tells a client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Heard {
    /// The valid success of its operation.
    Success,
    /// A refusal that is understood and final.
    Rejection,
    /// To wait, for so many milliseconds.
    Throttle(u64),
    /// Anything else.
    Other,
}

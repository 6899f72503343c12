//! What clients asked for, to be looked through.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Deref;

use super::call_table::CallTable;
use super::recorded_call::RecordedCall;
use crate::faults::{Call, RecordedRequest};

/// What clients asked for, in the order in which it was first answered. Filters leave some of it, and remember the rest for what a
/// failing test prints.
///
/// ```
/// use runcycles::{Reserve, Scope, usd};
/// use runcycles_authority::{Authority, Call};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let authority = Authority::builder().budget("tenant:acme", usd!(5)).record_requests().start().await?;
/// let client = authority.client("acme");
/// let reserve = Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02)).subject(Scope::agent("jane"));
/// client.reserve(reserve).await?.commit(usd!(0.013)).await?;
///
/// let commits = authority.calls().of(Call::Commit).kind("llm.completion").at("tenant:acme/agent:jane");
/// commits.assert_count(1);
/// assert_eq!(commits[0].actual, Some(usd!(0.013)));
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `Display` is a table:
///
/// ```text
///      call     scope                   action                 estimate  actual  answer
///   1  reserve  tenant:acme/agent:jane  llm.completion gpt-4o  $0.02             ALLOW
///   2  commit   tenant:acme/agent:jane  llm.completion gpt-4o  $0.02     $0.013  200
/// ```
#[derive(Clone, Debug)]
pub struct RecordedCalls {
    /// All of them.
    all: Vec<RecordedCall>,
    /// Those that the filters leave.
    left: Vec<RecordedCall>,
    /// Where those stand among all.
    places: Vec<usize>,
    /// What the filters leave, in words.
    what: String,
}

impl RecordedCalls {
    pub(crate) fn new(requests: &[RecordedRequest]) -> Self {
        let all = calls_of(requests);
        Self { left: all.clone(), places: (0..all.len()).collect(), all, what: "calls".to_owned() }
    }

    /// Those of an operation.
    pub fn of(self, call: Call) -> Self {
        let what = format!("{} that are a {call}", self.what);
        self.only(what, |recorded| recorded.call == call)
    }

    /// Those about a kind of action.
    pub fn kind(self, kind: &str) -> Self {
        let what = format!("{} of the kind {kind:?}", self.what);
        self.only(what, |recorded| recorded.kind() == kind)
    }

    /// Those about an action of a name, such as a model or a tool.
    pub fn name(self, name: &str) -> Self {
        let what = format!("{} named {name:?}", self.what);
        self.only(what, |recorded| recorded.name() == name)
    }

    /// Those at a scope or below it: a path such as `tenant:acme/agent:bot`, or a [`Scope`](runcycles::Scope).
    pub fn at(self, scope: impl fmt::Display) -> Self {
        let scope = scope.to_string().to_ascii_lowercase();
        let what = format!("{} at {scope}", self.what);
        self.only(what, |recorded| is_at(&recorded.scope(), &scope))
    }

    /// Those that were [allowed](RecordedCall::is_allowed).
    pub fn allowed(self) -> Self {
        let what = format!("{} that were allowed", self.what);
        self.only(what, RecordedCall::is_allowed)
    }

    /// Those that were [denied](RecordedCall::is_denied).
    pub fn denied(self) -> Self {
        let what = format!("{} that were denied", self.what);
        self.only(what, RecordedCall::is_denied)
    }

    /// Those about actions that were [let run](RecordedCall::is_let_run).
    pub fn let_run(self) -> Self {
        let what = format!("{} that let their action run", self.what);
        self.only(what, RecordedCall::is_let_run)
    }

    /// Those that something is true of, which the words say for a failing test: "calls `that carry a trace`".
    pub fn filter(self, words: &str, is_wanted: impl FnMut(&RecordedCall) -> bool) -> Self {
        let what = format!("{} {words}", self.what);
        self.only(what, is_wanted)
    }

    /// The names of their actions, each once, in alphabetical order: the models that were asked, or the tools that were used.
    pub fn names(&self) -> BTreeSet<&str> {
        self.left.iter().map(RecordedCall::name).filter(|name| !name.is_empty()).collect()
    }

    /// Asserts how many there are.
    ///
    /// # Panics
    ///
    /// With a table of everything that was asked, in which those that were found are marked.
    #[track_caller]
    pub fn assert_count(&self, expected: usize) {
        let found = self.left.len();
        assert!(found == expected, "expected {expected} {}, found {found}{}", self.what, self.marked());
    }

    /// A table of everything, with these marked.
    pub(super) fn marked(&self) -> String {
        if self.all.is_empty() {
            return ": nothing was asked at all".to_owned();
        }
        format!("; of all that was asked, found ones with a >:\n{}", CallTable::new(&self.all).mark(&self.places))
    }

    fn only(mut self, what: String, mut is_wanted: impl FnMut(&RecordedCall) -> bool) -> Self {
        self.places.retain(|place| is_wanted(&self.all[*place]));
        self.left = self.places.iter().map(|place| self.all[*place].clone()).collect();
        self.what = what;
        self
    }
}

impl Deref for RecordedCalls {
    type Target = [RecordedCall];

    fn deref(&self) -> &[RecordedCall] {
        &self.left
    }
}

impl IntoIterator for RecordedCalls {
    type Item = RecordedCall;
    type IntoIter = std::vec::IntoIter<RecordedCall>;

    fn into_iter(self) -> Self::IntoIter {
        self.left.into_iter()
    }
}

impl fmt::Display for RecordedCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        CallTable::new(&self.left).fmt(f)
    }
}

/// Whether a scope is another one, or below it.
pub(super) fn is_at(scope: &str, outer: &str) -> bool {
    scope.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The calls that requests are attempts of, with what their reservations say of them.
fn calls_of(requests: &[RecordedRequest]) -> Vec<RecordedCall> {
    let mut calls: Vec<RecordedCall> = Vec::new();
    let mut places = HashMap::new();
    for request in requests {
        let Some(recorded) = RecordedCall::of(request) else { continue };
        let place = *places.entry((&request.target, &request.body)).or_insert(calls.len());
        match calls.get_mut(place) {
            Some(known) if known.key.is_some() => known.attempt(request),
            // Reads have no key, and are calls of their own each time.
            _ => calls.push(recorded),
        }
    }
    let is_reservation = |recorded: &&RecordedCall| recorded.call == Call::Reserve && recorded.reservation_id.is_some();
    let reservations: HashMap<_, _> = calls
        .iter()
        .filter(is_reservation)
        .map(|recorded| (recorded.reservation_id.clone(), recorded.clone()))
        .collect();
    for recorded in &mut calls {
        if matches!(recorded.call, Call::Commit | Call::Release | Call::Extend)
            && let Some(reservation) = reservations.get(&recorded.reservation_id)
        {
            recorded.settle_of(reservation);
        }
    }
    calls
}

//! What a test asserts about an agent, on the authority that the agent asked.

use std::fmt;

use runcycles::models::Amount;

use super::recorded_calls::RecordedCalls;
use crate::authority::Authority;
use crate::engine::ReadAllLedgers;
use crate::faults::Call;
use crate::ledger::Ledger;

/// For tests of what spends: what was asked, and whether that is what should have been.
///
/// Settlement may go on in the background when a call has returned. Let it end, with the client's `flush`, before asserting on what
/// was spent or settled.
///
/// ```
/// use runcycles::{Reserve, Scope, usd};
/// use runcycles_authority::Authority;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let authority = Authority::builder().budget("tenant:acme/agent:jane", usd!(0.05)).record_requests().start().await?;
/// let jane = authority.client("acme").scoped(Scope::agent("jane"));
///
/// let guard = jane.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02))).await?;
/// guard.commit(usd!(0.013)).await?;
/// assert!(jane.reserve(Reserve::new("email.send", "welcome").estimate(usd!(1))).await.is_err());
///
/// authority.assert_reserved(Scope::tenant("acme").agent("jane"), usd!(0.02));
/// authority.assert_spent("tenant:acme/agent:jane", usd!(0.013));
/// authority.assert_never_ran("email.send");
/// authority.assert_calls("llm.completion", 1);
/// authority.assert_denied(1);
/// authority.assert_settled();
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Authority {
    /// Everything that clients asked of the runtime plane so far, typed: see [`RecordedCalls`].
    ///
    /// # Panics
    ///
    /// Where the builder was not told to [record](crate::AuthorityBuilder::record_requests): assertions on an empty record would pass.
    #[track_caller]
    pub fn calls(&self) -> RecordedCalls {
        assert!(
            self.records(),
            "nothing is recorded: expected .record_requests() on the authority's builder, before .start()"
        );
        RecordedCalls::new(&self.requests())
    }

    /// Asserts that a reservation of this amount was allowed for exactly this subject: a path such as `tenant:acme/agent:bot`, or a
    /// [`Scope`](runcycles::Scope), whose dimensions do not count.
    ///
    /// # Panics
    ///
    /// With a table of what was asked; as [`calls`](Self::calls), too.
    #[track_caller]
    pub fn assert_reserved(&self, scope: impl fmt::Display, amount: Amount) {
        let scope = scope.to_string().to_ascii_lowercase();
        let held = self.calls().of(Call::Reserve).allowed().filter("that hold something", |call| !call.dry_run);
        let found = held.clone().filter("", |call| call.scope() == scope && call.estimate.as_ref() == Some(&amount));
        assert!(!found.is_empty(), "expected a reservation of {amount} at {scope}, found none{}", held.marked());
    }

    /// Asserts what was spent at a scope: what the budget there was charged in the amount's unit, debt included.
    ///
    /// # Panics
    ///
    /// With the ledger, and a table of what was asked where that is recorded; and where the scope has no budget in the unit, with
    /// those that there are.
    #[track_caller]
    pub fn assert_spent(&self, scope: impl fmt::Display, amount: Amount) {
        let ledger = self.ledger_in(&scope.to_string(), &amount);
        let spent = ledger.spent.checked_add(&ledger.debt).unwrap_or_else(|_| ledger.spent.clone());
        assert!(
            spent == amount,
            "expected {amount} to be spent at {}, found {spent}; the budget is\n  {ledger}{}",
            ledger.scope,
            self.what_was_asked()
        );
    }

    /// Asserts that no action of a kind was let run: no reservation of the kind was allowed, none was asked for in shadow mode, and
    /// no event tells of one. That it was never asked for either is [`assert_calls(kind, 0)`](Self::assert_calls).
    ///
    /// # Panics
    ///
    /// With a table of what was asked; as [`calls`](Self::calls), too.
    #[track_caller]
    pub fn assert_never_ran(&self, kind: &str) {
        let ran = self.calls().kind(kind).let_run();
        let times = ran.len();
        assert!(
            ran.is_empty(),
            "expected no {kind} ever to run, found that it was let run {times} times{}",
            ran.marked()
        );
    }

    /// Asserts how many actions of a kind were asked for, whether they were allowed or not: reservations and events. A stream asks
    /// once for each slice.
    ///
    /// # Panics
    ///
    /// With a table of what was asked; as [`calls`](Self::calls), too.
    #[track_caller]
    pub fn assert_calls(&self, kind: &str, times: usize) {
        let is_action = |call: Call| matches!(call, Call::Reserve | Call::Event);
        self.calls().kind(kind).filter("that ask for an action", |call| is_action(call.call)).assert_count(times);
    }

    /// Asserts how many reservations were denied, whatever their kind;
    /// `authority.calls().kind("email.send").denied().assert_count(1)` is about one kind.
    ///
    /// # Panics
    ///
    /// With a table of what was asked; as [`calls`](Self::calls), too.
    #[track_caller]
    pub fn assert_denied(&self, times: usize) {
        self.calls().of(Call::Reserve).denied().assert_count(times);
    }

    /// The ledger at a scope in the unit of an amount.
    #[track_caller]
    fn ledger_in(&self, scope: &str, amount: &Amount) -> Ledger {
        let unit = amount.unit();
        let found = self.ledgers(scope).into_iter().find(|ledger| ledger.spent.unit() == unit);
        found.unwrap_or_else(|| {
            let all = self.engine().execute(ReadAllLedgers);
            let lines: Vec<_> = all.into_iter().map(|ledger| format!("\n  {}", Ledger::from(ledger))).collect();
            panic!("expected a budget in {unit} at {scope}, found none; the budgets are{}", lines.concat())
        })
    }

    fn what_was_asked(&self) -> String {
        if self.records() { format!("\nwhat was asked:\n{}", self.calls()) } else { String::new() }
    }
}

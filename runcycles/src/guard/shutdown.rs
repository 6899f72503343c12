//! The orderly end of a client.

use std::time::Duration;

use crate::client::CyclesClient;

/// What a shutdown came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How many settlements ended in the background while it ran.
    pub settled: u64,
    /// How many are left there. Known spend among them is in the journal for the next process; without a journal it is lost to
    /// the ledger.
    pub remaining: usize,
    /// How many guards, and settlements that somebody awaits, are left. Their reservations are not extended any more.
    pub live: usize,
}

impl ShutdownReport {
    /// Whether everything is settled.
    pub fn is_clean(&self) -> bool {
        self.remaining == 0 && self.live == 0
    }
}

impl CyclesClient {
    /// Ends the work of this client and of all its views in good order. It reserves no more: that is an
    /// [`Error::ShutDown`](crate::Error::ShutDown). It waits until the guards there are have been settled or dropped, extending
    /// their reservations meanwhile, and until the background has settled what it has, as by [`flush`](Self::flush). Then, or when
    /// the time is up, the heartbeat and the background end: no task or timer of the client goes on.
    ///
    /// What is left stays where it is: known spend in the journal, for the next process, and holds until they lapse. A guard that
    /// ends later is still settled by one attempt, or two where the first gets no clear answer. Operations other than reserving
    /// go on to work. It may be called again, and then tries again what is left.
    ///
    /// A guard that the caller itself holds on to is waited for until the time is up.
    ///
    /// ```
    /// # async fn example(client: runcycles::CyclesClient) {
    /// use std::time::Duration;
    ///
    /// let report = client.shutdown(Duration::from_secs(10)).await;
    /// if !report.is_clean() {
    ///     eprintln!("{} settlements wait for the next process, {} calls have not ended", report.remaining, report.live);
    /// }
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting: the client reserves no more, and everything else goes on. Call it again to end that
    /// too.
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        let settlements = &self.shared.settlements;
        settlements.shut_down();
        self.shared.holders.let_go(true);
        let flushed = self.drain(deadline, || settlements.owners() == 0).await;
        self.shared.heartbeat.close();
        // What calls still use is not kept alive any more, and nobody needs to look after it.
        self.shared.holders.let_go(true);
        settlements.stop();
        #[cfg(feature = "journal")]
        if let Some(journal) = &self.shared.journal {
            journal.stop_watching();
        }
        ShutdownReport { settled: flushed.settled, remaining: flushed.remaining, live: settlements.owners() }
    }
}

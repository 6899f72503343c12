//! What a reservation is settled with should its process end before the spend is known.

use std::sync::Arc;
use std::time::Duration;

use crate::client::Shared;
use crate::protocol::CommitRequest;
use crate::reservation::Reservation;
use crate::transport::BoxFuture;

impl Shared {
    /// Writes down what the next process settles a reservation with should this one end before it commits: a commit with the same
    /// key, which takes this record's place. Whoever finds the record waits until `wait` is over, and looks again then. The order
    /// is given by this call; the future says when it is carried out. `None` where nothing is kept.
    ///
    /// A failing disk is told to operators by the journal.
    #[cfg(feature = "journal")]
    pub(crate) fn keep_ahead(
        &self,
        reservation: &Arc<Reservation>,
        request: CommitRequest,
        wait: Duration,
    ) -> Option<BoxFuture<'static, ()>> {
        use super::claim::Spend;
        use crate::journal::{Body, Record, now};

        let journal = self.journal.as_ref().filter(|_| reservation.is_held())?;
        let (commit, event) = Spend::new(Arc::clone(reservation), request).make().ok()?;
        let record = Record::commit(reservation.id.as_str(), Body::made(commit), Some(Body::made(event)), now());
        let written = journal.write(&record.ahead(wait, now()));
        Some(Box::pin(async move { drop(written.await) }))
    }

    /// Without a journal, nothing.
    #[cfg(not(feature = "journal"))]
    #[allow(clippy::unused_self, reason = "the same call as with the journal")]
    pub(crate) fn keep_ahead(
        &self,
        _reservation: &Arc<Reservation>,
        _request: CommitRequest,
        _wait: Duration,
    ) -> Option<BoxFuture<'static, ()>> {
        None
    }
}

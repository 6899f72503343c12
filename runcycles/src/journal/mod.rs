//! The commit journal: known spend on disk, from before the first request that settles it until the authority has confirmed it.
//!
//! The files are shared with the Cycles clients in other languages, to the byte. Nothing here asks the network or decides
//! anything about a settlement; nothing blocks an async thread; nothing fails the caller's action.

mod body;
mod desk;
mod disk;
mod error;
mod file_name;
mod fingerprint;
mod group;
mod host;
mod identity;
mod inventory;
mod lane;
mod reader;
mod record;
mod replay;
mod store;

use std::error::Error as _;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use self::desk::{Desk, Order};
use self::inventory::Found;
use self::lane::{Lane, Taken};
use self::replay::Claim;
use self::store::Store;
use crate::client::JournalConfig;

pub(crate) use self::body::Body;
pub(crate) use self::desk::Origin;
pub(crate) use self::disk::Disk;
#[cfg(test)]
pub(crate) use self::disk::SystemDisk;
pub(crate) use self::error::JournalError;
pub(crate) use self::host::now;
pub(crate) use self::identity::Identity;
pub(crate) use self::lane::Place;
pub(crate) use self::record::{Record, Step};
pub(crate) use self::replay::Replay;

#[cfg(feature = "__simulation")]
pub use self::{
    disk::{Disk as HostDisk, Entry, OpenFile},
    host::{Host, Hosted},
    lane::Work,
};

/// How long a writer waits for the disk, and how long the disk may be at one group of orders before it counts as stalled.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The journal of one client. Making one touches nothing: the directory is found, and the thread that works on the disk
/// started, when there is something to do.
///
/// Orders reach the disk in the sequence in which they are given. Dropping a journal lets those that were given end.
pub(crate) struct Journal {
    lane: Arc<Lane>,
    identity: Arc<Identity>,
    /// The right to replay the directory, once this client has taken it.
    claim: Arc<OnceLock<Claim>>,
}

/// What there is of a reservation.
#[derive(Debug)]
pub(crate) enum Look {
    /// A record to settle.
    Record(Box<Record>),
    /// Nothing any more.
    Gone,
    /// The disk does not say.
    Unknown,
}

impl Journal {
    /// A journal on the system's disk, worked on by a thread of its own, unless a simulation has another.
    pub(crate) fn new(config: &JournalConfig, identity: Identity) -> Self {
        let (disk, place) = host::disk_and_place();
        Self::on(disk, place, config, identity)
    }

    /// A journal on any disk.
    pub(crate) fn on(disk: Arc<dyn Disk>, place: Place, config: &JournalConfig, identity: Identity) -> Self {
        Self::with_patience(LONGEST_WAIT, disk, place, config, identity)
    }

    /// A journal whose writers wait for so long.
    fn with_patience(
        patience: Duration,
        disk: Arc<dyn Disk>,
        place: Place,
        config: &JournalConfig,
        identity: Identity,
    ) -> Self {
        let identity = Arc::new(identity);
        let lane = Lane::new(place, patience, Desk::new(Arc::clone(&identity), config.clone(), disk));
        Self { lane: Arc::new(lane), identity, claim: Arc::default() }
    }

    /// Writes a record, in place of an earlier one of the same reservation. The order is given by this call; the future says
    /// when the record is as durable as configured. A failure has been told to operators.
    ///
    /// The future ends after a bounded time, whatever the disk does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting; the record is written.
    pub(crate) fn write(&self, record: &Record) -> impl Future<Output = Result<(), JournalError>> + Send + use<> {
        let (answer, mut result) = oneshot::channel();
        let reservation_id: Box<str> = record.reservation_id.as_str().into();
        let text = record.encode(self.identity.base_url());
        let taken = self.lane.give(Order::Write { reservation_id: reservation_id.clone(), text, answer });
        let patience = self.lane.patience();
        async move {
            let error = match taken {
                Err(error) => error,
                Ok(Taken::Behind(waited)) => JournalError::Stalled { waited },
                Ok(Taken::Promptly) => match result.try_recv() {
                    Ok(result) => return result,
                    Err(TryRecvError::Closed) => JournalError::Panicked,
                    Err(TryRecvError::Empty) => match tokio::time::timeout(patience, result).await {
                        Ok(Ok(result)) => return result,
                        Ok(Err(_)) => JournalError::Panicked,
                        Err(_) => JournalError::Stalled { waited: patience },
                    },
                },
            };
            tracing::error!(
                %reservation_id,
                %error,
                cause = error.source().map(tracing::field::display),
                "known spend may not be on disk; it is settled without waiting for the disk"
            );
            Err(error)
        }
    }

    /// Removes the record of a reservation that is settled. A record that stays is told to operators; replaying it takes no
    /// effect.
    pub(crate) fn remove(&self, reservation_id: &str, origin: Origin) {
        let order = Order::Remove { reservation_id: reservation_id.into(), origin };
        if let Err(error) = self.lane.give(order) {
            tracing::warn!(reservation_id, %error, "the record of a settled reservation stays; replaying it takes no effect");
        }
    }

    /// The records that earlier processes left, or nothing where a living client of this process replays them or has done so.
    ///
    /// The order is given by this call. Called before the first write, it finds no record of this process. The future waits for
    /// the disk as long as that takes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the records to a later call.
    pub(crate) fn load(&self) -> impl Future<Output = Result<Option<Replay>, JournalError>> + Send + use<> {
        let listed = ask(&self.lane, |store| {
            let store = store?;
            match replay::claim(&store.directory) {
                Some(claim) => store.list(now()).map(|names| Some((names, claim))),
                None => Ok(None),
            }
        });
        let (lane, identity, held) = (Arc::clone(&self.lane), Arc::clone(&self.identity), Arc::clone(&self.claim));
        async move {
            let Some((names, claim)) = listed.await?? else { return Ok(None) };
            let _ = held.set(Arc::clone(&claim));
            Ok(Some(Replay::new(lane, identity, names, claim)))
        }
    }

    /// What there is of a reservation now.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub(crate) fn look(&self, reservation_id: &str) -> impl Future<Output = Look> + Send + use<> {
        let (name, identity) = (file_name::standard(reservation_id), Arc::clone(&self.identity));
        let looked = ask(&self.lane, move |store| match store.map(|store| store.take(&name, identity.base_url())) {
            Ok(Found::Record(record, _)) => Look::Record(Box::new(record)),
            Ok(Found::Gone | Found::Foreign | Found::Quarantined) => Look::Gone,
            Ok(Found::Unreadable) | Err(_) => Look::Unknown,
        });
        async move { looked.await.unwrap_or(Look::Unknown) }
    }

    /// Completes when all orders so far are carried out.
    pub(crate) async fn drained(&self) -> Result<(), JournalError> {
        ask(&self.lane, |_| ()).await
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.lane.close();
    }
}

/// Has work done on the disk in its turn, which is now; the future waits for it.
fn ask<T: Send + 'static, W: FnOnce(Result<&Store, JournalError>) -> T + Send + 'static>(
    lane: &Arc<Lane>,
    work: W,
) -> impl Future<Output = Result<T, JournalError>> + Send + use<T, W> {
    let (answer, result) = oneshot::channel();
    let given = lane.give(Order::Other(Box::new(move |store| {
        let _ = answer.send(work(store));
    })));
    async move {
        given?;
        result.await.map_err(|_| JournalError::Panicked)
    }
}

#[cfg(test)]
mod tests;

//! The work on the disk itself, one order after the other.

use std::error::Error as _;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::disk::Disk;
use super::error::JournalError;
use super::file_name;
use super::group::Group;
use super::identity::Identity;
use super::store::Store;
use crate::client::{Durability, JournalConfig};

/// Where the result of a write goes.
pub(super) type Answer = oneshot::Sender<Result<(), JournalError>>;

/// Something to do on the disk.
pub(super) enum Order {
    Write { reservation_id: Box<str>, text: Vec<u8>, answer: Answer },
    Remove { reservation_id: Box<str>, origin: Origin },
    Other(Work),
}

/// Where a record came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From this process, which writes under the standard names alone.
    #[default]
    Written,
    /// From the disk, where an early version may have written it.
    Found,
}

/// Anything that is done in its turn, in the directory or with the reason why there is none.
pub(super) type Work = Box<dyn FnOnce(Result<&Store, JournalError>) + Send>;

/// Does the work on the disk, one order after the other. Its methods block.
pub(super) struct Desk {
    identity: Arc<Identity>,
    config: JournalConfig,
    disk: Arc<dyn Disk>,
    /// The directory, once it is known.
    store: Option<Store>,
}

impl Desk {
    pub(super) fn new(identity: Arc<Identity>, config: JournalConfig, disk: Arc<dyn Disk>) -> Self {
        Self { identity, config, disk, store: None }
    }

    /// The directory, found when it is needed first. That takes some milliseconds of computation.
    fn store(&mut self) -> Result<&Store, JournalError> {
        let store = match self.store.take() {
            Some(store) => store,
            None => {
                let directory = self.identity.directory(self.config.directory.as_deref())?;
                Store::new(Arc::clone(&self.disk), directory, self.config.durability)
            }
        };
        Ok(self.store.insert(store))
    }

    /// Carries out orders. For [`Durability::PowerLoss`], those to write are made durable together.
    pub(super) fn work(&mut self, orders: impl IntoIterator<Item = Order>) {
        let durability = self.config.durability;
        let store = self.store();
        let mut group = Group::default();
        for order in orders {
            match order {
                Order::Write { reservation_id, text, answer } => {
                    let staged = store
                        .clone()
                        .and_then(|store| Ok((store, store.stage(&file_name::standard(&reservation_id), &text)?)));
                    match staged {
                        Ok((_, staged)) if durability == Durability::PowerLoss => {
                            group.add(reservation_id, staged, answer);
                        }
                        Ok((store, staged)) => give(answer, &reservation_id, store.publish(staged)),
                        Err(error) => give(answer, &reservation_id, Err(error)),
                    }
                }
                Order::Remove { reservation_id, origin } => {
                    if group.has(&reservation_id) {
                        group.finish(&store);
                    }
                    if let Err(error) = store.clone().and_then(|store| store.remove(&reservation_id, origin)) {
                        tracing::warn!(
                            %reservation_id,
                            %error,
                            cause = error.source().map(tracing::field::display),
                            "the record of a settled reservation stays; replaying it takes no effect"
                        );
                    }
                }
                Order::Other(work) => {
                    group.finish(&store);
                    work(store.clone());
                }
            }
        }
        group.finish(&store);
    }
}

/// Gives a writer its result, and operators a failure. The writer may have gone; the record is on the disk all the same.
pub(super) fn give(answer: Answer, reservation_id: &str, result: Result<(), JournalError>) {
    if let Err(error) = &result {
        tracing::error!(
            reservation_id,
            %error,
            cause = error.source().map(tracing::field::display),
            "known spend is not on disk, and is lost if the process ends before it is settled"
        );
    }
    let _ = answer.send(result);
}

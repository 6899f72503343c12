//! Who makes a governed call, and how.

use std::fmt;
use std::net::SocketAddr;

use runcycles::Durability;
use tokio::runtime::Runtime;

use super::barest::Barest;
use super::by_reqwest::ByReqwest;
use super::directory::{Directory, Disk};
use super::record::PlainRecord;
use super::sdk::{ByAttribute, ByClosure, ByGuard, ByOperations, client};
use super::typed::Typed;

/// Makes governed calls: a reservation, an action that does nothing, a commit.
pub(crate) trait Caller: Clone + Send + Sync + 'static {
    fn call(&self) -> impl Future<Output = ()> + Send;
}

/// What is done with a caller.
pub(crate) trait Measurement {
    type Measured;

    fn measure(self, runtime: &Runtime, caller: impl Caller) -> Self::Measured;
}

/// A kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A pooled hyper-util client that sends what was made before and reads no answer: the floor of every ratio.
    Floor,
    /// The least that a client has to do, on the same: keys, JSON both ways, the id in the path.
    Typed,
    /// reqwest with what was made before.
    Reqwest,
    /// No call: what the disk takes for a record of a journal.
    Record(Durability, Disk),
    /// This project's client.
    Sdk(Way, Carrier, Journal),
}

/// How this project's client is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Operation by operation, without guard, heartbeat and settlement.
    Operations,
    Guard,
    WithCycles,
    Macro,
}

/// What carries the requests of this project's client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Hyper,
    Reqwest,
}

/// Whether known spend is kept on disk until it is settled, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Journal {
    Off,
    On(Durability, Disk),
}

impl Way {
    const ALL: [Self; 4] = [Self::Operations, Self::Guard, Self::WithCycles, Self::Macro];
}

impl Carrier {
    pub(crate) const ALL: [Self; 2] = [Self::Hyper, Self::Reqwest];
}

impl Journal {
    pub(crate) const PROCESS_CRASH: Self = Self::On(Durability::ProcessCrash, Disk::OfTheTarget);
    pub(crate) const POWER_LOSS: Self = Self::On(Durability::PowerLoss, Disk::OfTheTarget);
    pub(crate) const PROCESS_CRASH_IN_MEMORY: Self = Self::On(Durability::ProcessCrash, Disk::Memory);
    pub(crate) const POWER_LOSS_IN_MEMORY: Self = Self::On(Durability::PowerLoss, Disk::Memory);
    const ALL: [Self; 5] =
        [Self::Off, Self::PROCESS_CRASH, Self::POWER_LOSS, Self::PROCESS_CRASH_IN_MEMORY, Self::POWER_LOSS_IN_MEMORY];

    /// The disk alone, at a record of this journal.
    pub(crate) fn record(self) -> Option<Kind> {
        match self {
            Self::Off => None,
            Self::On(durability, disk) => Some(Kind::Record(durability, disk)),
        }
    }
}

impl Kind {
    /// A guard without a journal.
    pub(crate) const fn guard(carrier: Carrier) -> Self {
        Self::Sdk(Way::Guard, carrier, Journal::Off)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        let ours = Way::ALL.into_iter().flat_map(|way| {
            Carrier::ALL
                .into_iter()
                .flat_map(move |carrier| Journal::ALL.into_iter().map(move |journal| Self::Sdk(way, carrier, journal)))
        });
        let records = Journal::ALL.into_iter().filter_map(Journal::record);
        [Self::Floor, Self::Typed, Self::Reqwest]
            .into_iter()
            .chain(records)
            .chain(ours)
            .find(|kind| kind.to_string() == name)
    }

    /// Makes a caller of this kind and measures it.
    pub(crate) fn measure<M: Measurement>(self, server: SocketAddr, runtime: &Runtime, how: M) -> M::Measured {
        let (way, carrier, journal) = match self {
            Self::Floor => return how.measure(runtime, Barest::new(server)),
            Self::Typed => return how.measure(runtime, Typed::new(server)),
            Self::Reqwest => return how.measure(runtime, ByReqwest::new(server)),
            Self::Record(durability, disk) => {
                let directory = Directory::on(disk);
                return how.measure(runtime, PlainRecord::new(&directory, durability));
            }
            Self::Sdk(way, carrier, journal) => (way, carrier, journal),
        };
        let directory = match journal {
            Journal::Off => None,
            Journal::On(durability, disk) => Some((Directory::on(disk), durability)),
        };
        let client =
            client(server, carrier, directory.as_ref().map(|(directory, durability)| (directory.path(), *durability)));
        match way {
            Way::Operations => how.measure(runtime, ByOperations(client)),
            Way::Guard => how.measure(runtime, ByGuard(client)),
            Way::WithCycles => how.measure(runtime, ByClosure(client)),
            Way::Macro => how.measure(runtime, ByAttribute(client)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Floor => f.write_str("hyper-util"),
            Self::Typed => f.write_str("typed"),
            Self::Reqwest => f.write_str("reqwest"),
            Self::Record(durability, disk) => write!(f, "record{}", Journal::On(*durability, *disk)),
            Self::Sdk(way, carrier, journal) => write!(f, "{way} on {carrier}{journal}"),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operations => "operations",
            Self::Guard => "guard",
            Self::WithCycles => "with_cycles",
            Self::Macro => "macro",
        })
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hyper => "hyper",
            Self::Reqwest => "reqwest",
        })
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::On(durability, disk) = self else { return Ok(()) };
        f.write_str(if *durability == Durability::PowerLoss { ", power loss" } else { ", process crash" })?;
        f.write_str(if *disk == Disk::Memory { " in memory" } else { "" })
    }
}

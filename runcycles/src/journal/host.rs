//! What journals live on: a disk, a place to work on it, and the time of day.
//!
//! They are the machine's. The feature `__simulation` of the project's own tests puts others in their place, for one thread; in
//! every other build the functions here are the machine's own, without a question in between.

#[cfg(not(feature = "__simulation"))]
pub(super) use self::machine::disk_and_place;
#[cfg(not(feature = "__simulation"))]
pub(crate) use self::machine::now;
#[cfg(feature = "__simulation")]
pub(super) use self::simulated::disk_and_place;
#[cfg(feature = "__simulation")]
pub(crate) use self::simulated::now;
#[cfg(feature = "__simulation")]
pub use self::simulated::{Host, Hosted};

#[cfg(not(feature = "__simulation"))]
mod machine {
    use std::sync::Arc;
    use std::time::SystemTime;

    use crate::journal::disk::{Disk, SystemDisk};
    use crate::journal::lane::Place;

    pub(in crate::journal) fn disk_and_place() -> (Arc<dyn Disk>, Place) {
        (Arc::new(SystemDisk), Place::Thread)
    }

    /// The time of day.
    pub(crate) fn now() -> SystemTime {
        SystemTime::now()
    }
}

#[cfg(feature = "__simulation")]
mod simulated {
    use std::cell::RefCell;
    use std::fmt;
    use std::sync::Arc;
    use std::time::SystemTime;

    use crate::journal::disk::{Disk, SystemDisk};
    use crate::journal::lane::{Place, Work};

    thread_local! {
        static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
    }

    /// What the clients that are made on a thread live on.
    #[derive(Clone)]
    pub struct Host {
        disk: Arc<dyn Disk>,
        place: Place,
        now: Arc<dyn Fn() -> SystemTime>,
    }

    /// A thread's host, until this is dropped.
    #[derive(Debug)]
    #[must_use = "dropping it brings back the host before it"]
    pub struct Hosted {
        before: Option<Host>,
    }

    impl Host {
        /// A host with this disk and time of day, on which work on the disk is done where it is given.
        pub fn new(disk: Arc<dyn Disk>, now: impl Fn() -> SystemTime + 'static) -> Self {
            Self { disk, place: Place::Caller, now: Arc::new(now) }
        }

        /// The same on the system's disk.
        pub fn on_system_disk(now: impl Fn() -> SystemTime + 'static) -> Self {
            Self::new(Arc::new(SystemDisk), now)
        }

        /// The same, with a worker who gets the work on the disk and does it later, one piece after the other.
        pub fn with_worker(self, worker: impl Fn(Work) + Send + Sync + 'static) -> Self {
            Self { place: Place::Worker(Arc::new(worker)), ..self }
        }

        /// Makes this the thread's host.
        pub fn enter(self) -> Hosted {
            Hosted { before: HOST.replace(Some(self)) }
        }
    }

    impl fmt::Debug for Host {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Host").finish_non_exhaustive()
        }
    }

    impl Drop for Hosted {
        fn drop(&mut self) {
            HOST.set(self.before.take());
        }
    }

    pub(in crate::journal) fn disk_and_place() -> (Arc<dyn Disk>, Place) {
        let host = HOST.with_borrow(|host| host.as_ref().map(|host| (Arc::clone(&host.disk), host.place.clone())));
        host.unwrap_or_else(|| (Arc::new(SystemDisk), Place::Thread))
    }

    pub(crate) fn now() -> SystemTime {
        HOST.with_borrow(|host| host.as_ref().map(|host| (host.now)())).unwrap_or_else(SystemTime::now)
    }
}

//! Webhooks: events are told to those who subscribed.
//!
//! Commands leave news in the state while somebody listens; the desk makes events of it, keeps the latest, and queues a delivery on
//! the lane of each subscription that asked for it. A lane delivers one after the other, so that first attempts arrive in the order
//! of events; what failed waits for its next attempt beside the lane. All of this is in memory; subscriptions are in the state.

mod delivery;
mod desk;
mod lane;
mod origin;
mod target;
mod told;

pub(crate) use self::delivery::{DeliveryRecord, DeliveryStatus};
pub(crate) use self::desk::{Desk, Health};
pub(crate) use self::origin::Origin;
pub(crate) use self::target::check_url;
pub(crate) use self::told::Told;

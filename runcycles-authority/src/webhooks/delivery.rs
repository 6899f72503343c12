//! Deliveries, and what became of them.

use std::sync::{Arc, Mutex, PoisonError};

use super::Told;
use super::target::Attempt;
use crate::clock::Millis;

/// What became of a delivery so far.
#[derive(Clone, Debug)]
pub(crate) struct DeliveryRecord {
    pub(crate) id: String,
    pub(crate) told: Arc<Told>,
    pub(crate) status: DeliveryStatus,
    pub(crate) attempts: u32,
    /// When it was queued, and then when it was last attempted.
    pub(crate) attempted_at: Millis,
    pub(crate) completed_at: Option<Millis>,
    pub(crate) next_retry_at: Option<Millis>,
    pub(crate) response_status: Option<u16>,
    pub(crate) response_time_ms: Option<u64>,
    pub(crate) error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryStatus {
    Pending,
    Success,
    Failed,
    Retrying,
}

impl DeliveryStatus {
    pub(crate) const ALL: [Self; 4] = [Self::Pending, Self::Success, Self::Failed, Self::Retrying];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::Retrying => "RETRYING",
        }
    }
}

/// An event on its way to a subscription.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) told: Arc<Told>,
    pub(super) queued_at: Millis,
    /// Read by lists while it is under way; never held across an await.
    record: Arc<Mutex<DeliveryRecord>>,
}

impl Delivery {
    pub(super) fn new(told: Arc<Told>, at: Millis) -> Self {
        let record = DeliveryRecord {
            id: format!("del_{}", uuid::Uuid::new_v4().simple()),
            told: Arc::clone(&told),
            status: DeliveryStatus::Pending,
            attempts: 0,
            attempted_at: at,
            completed_at: None,
            next_retry_at: None,
            response_status: None,
            response_time_ms: None,
            error: None,
        };
        Self { told, queued_at: at, record: Arc::new(Mutex::new(record)) }
    }

    pub(super) fn record(&self) -> DeliveryRecord {
        self.with(|record| record.clone())
    }

    /// Notes an attempt; returns how many there were.
    pub(super) fn note(&self, attempt: &Attempt, at: Millis) -> u32 {
        self.with(|record| {
            record.attempts += 1;
            record.attempted_at = at;
            record.response_status = attempt.status;
            record.response_time_ms = u64::try_from(attempt.took.as_millis()).ok();
            record.error.clone_from(&attempt.error);
            record.next_retry_at = None;
            record.attempts
        })
    }

    pub(super) fn retries_at(&self, at: Millis) {
        self.with(|record| {
            record.status = DeliveryStatus::Retrying;
            record.next_retry_at = Some(at);
        });
    }

    pub(super) fn ends(&self, status: DeliveryStatus, at: Millis) {
        self.with(|record| {
            record.status = status;
            record.completed_at = Some(at);
        });
    }

    /// Ends it as given up, for another reason than an attempt.
    pub(super) fn is_given_up(&self, at: Millis, why: &str) {
        self.with(|record| record.error = Some(why.to_owned()));
        self.ends(DeliveryStatus::Failed, at);
    }

    fn with<T>(&self, change: impl FnOnce(&mut DeliveryRecord) -> T) -> T {
        change(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

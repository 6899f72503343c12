//! The support desk: what the agent's tools do.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A desk whose tools take their time.
#[derive(Debug)]
pub(crate) struct Desk {
    latency: Duration,
    mailbox: Mutex<Vec<String>>,
}

impl Desk {
    pub(crate) fn new(latency: Duration) -> Self {
        Self { latency, mailbox: Mutex::default() }
    }

    /// How many e-mails went out.
    pub(crate) fn emails(&self) -> usize {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) async fn read(&self) {
        self.work().await;
    }

    pub(crate) async fn append(&self, _note: &str) {
        self.work().await;
    }

    pub(crate) async fn update(&self, _status: &str) {
        self.work().await;
    }

    pub(crate) async fn send(&self, to: &str, text: &str) {
        self.work().await;
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).push(format!("To: {to}\n\n{text}"));
    }

    async fn work(&self) {
        tokio::time::sleep(self.latency).await;
    }
}

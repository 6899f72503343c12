//! A model that takes its time, charges a cent a call, and is never content.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The pretended model.
#[derive(Debug)]
pub(crate) struct Model {
    latency: Duration,
    scores: Mutex<fastrand::Rng>,
    calls: AtomicU64,
}

impl Model {
    pub(crate) fn new(latency: Duration, seed: u64) -> Self {
        Self { latency, scores: Mutex::new(fastrand::Rng::with_seed(seed)), calls: AtomicU64::new(0) }
    }

    /// How often it was called, whoever counted on the other side.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) async fn draft(&self, ticket: &str) -> String {
        self.think().await;
        format!("Thank you for writing to us about {ticket:?}")
    }

    /// Scores an answer, between 5.5 and 6.9 whatever it says: the bug.
    pub(crate) async fn evaluate(&self, _answer: &str) -> f64 {
        self.think().await;
        let tenths = self.scores.lock().unwrap_or_else(PoisonError::into_inner).u32(55..=69);
        f64::from(tenths) / 10.0
    }

    pub(crate) async fn refine(&self, answer: &str, _score: f64) -> String {
        self.think().await;
        answer.to_owned()
    }

    async fn think(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.latency).await;
    }
}

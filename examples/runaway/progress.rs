//! How far the agent is, for whoever watches it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use runcycles::models::Amount;
use runcycles::usd;
use tokio::time::Instant;

/// What one call costs.
pub(crate) const CALL: Amount = usd!(0.01);

/// Amounts worth noticing.
pub(crate) const THRESHOLDS: [Amount; 3] = [usd!(0.10), usd!(0.50), usd!(1.00)];

/// What the agent tells while it runs. Watching it never makes it wait longer than it takes to copy this.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<Seen>,
}

/// What there is to see at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    since: Instant,
    pub(crate) calls: u64,
    pub(crate) last_action: String,
    pub(crate) score: Option<f64>,
    /// Which call reached each threshold, and when.
    pub(crate) passed: [Option<(u64, Instant)>; 3],
}

impl Progress {
    pub(crate) fn begin() -> Self {
        let passed = [None; 3];
        let last_action = "starting".to_owned();
        let seen = Seen { since: Instant::now(), calls: 0, last_action, score: None, passed };
        Self { state: Mutex::new(seen) }
    }

    /// A call came back.
    pub(crate) fn called(&self, action: &str, score: Option<f64>) {
        let mut seen = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        seen.calls += 1;
        action.clone_into(&mut seen.last_action);
        seen.score = score.or(seen.score);
        let (calls, spent) = (seen.calls, seen.charged());
        for (threshold, passed) in THRESHOLDS.iter().zip(&mut seen.passed) {
            if spent >= threshold.value() {
                passed.get_or_insert((calls, Instant::now()));
            }
        }
    }

    /// What is to be seen now.
    pub(crate) fn look(&self) -> Seen {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Seen {
    /// What the model charged for the calls that came back, in microcents.
    pub(crate) fn charged(&self) -> u64 {
        self.calls.saturating_mul(CALL.value())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }
}

//! Settling in the future of a caller.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::Progress;
use super::claim::{Claim, Spend};
use super::event::SettlementStep;
use super::outcome::Settlement;
use super::queue::{Owner, Queue};
use crate::client::Shared;
use crate::error::Error;
use crate::planted::{Bug, planted};
use crate::protocol::ReleaseRequest;

/// How long a caller waits for further attempts; an attempt that has begun is waited for.
const INLINE_BUDGET: Duration = Duration::from_secs(1);

/// How long a caller waits where the authority only looks on.
const SHADOW_PATIENCE: Duration = Duration::from_secs(1);

/// A claim that is being settled by a future. If the future is dropped, the claim goes on in the background.
pub(super) struct Settling {
    shared: Arc<Shared>,
    runtime: Handle,
    /// Boxed, since callers have this in their futures.
    claim: Option<Box<Claim>>,
    /// A shutdown waits until this is gone.
    _owner: Option<Owner>,
}

impl Settling {
    pub(super) fn new(shared: &Arc<Shared>, claim: Claim, owner: Option<Owner>, runtime: &Handle) -> Self {
        Self { shared: Arc::clone(shared), runtime: runtime.clone(), claim: Some(Box::new(claim)), _owner: owner }
    }

    /// Settles. Takes no `self` by value, which the future would have room for twice.
    pub(super) async fn finish(&mut self) -> Result<Settlement, Error> {
        let Some(claim) = self.claim.as_mut().filter(|claim| !claim.observed) else {
            self.claim = None;
            return Ok(Settlement::Observed);
        };
        if claim.spend().is_some_and(Spend::is_without_authority) {
            // Nobody waits for an authority that was out of reach a moment ago; the disk is another matter.
            self.shared.finish_keeping(claim).await;
            if let Some(claim) = self.claim.take() {
                Queue::add(&self.shared, *claim, Instant::now(), &self.runtime);
            }
            return Ok(Settlement::Pending);
        }
        let started = Instant::now();
        let progress = loop {
            let progress = if claim.spend().is_some_and(Spend::is_in_shadow) {
                // Nobody waits for a trial; what is under way is repeated in the background.
                let attempt = Box::pin(tokio::time::timeout(SHADOW_PATIENCE, self.shared.advance(claim)));
                attempt.await.unwrap_or(Progress::Later(Duration::ZERO))
            } else {
                self.shared.advance(claim).await
            };
            match progress {
                Progress::Again if started.elapsed() < INLINE_BUDGET => {}
                progress => break progress,
            }
        };
        let Some(claim) = self.claim.take() else { return Ok(Settlement::Pending) };
        match progress {
            Progress::Ended(settlement) => {
                self.shared.report(&claim, &settlement);
                return settlement;
            }
            Progress::Parked => Queue::park(&self.shared, *claim),
            Progress::Later(_) | Progress::Again => {
                tracing::warn!(claim = claim.name(), "settlement not confirmed; going on in the background");
                if planted(Bug::ReleaseAfterKnownSpend) {
                    if let Some(spend) = claim.spend() {
                        self.shared.release_in_background(spend.id.clone(), ReleaseRequest::new("bug"), &self.runtime);
                    }
                }
                self.shared.observer.tell(&claim, SettlementStep::Detached);
                let wait = if let Progress::Later(wait) = progress { wait } else { Duration::ZERO };
                Queue::add(&self.shared, *claim, Instant::now() + wait, &self.runtime);
            }
        }
        Ok(Settlement::Pending)
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        let claim = self.claim.take().filter(|claim| !claim.observed && !planted(Bug::CancelLosesSettlement));
        if let Some(claim) = claim {
            self.shared.observer.tell(&claim, SettlementStep::Detached);
            self.shared.settle_in_background(*claim, &self.runtime);
        }
    }
}

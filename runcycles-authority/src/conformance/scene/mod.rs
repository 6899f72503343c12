//! What a check works with: tenants of this run, places of its own, and every operation as a call.

mod fixtures;
mod ledger;
mod operations;
mod place;

use std::time::Duration;

use super::provision::{ApiKey, ProvisionError};
use super::target::Target;
use super::wire::{Stop, Verdict};

pub(crate) use self::ledger::Ledger;
pub(crate) use self::operations::{Hold, Operation};
pub(crate) use self::place::{Place, fresh};

/// The server under test, prepared for a run.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) target: Target,
    /// The tenant that checks act as, unless they say otherwise.
    pub(crate) acme: Actor,
    /// A tenant that acme's belongings are nothing to.
    pub(crate) other: Actor,
    pub(crate) seed: u64,
    pub(crate) rounds: u32,
    absent: Vec<Operation>,
}

/// A tenant and its key.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) tenant: String,
    pub(crate) key: ApiKey,
}

impl Actor {
    pub(crate) fn place(&self) -> Place {
        Place::tenant(&self.tenant)
    }
}

/// Why a run could not begin.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetUpError {
    /// The options select no check.
    #[error("no check is of the levels and matches the filter: give others")]
    NothingSelected,
    /// The tenants, keys or budgets of the run could not be made.
    #[error("what the checks need could not be provisioned")]
    Provisioning(#[from] ProvisionError),
    /// They were made, but the first calls with them went wrong.
    #[error("the first calls went wrong: {0}")]
    FirstCalls(super::wire::Failure),
}

impl Scene {
    /// Makes the tenants of a run and finds out which optional operations the server has.
    pub(crate) async fn open(target: &Target, seed: u64, rounds: u32) -> Result<Self, SetUpError> {
        let run = &uuid::Uuid::new_v4().simple().to_string()[..12];
        let acme = Actor::enter(target, format!("acme-{run}")).await?;
        let other = Actor::enter(target, format!("other-{run}")).await?;
        let mut scene = Self { target: target.clone(), acme, other, seed, rounds, absent: Vec::new() };
        match scene.find_absent().await {
            Ok(absent) => scene.absent = absent,
            Err(Stop::Failed(failure)) => return Err(SetUpError::FirstCalls(*failure)),
            Err(Stop::Skipped(reason)) => return Err(ProvisionError::Unsupported(reason).into()),
        }
        Ok(scene)
    }

    /// Whether the server has an optional operation.
    pub(crate) fn has(&self, operation: Operation) -> bool {
        !self.absent.contains(&operation)
    }

    pub(crate) fn now_ms(&self) -> i64 {
        i64::try_from(self.target.time.now_ms()).unwrap_or(i64::MAX)
    }

    /// Lets the server's time pass.
    pub(crate) async fn pass(&self, milliseconds: u64) {
        self.target.time.pass(Duration::from_millis(milliseconds)).await;
    }

    async fn find_absent(&self) -> Verdict<Vec<Operation>> {
        let agent = self.funded(100).await?;
        let hold = self.hold(&agent, 1).await?;
        let mut absent = Vec::new();
        for (operation, call) in [
            (Operation::Decide, self.decide(&agent, 1)),
            (Operation::Event, self.event(&agent, 1)),
            (Operation::Get, self.get(&hold.id)),
            (Operation::List, self.list()),
        ] {
            // With a budget and a reservation in place, these say that the route or the method is not there.
            if matches!(call.await?.code(), 404 | 405 | 501) {
                absent.push(operation);
            }
        }
        Ok(absent)
    }
}

impl Actor {
    /// Adds a tenant and makes its key.
    pub(crate) async fn enter(target: &Target, tenant: String) -> Result<Self, ProvisionError> {
        target.provisioner.create_tenant(&tenant).await?;
        let key = target.provisioner.create_key(&tenant).await?;
        Ok(Self { tenant, key })
    }
}

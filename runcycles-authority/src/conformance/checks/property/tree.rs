//! Ledgers that random calls share.

use super::worker::Worker;
use crate::conformance::scene::{Ledger, Place, Scene};
use crate::conformance::wire::Verdict;

/// How many agents share the workspace.
pub(super) const CHILDREN: usize = 2;

/// A workspace with a ledger, and agents below it with theirs.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) parent: Place,
    pub(super) children: [Place; CHILDREN],
    limit: i64,
}

impl Tree {
    /// Opens the ledgers; each may have a tenth of the child's allocation as debt.
    pub(super) async fn plant(scene: &Scene, parent_allocated: i64, child_allocated: i64) -> Verdict<Self> {
        let parent = scene.workspace();
        let limit = child_allocated / 10;
        scene.fund_with_limit(&parent, parent_allocated, limit).await?;
        let children = [parent.agent(), parent.agent()];
        for child in &children {
            scene.fund_with_limit(child, child_allocated, limit).await?;
        }
        Ok(Self { parent, children, limit })
    }

    pub(super) fn limits(&self) -> [i64; CHILDREN + 1] {
        [self.limit; CHILDREN + 1]
    }

    /// Reads the ledgers, the parent's first.
    pub(super) async fn read(&self, scene: &Scene) -> Verdict<Vec<Ledger>> {
        let mut ledgers = vec![scene.ledger(&self.parent).await?];
        for child in &self.children {
            ledgers.push(scene.ledger(child).await?);
        }
        Ok(ledgers)
    }

    /// Fails unless every ledger adds up, holds what the workers hold and was charged what they were told.
    pub(super) async fn adds_up(&self, scene: &Scene, workers: &[Worker]) -> Verdict {
        let mut held = [0; CHILDREN + 1];
        let mut charged = [0; CHILDREN + 1];
        for worker in workers {
            for child in 0..CHILDREN {
                for ledger in [0, child + 1] {
                    held[ledger] += worker.held_at(child);
                    charged[ledger] += worker.charged[child];
                }
            }
        }
        for (ledger, (held, charged)) in self.read(scene).await?.into_iter().zip(held.into_iter().zip(charged)) {
            ledger.balanced()?.reserved(held)?;
            if let Some(spent) = ledger.figures.spent {
                let expected = format!("spent + debt = {charged}, the sum of what was charged");
                ledger.expect(spent + ledger.figures.debt == charged, expected)?;
            }
        }
        Ok(())
    }
}

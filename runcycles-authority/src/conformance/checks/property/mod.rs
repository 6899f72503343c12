//! What holds after any sequence of calls, tried with random ones.

mod tree;
mod worker;

use runcycles::BoxFuture;
use tokio::task::JoinSet;

use self::tree::Tree;
use self::worker::{Policies, Worker};
use crate::conformance::check::{Check, checks};
use crate::conformance::scene::Scene;
use crate::conformance::wire::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = checks! {
    "P-1" Property "after any calls of many clients every ledger adds up to what they were told" => ledgers_add_up;
    "P-2" Property "sending every call up to three times changes nothing" => retries_change_nothing;
    "P-3" Property "under REJECT nothing is spent beyond the allocation" => rejecting_never_overspends;
    "P-4" Property "debt stays within the overdraft limit" => debt_within_limit;
    "P-5" Property "a parent has spent at least what each child has" => parent_spends_most;
    "P-6" Property "what was acknowledged survives a restart" => survives_restarts, restarts;
};

/// Clients that call at the same time.
const CLIENTS: u64 = 4;
/// Calls of each client in a round.
const STEPS: u32 = 40;

/// The seed of one client in one round of one property.
fn seed_of(scene: &Scene, property: u64, round: u32, client: u64) -> u64 {
    scene.seed.wrapping_mul(31).wrapping_add(property << 48).wrapping_add(u64::from(round) << 16).wrapping_add(client)
}

/// Runs rounds, and says with which seed one went wrong.
async fn rounds(scene: &Scene, round: for<'a> fn(&'a Scene, u32) -> BoxFuture<'a, Verdict>) -> Verdict {
    for number in 0..scene.rounds {
        round(scene, number).await.map_err(|stop| stop.during(format!("seed {}, round {number}", scene.seed)))?;
    }
    Ok(())
}

/// Lets clients call at the same time until each has made its calls.
async fn work_together(
    scene: &Scene,
    tree: &Tree,
    policies: Policies,
    property: u64,
    round: u32,
) -> Verdict<Vec<Worker>> {
    let mut running = JoinSet::<Verdict<Worker>>::new();
    for client in 0..CLIENTS {
        let mut worker = Worker::new(scene, tree, policies, seed_of(scene, property, round, client));
        running.spawn(async move {
            for _ in 0..STEPS {
                worker.step().await?;
            }
            Ok(worker)
        });
    }
    let mut workers = Vec::new();
    while let Some(joined) = running.join_next().await {
        workers.push(joined.map_err(|error| Stop::failed("parallel clients", "an end", error.to_string()))??);
    }
    Ok(workers)
}

async fn ledgers_add_up(scene: &Scene) -> Verdict {
    rounds(scene, |scene, round| {
        Box::pin(async move {
            let tree = Tree::plant(scene, 2_000, 800).await?;
            let workers = work_together(scene, &tree, Policies::Any, 1, round).await?;
            tree.adds_up(scene, &workers).await
        })
    })
    .await
}

async fn retries_change_nothing(scene: &Scene) -> Verdict {
    rounds(scene, |scene, round| {
        Box::pin(async move {
            let mut ends = Vec::new();
            for retries in [false, true] {
                let tree = Tree::plant(scene, 1_000, 500).await?;
                let mut worker = Worker::new(scene, &tree, Policies::Any, seed_of(scene, 2, round, 0));
                worker.retries = retries;
                for _ in 0..STEPS {
                    worker.step().await?;
                }
                tree.adds_up(scene, &[worker]).await?;
                ends.push(tree.read(scene).await?);
            }
            for (once, repeated) in ends[0].iter().zip(&ends[1]) {
                let expected = format!("the figures without retries, {:?}", once.figures);
                repeated.expect(repeated.figures == once.figures, expected)?;
            }
            Ok(())
        })
    })
    .await
}

async fn rejecting_never_overspends(scene: &Scene) -> Verdict {
    rounds(scene, |scene, round| {
        Box::pin(async move {
            let tree = Tree::plant(scene, 600, 400).await?;
            let workers = work_together(scene, &tree, Policies::Reject, 3, round).await?;
            tree.adds_up(scene, &workers).await?;
            for ledger in tree.read(scene).await? {
                let figures = ledger.figures;
                let within = figures.spent.zip(figures.allocated).is_none_or(|(spent, allocated)| spent <= allocated);
                ledger.debt(0)?.expect(within && figures.remaining >= 0, "spent ≤ allocated")?;
            }
            Ok(())
        })
    })
    .await
}

async fn debt_within_limit(scene: &Scene) -> Verdict {
    rounds(scene, |scene, round| {
        Box::pin(async move {
            let tree = Tree::plant(scene, 500, 300).await?;
            let mut worker = Worker::new(scene, &tree, Policies::Overdraft, seed_of(scene, 4, round, 0));
            for _ in 0..STEPS {
                worker.step().await?;
                for (ledger, limit) in tree.read(scene).await?.into_iter().zip(tree.limits()) {
                    ledger.expect(ledger.figures.debt <= limit, format!("debt ≤ {limit}"))?;
                }
            }
            tree.adds_up(scene, &[worker]).await
        })
    })
    .await
}

async fn parent_spends_most(scene: &Scene) -> Verdict {
    rounds(scene, |scene, round| {
        Box::pin(async move {
            let tree = Tree::plant(scene, 1_000, 600).await?;
            work_together(scene, &tree, Policies::WithoutOverdraft, 5, round).await?;
            let ledgers = tree.read(scene).await?;
            for child in &ledgers[1..] {
                let expected = format!("spent of the parent ≥ spent of a child, {:?}", child.figures.spent);
                ledgers[0].expect(ledgers[0].figures.spent >= child.figures.spent, expected)?;
            }
            Ok(())
        })
    })
    .await
}

async fn survives_restarts(scene: &Scene) -> Verdict {
    scene.target.seeding.restart().await?;
    rounds(scene, |scene, round| {
        Box::pin(async move {
            let tree = Tree::plant(scene, 1_000, 500).await?;
            let mut worker = Worker::new(scene, &tree, Policies::Any, seed_of(scene, 6, round, 0));
            for step in 0..STEPS {
                worker.step().await?;
                if step % 5 == 4 {
                    scene.target.seeding.restart().await?;
                    tree.adds_up(scene, std::slice::from_ref(&worker)).await?;
                }
            }
            worker.repeat_everything().await?;
            tree.adds_up(scene, &[worker]).await
        })
    })
    .await
}

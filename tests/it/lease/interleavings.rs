//! Whatever is taken, settled and refilled at the same time: nothing is spent twice, nothing is lost, and no limit is passed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use runcycles::tokens;

use super::{LONG, authority, ledger, open};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_never_spend_more_than_the_budget_and_what_they_spend_is_in_the_ledger() {
    const BUDGET: u64 = 20_000;
    let authority = authority(BUDGET).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(500)).await;
    let spent = Arc::new(AtomicU64::new(0));
    let spenders: Vec<_> = (0..8_u64)
        .map(|spender| {
            let (lease, spent) = (lease.clone(), Arc::clone(&spent));
            tokio::spawn(async move {
                let mut rng = fastrand::Rng::with_seed(spender);
                let mut held = VecDeque::new();
                loop {
                    let estimate = rng.u64(1..=20);
                    match lease.take(tokens(estimate)).await {
                        Ok(sub) => held.push_back(sub),
                        Err(error) if held.is_empty() => return error,
                        Err(_) => {}
                    }
                    if held.len() > rng.usize(..6) {
                        let sub = held.pop_front().unwrap();
                        match rng.u8(..4) {
                            0 => drop(sub),
                            _ => {
                                let cost = rng.u64(..=sub.reserved().value());
                                sub.commit(tokens(cost)).unwrap();
                                spent.fetch_add(cost, Ordering::SeqCst);
                            }
                        }
                    } else if held.len() == 6 {
                        tokio::task::yield_now().await;
                    }
                    let ledger = lease.stats();
                    assert!(ledger.spent.value() <= BUDGET);
                }
            })
        })
        .collect();
    for spender in spenders {
        let denial = spender.await.unwrap();
        assert!(denial.is_budget_exceeded(), "{denial}");
    }
    let stats = lease.close().await.unwrap();
    client.flush(LONG).await;
    let (in_ledger, reserved, remaining) = ledger(&authority);
    assert_eq!((in_ledger, reserved), (spent.load(Ordering::SeqCst), 0));
    // Whoever was denied ended, while others held some that they returned later.
    let returned_later = 8 * 6 * 20;
    assert!((0..520 + returned_later).contains(&remaining), "{remaining} were left");
    assert!(stats.chunks >= 30 && stats.settled > 1_000, "{stats:?}");
    authority.assert_settled();
}

/// Something that a program does with a lease.
#[derive(Clone, Debug)]
enum Step {
    Take(u64),
    /// Commits one of what is held: which, and the cost in percent of the estimate.
    Commit(usize, u64),
    Drop(usize),
    Flush,
    Yield,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u64..60).prop_map(Step::Take),
        4 => (any::<usize>(), 0_u64..220).prop_map(|(which, percent)| Step::Commit(which, percent)),
        2 => any::<usize>().prop_map(Step::Drop),
        1 => Just(Step::Flush),
        3 => Just(Step::Yield),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_committed_of_a_lease_is_what_is_in_the_ledger(steps in prop::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let authority = authority(100_000).await;
            let client = authority.client("acme");
            let lease = open(&client, tokens(100)).await;
            let (mut held, mut spent, mut exceeded) = (Vec::new(), 0, 0);
            for step in steps {
                match step {
                    Step::Take(estimate) => held.push(lease.take(tokens(estimate)).await.unwrap()),
                    Step::Commit(which, percent) if !held.is_empty() => {
                        let sub = held.swap_remove(which % held.len());
                        let estimate = sub.reserved().value();
                        let cost = estimate * percent / 100;
                        sub.commit(tokens(cost)).unwrap();
                        spent += cost;
                        exceeded += cost.saturating_sub(estimate);
                    }
                    Step::Drop(which) if !held.is_empty() => drop(held.swap_remove(which % held.len())),
                    Step::Flush => drop(client.flush(LONG).await),
                    _ => tokio::task::yield_now().await,
                }
                let (in_ledger, reserved, remaining) = ledger(&authority);
                prop_assert_eq!(in_ledger + reserved, 100_000 - u64::try_from(remaining).unwrap());
                // Whatever the program has spent or may spend, the authority has been told of, apart from what exceeded estimates.
                let may_spend: u64 = held.iter().map(|sub| sub.reserved().value()).sum();
                prop_assert!(in_ledger + reserved + exceeded >= spent + may_spend);
            }
            drop(held);
            lease.close().await.unwrap();
            client.flush(LONG).await;
            let (in_ledger, reserved, _) = ledger(&authority);
            prop_assert_eq!((in_ledger, reserved), (spent, 0));
            authority.assert_settled();
            Ok(())
        })?;
    }
}

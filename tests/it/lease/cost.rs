//! What a sub-reservation costs.

use allocation_counter::measure;
use runcycles::tokens;

use super::{authority, open};

#[test]
fn taking_of_a_lease_and_settling_allocate_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let authority = runtime.block_on(authority(1_000_000));
    let client = authority.client("acme");
    let lease = runtime.block_on(open(&client, tokens(100_000)));
    let counted = measure(|| {
        for _ in 0..1_000 {
            lease.try_take(tokens(10)).unwrap().commit(tokens(7)).unwrap();
            drop(lease.try_take(tokens(10)).unwrap());
        }
    });
    assert_eq!(counted.count_total, 0);
    let waited = measure(|| {
        runtime.block_on(async {
            for _ in 0..1_000 {
                lease.take(tokens(10)).await.unwrap().commit(tokens(7)).unwrap();
            }
        });
    });
    assert!(waited.count_total < 10, "{} allocations, which are the runtime's own", waited.count_total);
}

//! What a governed call costs in process: on the engine alone, through the transport, and with the state kept on disk.

mod common;

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use runcycles_authority::__private::EngineProbe;

use self::common::{Direct, Directory, Keeping, LEVELS, cycle};

fn in_process(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reserve and commit, four budgets");
    group.throughput(Throughput::Elements(1));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for (keeping, name) in Keeping::ALL {
        let dir = Directory::new();
        let authority = runtime.block_on(keeping.builder(&dir.0).start()).expect("a valid set-up");
        if matches!(keeping, Keeping::Memory) {
            let probe = EngineProbe::new(&authority);
            group.bench_function("engine", |bencher| bencher.iter(|| assert!(probe.cycle(&LEVELS, black_box(1)))));
        }
        let mut transport = Direct::new(authority.transport());
        group.bench_function(format!("transport, {name}"), |bencher| {
            bencher.iter_custom(|times| {
                runtime.block_on(async {
                    let start = Instant::now();
                    for _ in 0..times {
                        cycle(&mut transport).await;
                    }
                    start.elapsed()
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, in_process);
criterion_main!(benches);

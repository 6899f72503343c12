//! The authority passes.

use runcycles_authority::conformance::{Endpoint, Level, Options, Target};

use crate::{authority, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_passes_every_check_in_process() {
    let (authority, clock) = authority().await;
    let report = run(&Target::embedded(&authority).time(clock), Options::default()).await;
    println!("{report}");
    assert_eq!(report.failures().count(), 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_passes_every_check_over_http() {
    let (authority, clock) = authority().await;
    let server = authority.serve("127.0.0.1:0").await.expect("a free port");
    let runtime = Endpoint::connect(server.url()).expect("a client");
    let target = Target::new(runtime, authority.clone()).seeding(authority).time(clock);
    let report = run(&target, Options::default()).await;
    println!("{report}");
    assert_eq!(report.failures().count(), 0, "{report}");
    assert!(report.tally_of(Level::Required).passed > 90);
}

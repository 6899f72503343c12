//! The authority passes, in every way that it can be run.

use std::path::{Path, PathBuf};

use runcycles_authority::conformance::{AdminPlane, Endpoint, Level, Options, Report, Target};
use runcycles_authority::{Authority, ManualClock};

use crate::restarting::Restarting;
use crate::run;

const ADMIN_KEY: &str = "admin_key_of_the_conformance_tests";

/// A directory of one configuration, removed with it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-{}-{name}", std::process::id())))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What stays is in the directory for temporary files of the build.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Everything an authority promises, asked of one that is governed by its own admin plane.
async fn report_in_memory(over_http: bool) -> Report {
    let clock = ManualClock::new();
    let authority = Authority::builder().admin_key(ADMIN_KEY).clock(clock.clone()).start().await;
    let authority = authority.expect("an authority without budgets");
    let (runtime, _server) = if over_http {
        let server = authority.serve("127.0.0.1:0").await.expect("a free port");
        (Endpoint::connect(server.url()).expect("a client"), Some(server))
    } else {
        (Endpoint::new(authority.transport(), "http://in-process.invalid"), None)
    };
    let admin = AdminPlane::new(runtime.clone(), ADMIN_KEY);
    run(&Target::governed(runtime, admin).seeding(authority).time(clock), Options::default()).await
}

/// The same of one that keeps its state in a directory, and is restarted where a check asks for it.
async fn report_on_disk(over_http: bool) -> Report {
    let directory = Directory::new(if over_http { "http" } else { "in-process" });
    let (clock, path) = (ManualClock::new(), directory.0.clone());
    let builder = {
        let clock = clock.clone();
        move || Authority::builder().admin_key(ADMIN_KEY).clock(clock.clone()).path(&path)
    };
    let authority = Restarting::start(builder, over_http).await;
    let runtime = match authority.url() {
        None => Endpoint::new(authority.clone(), "http://in-process.invalid"),
        Some(url) => Endpoint::connect(url).expect("a client"),
    };
    let admin = AdminPlane::new(runtime.clone(), ADMIN_KEY);
    run(&Target::governed(runtime, admin).seeding(authority).time(clock), Options::default()).await
}

const LEVELS: [(Level, &str); 6] = [
    (Level::Required, "M: required by the protocol"),
    (Level::Optional, "S: optional operations, recommendations"),
    (Level::Reference, "R: as the reference server"),
    (Level::Admin, "A: admin plane"),
    (Level::Hygiene, "H: plain HTTP"),
    (Level::Property, "P: properties of random calls"),
];

/// What was passed in each configuration, a row a level.
fn table(columns: &[(&str, Report)]) -> String {
    let row = |name: &str, cells: Vec<String>| format!("| {name} | {} |\n", cells.join(" | "));
    let of_all = |cell: &dyn Fn(&Report) -> String| columns.iter().map(|(_, report)| cell(report)).collect();
    let tally = |tally: runcycles_authority::conformance::Tally| match tally.skipped {
        0 => format!("{} of {}", tally.passed, tally.passed + tally.failed),
        skipped => format!("{} of {}, {skipped} skipped", tally.passed, tally.passed + tally.failed + skipped),
    };
    let mut text = row("level", columns.iter().map(|(name, _)| (*name).to_owned()).collect());
    text += &row("---", columns.iter().map(|_| "---".to_owned()).collect());
    for (level, name) in LEVELS {
        text += &row(name, of_all(&|report| tally(report.tally_of(level))));
    }
    text + &row("all", of_all(&|report| tally(report.tally())))
}

/// Prints the table that the crate's README shows.
#[tokio::test(flavor = "multi_thread")]
async fn every_configuration_passes_every_check() {
    let (memory, memory_http, disk, disk_http) =
        tokio::join!(report_in_memory(false), report_in_memory(true), report_on_disk(false), report_on_disk(true));
    let columns = [
        ("in process, memory", memory),
        ("HTTP, memory", memory_http),
        ("in process, disk", disk),
        ("HTTP, disk", disk_http),
    ];
    println!("{}", table(&columns));
    for (name, report) in &columns {
        println!("{name}: {:.1} s, seed {}", report.elapsed().as_secs_f64(), report.seed());
        assert_eq!(report.failures().count(), 0, "{name}: {report}");
        // What is in memory alone is not restarted.
        let skipped: Vec<_> = report.skips().map(|entry| entry.id).collect();
        let expected = if name.ends_with("memory") { &["P-6"][..] } else { &[] };
        assert_eq!(skipped, expected, "{name}: {report}");
    }
}

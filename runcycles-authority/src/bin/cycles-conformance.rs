//! Checks whether a Cycles server keeps the protocol.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use runcycles_authority::conformance::{self, AdminPlane, Endpoint, Filter, Level, Options, Report, Target};

/// Checks whether a Cycles server keeps the protocol.
///
/// The checks make tenants, keys and budgets of their own through the reference admin plane, and leave other tenants alone.
/// What they made stays, since the protocol has no way to remove it.
///
/// Exit status: 0 when every check that was asked for passed, 1 when one failed, 2 when nothing could be checked, 3 when none
/// failed but some could not be tried.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Arguments {
    #[arg(
        long,
        value_name = "URL",
        env = "CYCLES_BASE_URL",
        help = "Where the runtime plane is, such as http://127.0.0.1:7878"
    )]
    url: String,

    #[arg(
        long,
        value_name = "URL",
        help = "Where the admin plane is, such as http://127.0.0.1:7979 [default: the same as --url]"
    )]
    admin_url: Option<String>,

    /// The key of the admin plane
    #[arg(long, value_name = "KEY", env = "CYCLES_ADMIN_KEY", hide_env_values = true)]
    admin_key: String,

    /// Which levels to check, with commas between them
    #[arg(long = "level", value_name = "LEVELS", value_delimiter = ',', default_value = "M,S,R,A,H,P")]
    levels: Vec<Level>,

    /// Which checks to run, by their ids; an x stands for any digit
    #[arg(long, value_name = "IDS")]
    filter: Option<Filter>,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,

    /// How long an answer may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    timeout: u64,

    /// How many checks run at the same time
    #[arg(long, value_name = "CHECKS", default_value_t = 8)]
    concurrency: usize,

    /// Where the random calls of the properties start [default: somewhere else every time; the report tells]
    #[arg(long)]
    seed: Option<u64>,

    /// How many random sequences each property is tried with
    #[arg(long, default_value_t = 3)]
    rounds: u32,

    /// Exit with 0 although some checks could not be tried
    #[arg(long)]
    allow_skips: bool,
}

const AFTER_HELP: &str = "\
Levels:
  M  required by the protocol: any server must pass
  S  optional operations and recommendations; skipped where the operation is absent
  R  what the reference server does where the protocol is silent
  A  the reference admin plane
  H  plain HTTP: unknown routes, methods and media types
  P  properties that hold after any sequence of calls, tried with random ones

Examples:
  cycles-conformance --url http://127.0.0.1:7878 --admin-key KEY
  cycles-conformance --url http://127.0.0.1:7878 --admin-url http://127.0.0.1:7979 --admin-key KEY --level M,S --json
  cycles-conformance --url http://127.0.0.1:7878 --admin-key KEY --filter C-4x,P-1 --seed 42";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match check(&arguments).await {
        Ok(report) => print(&report, &arguments),
        Err(error) => {
            let causes = std::iter::successors(Some(&*error), |error| error.source());
            let causes: Vec<_> = causes.map(ToString::to_string).collect();
            eprintln!("cycles-conformance: {}", causes.join(": "));
            ExitCode::from(2)
        }
    }
}

async fn check(arguments: &Arguments) -> Result<Report, Box<dyn std::error::Error>> {
    let timeout = Duration::from_secs(arguments.timeout);
    let runtime = Endpoint::connect(&arguments.url)?.timeout(timeout);
    let admin_url = arguments.admin_url.as_ref().unwrap_or(&arguments.url);
    let admin = AdminPlane::new(Endpoint::connect(admin_url)?.timeout(timeout), &arguments.admin_key);
    let mut options = Options::default()
        .levels(arguments.levels.iter().copied())
        .concurrency(arguments.concurrency)
        .rounds(arguments.rounds);
    if let Some(filter) = &arguments.filter {
        options = options.filter(filter.clone());
    }
    if let Some(seed) = arguments.seed {
        options = options.seed(seed);
    }
    Ok(conformance::run(&Target::governed(runtime, admin), options).await?)
}

fn print(report: &Report, arguments: &Arguments) -> ExitCode {
    let text = if arguments.json { format!("{:#}", report.to_json()) } else { report.to_string() };
    // Whoever reads the report may have seen enough; the exit status stands all the same.
    let _ = writeln!(std::io::stdout(), "{text}");
    let tally = report.tally();
    if tally.failed > 0 {
        ExitCode::from(1)
    } else if tally.skipped > 0 && !arguments.allow_skips {
        ExitCode::from(3)
    } else {
        ExitCode::SUCCESS
    }
}

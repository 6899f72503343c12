//! Shows the recovery profile's runner that the client keeps to a scenario, by running the scenario's test.
//!
//! The runner gives the scenario's id as the last argument and its description on standard input, and reads one JSON object from
//! standard output. The test is run by cargo; with `RECOVERY_TESTS` set, by the test program that it names.
//!
//! ```text
//! cargo test -p runcycles-tests --test it --no-run
//! python3 scripts/run_client_recovery_conformance.py --claim durable --adapter target/debug/recovery-adapter
//! ```

mod catalogue;

use std::env;
use std::io::{self, Read as _, Write as _};
use std::process::{Command, ExitCode, Stdio};

use serde_json::{Value, json};

use self::catalogue::{CATALOGUE, SCENARIOS, Scenario};

fn main() -> ExitCode {
    let passed = scenario().and_then(|scenario| Ok((scenario, run(scenario.test)?)));
    let (result, passed) = match passed {
        Ok((Scenario { id, test, .. }, Ok(()))) => {
            (json!({ "scenario_id": id, "passed": true, "native_tests": [test] }), true)
        }
        Ok((Scenario { id, test, .. }, Err(diagnostic))) => {
            (json!({ "scenario_id": id, "passed": false, "native_tests": [test], "diagnostic": diagnostic }), false)
        }
        Err(problem) => {
            eprintln!("recovery-adapter: {problem}");
            return ExitCode::from(2);
        }
    };
    match writeln!(io::stdout(), "{result}") {
        Ok(()) if passed => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// The scenario that the runner asks for, if it is the one that the test stages.
fn scenario() -> Result<&'static Scenario, String> {
    let id = env::args().next_back().unwrap_or_default();
    let (version, digest) = CATALOGUE;
    let scenario = SCENARIOS
        .iter()
        .find(|scenario| scenario.id == id)
        .ok_or_else(|| format!("{id:?} is no scenario of the catalogue {version} (SHA-256 {digest})"))?;
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|error| format!("cannot read standard input: {error}"))?;
    let input: Value = serde_json::from_str(&text).map_err(|error| format!("standard input is no JSON: {error}"))?;
    for (field, expected) in [
        ("id", json!(scenario.id)),
        ("level", json!(scenario.level)),
        ("precondition", json!(scenario.precondition)),
        ("faults", json!(scenario.faults)),
    ] {
        let found = input.get(field).unwrap_or(&Value::Null);
        if *found != expected {
            return Err(format!("{field} of {id} is {found}, expected {expected}: the test stages another scenario"));
        }
    }
    Ok(scenario)
}

/// Runs one test. The inner error says how it failed, the outer one that it could not be run.
fn run(test: &str) -> Result<Result<(), String>, String> {
    let mut command = match env::var_os("RECOVERY_TESTS") {
        Some(program) => Command::new(program),
        None => {
            let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.args(["test", "--quiet", "--package", "runcycles-tests", "--test", "it", "--"]);
            cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
            cargo
        }
    };
    let ended = command.args(["--exact", test]).stdin(Stdio::null()).output();
    let ended = ended.map_err(|error| format!("cannot run {command:?}: {error}"))?;
    let (told, errors) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    // A name that no test has is no failure to the harness.
    if ended.status.success() && told.contains("1 passed") {
        return Ok(Ok(()));
    }
    eprintln!("{told}\n{errors}");
    Ok(Err(format!("{test} did not pass: {}", ended.status)))
}

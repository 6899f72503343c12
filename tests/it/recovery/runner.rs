//! Binds every scenario of the catalogue to its test, and runs the adapter as the profile's runner does.

use std::collections::BTreeSet;
use std::env;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::catalogue::{SCENARIOS, Scenario};

/// The adapter's answer to a scenario, as the runner gives it.
fn adapt(argument: &str, input: &Value) -> Output {
    let mut adapter = Command::new(env!("CARGO_BIN_EXE_recovery-adapter"))
        .arg(argument)
        .env("RECOVERY_TESTS", env::current_exe().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let written = adapter.stdin.take().unwrap().write_all(input.to_string().as_bytes());
    // An adapter that does not know the scenario may end without reading.
    drop(written);
    adapter.wait_with_output().unwrap()
}

fn input(scenario: &Scenario) -> Value {
    let Scenario { id, level, precondition, faults, .. } = scenario;
    json!({ "id": id, "level": level, "name": "any", "precondition": precondition, "faults": faults })
}

#[test]
fn every_scenario_has_a_test_of_its_own_and_every_test_a_scenario() {
    let listed = Command::new(env::current_exe().unwrap()).args(["recovery::", "--list"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let tests: BTreeSet<_> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let of_scenarios: BTreeSet<_> = SCENARIOS.iter().map(|scenario| scenario.test).collect();
    let ids: BTreeSet<_> = SCENARIOS.iter().map(|scenario| scenario.id).collect();
    let count = |level| SCENARIOS.iter().filter(|scenario| scenario.level == level).count();

    assert_eq!((count("core"), count("durable"), count("boundary")), (4, 7, 1));
    assert_eq!((ids.len(), of_scenarios.len()), (12, 12));
    let others: Vec<_> = tests.symmetric_difference(&of_scenarios).filter(|test| !test.contains("runner::")).collect();
    assert!(others.is_empty(), "without a scenario or without a test: {others:?}");
}

#[test]
fn the_adapter_runs_the_test_of_each_scenario_and_says_so_in_one_object() {
    for scenario in &SCENARIOS {
        let output = adapt(scenario.id, &input(scenario));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {told}", scenario.id);
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        let expected = json!({ "scenario_id": scenario.id, "passed": true, "native_tests": [scenario.test] });
        assert_eq!(result, expected);
    }
}

#[test]
fn the_adapter_passes_nothing_that_it_does_not_know() {
    let known = &SCENARIOS[0];
    let with = |field: &str, value: Value| {
        let mut input = input(known);
        input[field] = value;
        input
    };
    for (argument, input, told) in [
        ("CR-CORE-999", input(known), "no scenario of the catalogue 0.3"),
        (known.id, with("id", json!("CR-CORE-002")), "CR-CORE-002"),
        (known.id, with("faults", json!(["commit_response_lost", "process_restarted"])), "process_restarted"),
        (known.id, with("precondition", json!("journal_contains_commit")), "journal_contains_commit"),
        (known.id, json!("no object"), "expected"),
    ] {
        let output = adapt(argument, &input);
        assert!(!output.status.success(), "{argument} {input}");
        assert!(output.stdout.is_empty());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(told), "{error}");
    }
}

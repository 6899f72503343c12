//! The program `cycles-conformance`.

use std::process::{Command, Output};

fn cycles_conformance(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_cycles-conformance"));
    program.env_remove("CYCLES_BASE_URL").env_remove("CYCLES_ADMIN_KEY");
    program.args(arguments).output().expect("a program that starts")
}

/// Where nothing listens.
const NOWHERE: &str = "http://127.0.0.1:1";

#[test]
fn a_server_that_is_not_there_is_not_a_failed_check() {
    let output = cycles_conformance(&["--url", NOWHERE, "--admin-key", "secret-key"]);
    let problem = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{problem}");
    assert!(problem.contains("no connection to the authority"), "{problem}");
    assert!(!problem.contains("secret-key"), "{problem}");
}

#[test]
fn a_wrong_argument_is_told_with_what_was_expected() {
    for (arguments, expected) in [
        (["--level", "M,Q"], "expected one of M, S, R, A, H, P"),
        (["--filter", "C-4y"], "such as C-41, C-4x or P-1"),
        (["--filter", "C-999"], "no check is of the levels"),
        (["--url", "nonsense"], "such as http://127.0.0.1:7878"),
    ] {
        let mut all = vec!["--admin-key", "key"];
        if arguments[0] != "--url" {
            all.extend(["--url", NOWHERE]);
        }
        all.extend(arguments);
        let output = cycles_conformance(&all);
        let problem = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{problem}");
        assert!(problem.contains(expected), "{problem}");
    }
}

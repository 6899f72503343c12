//! The program that looks at a server.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::{RESERVE, Running};

/// The program with nothing of it in the environment.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cycles"));
    for name in ["BASE_URL", "API_KEY", "TENANT", "ADMIN_URL", "ADMIN_KEY", "PRICES"] {
        command.env_remove(format!("CYCLES_{name}"));
    }
    command.args(arguments);
    command
}

fn cycles(arguments: &[&str]) -> Output {
    program(arguments).output().expect("a process")
}

/// What it says where all goes well.
fn told(arguments: &[&str]) -> String {
    let output = cycles(arguments);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {words}");
    String::from_utf8(output.stdout).expect("text")
}

/// Its exit status and words where it fails.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = cycles(arguments);
    (output.status.code(), String::from_utf8(output.stderr).expect("words"))
}

/// A file of the test's own, which ends with it.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cycles-{}-{name}", std::process::id()));
        std::fs::write(&path, text).expect("a file");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path of text")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // It may be gone.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn budgets_and_reservations_are_told_to_tenants_and_operators() {
    let arguments = ["--admin-key", "op", "--budget", "tenant:acme=$5", "--budget", "tenant:other/agent:bot=7 tokens"];
    let server =
        Running::serve(&[&arguments[..], &["--api-key", "cyc_mine=acme"]].concat(), "export CYCLES_ADMIN_KEY=op");
    let url = format!("http://{}", server.addr());
    let answer = server.ask("POST /v1/reservations", "X-Cycles-API-Key: cyc_mine\r\n", RESERVE);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let too_much = RESERVE.replace("200000000", "900000000").replace("\"k\", \"subject", "\"other\", \"subject");
    let answer = server.ask("POST /v1/reservations", "X-Cycles-API-Key: cyc_mine\r\n", &too_much);
    assert!(answer.starts_with("HTTP/1.1 409"), "{answer}");

    let as_tenant = ["--url", &url, "--api-key", "cyc_mine", "--tenant", "acme"];
    let as_operator = ["--url", &url, "--admin-key", "op"];
    assert_eq!(
        told(&[&["balances"], &as_operator[..]].concat()),
        "SCOPE                     UNIT  SPENT  RESERVED  REMAINING  ALLOCATED\n\
         tenant:acme                USD  $0.00     $2.00      $3.00      $5.00\n\
         tenant:other/agent:bot  tokens      0         0          7          7\n"
    );
    let json = told(&[&["balances", "tenant:acme", "--json"], &as_tenant[..]].concat());
    assert!(json.contains("\"remaining\": 300000000") && !json.contains("other"), "{json}");

    let picture = told(&[&["top"], &as_tenant[..]].concat());
    assert!(picture.contains("1 allowed  1 denied  0 committed  0 released  0 events  1 in flight"), "{picture}");
    assert!(picture.contains("tenant:acme ▒▒▒") && picture.contains("$3.00  $0.00  $5.00  $2.00"), "{picture}");
    let picture = told(&[&["top", "--once"], &as_operator[..]].concat());
    assert!(picture.contains("tenant:other") && picture.contains("tenant:acme"), "{picture}");

    let list = told(&[&["reservations", "--status", "active"], &as_tenant[..]].concat());
    assert!(list.lines().count() == 2 && list.contains("ACTIVE") && list.contains("$2.00"), "{list}");
    let json = told(&[&["reservations", "--json"], &as_tenant[..]].concat());
    assert!(json.contains("\"scope_path\": \"tenant:acme\""), "{json}");
}

#[test]
fn a_call_is_priced_by_a_file_and_an_unknown_model_is_an_error_with_its_cure() {
    let by_model = r#"{ "gpt-4o": { "input_cost_per_token": 0.0000025, "output_cost_per_token": 0.00001 } }"#;
    let by_provider = r#"{ "openai": { "models": { "gpt-4o": { "cost": { "input": 2.5, "output": 10 } } } } }"#;
    let call = ["calc", "--in", "3000", "--out", "800", "--per-day", "500", "--prices"];
    for (name, text) in [("by-model.json", by_model), ("by-provider.json", by_provider)] {
        let file = File::new(name, text);
        let known = [&call[..], &[file.path(), "--model", "gpt-4o"]].concat();
        let text = told(&known);
        for words in ["$0.0155", "$0.0186  with 20 % on top", "$7.75", "$232.50"] {
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
        let json = told(&[&known[..], &["--json"]].concat());
        assert!(json.contains("\"estimate_microcents\": 1860000"), "{json}");

        let (status, words) = refused(&[&call[..], &[file.path(), "--model", "gpt-9"]].concat());
        assert_eq!(status, Some(1));
        assert!(words.contains("no price of the model \"gpt-9\"") && words.contains("add it to the file"), "{words}");
    }
    let file = File::new("no-prices.json", "[]");
    let (status, words) = refused(&[&call[..], &[file.path(), "--model", "gpt-4o"]].concat());
    assert!(status == Some(1) && words.contains("expected prices as models.dev or litellm publish them"), "{words}");
    let (status, words) = refused(&["calc", "--model", "gpt-4o", "--in", "1", "--out", "1"]);
    assert!(status == Some(2) && words.contains("--prices <FILE>"), "{words}");
}

#[test]
fn a_file_of_budgets_is_applied_and_a_dry_run_changes_nothing() {
    let server = Running::serve(&["--admin-key", "op"], "export CYCLES_ADMIN_KEY=op");
    let url = format!("http://{}", server.addr());
    let file = File::new(
        "budgets.toml",
        "[[tenants]]\nid = \"acme\"\n\n[[budgets]]\nscope = \"tenant:acme/agent:bot\"\namount = \"$5\"\n",
    );
    let apply = ["apply", file.path(), "--url", &url, "--admin-key", "op"];
    let balances = ["balances", "--url", &url, "--admin-key", "op", "--json"];

    let plan = told(&[&apply[..], &["--dry-run"]].concat());
    assert!(plan.contains("tenant:acme/agent:bot") && plan.contains("Nothing was changed"), "{plan}");
    assert_eq!(told(&balances), "[]\n");

    let done = told(&apply);
    assert!(done.contains("tenant:acme/agent:bot") && done.contains("2 changes were made."), "{done}");
    assert!(told(&balances).contains("\"allocated\": 500000000"));
    let again = told(&apply);
    assert!(!again.contains("made."), "{again}");
}

#[test]
fn a_file_is_applied_where_nobody_reads_what_is_told() {
    let server = Running::serve(&["--admin-key", "op"], "export CYCLES_ADMIN_KEY=op");
    let url = format!("http://{}", server.addr());
    let file = File::new("unread.toml", "[[budgets]]\nscope = \"tenant:acme/agent:bot\"\namount = \"$5\"\n");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = program(&["apply", file.path(), "--url", &url, "--admin-key", "op"]);
    let output = command.stdout(writer).output().expect("a process");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(told(&["balances", "--url", &url, "--admin-key", "op", "--json"]).contains("\"allocated\": 500000000"));
}

#[test]
fn what_cannot_be_asked_is_explained() {
    let nowhere = "http://127.0.0.1:9";
    for (arguments, status, expected) in [
        (&["balances"][..], 1, "no key: give --api-key and --tenant, or --admin-key"),
        (&["balances", "--api-key", "k"], 1, "no tenant"),
        (&["reservations", "--admin-key", "op"], 1, "no API key"),
        (&["apply", "/nonexistent/budgets.toml"], 1, "/nonexistent/budgets.toml"),
        (&["top", "--url", nowhere, "--admin-key", "op"], 1, "no answer from the authority"),
        (&["balances", "--url", "nonsense", "--admin-key", "op"], 1, "nonsense"),
        (&["reservations", "--api-key", "k", "--status", "lost"], 1, "expected ACTIVE, COMMITTED, RELEASED or EXPIRED"),
        (&["calc", "--model", "m", "--in", "many", "--out", "1", "--prices", "p"], 2, "invalid value 'many'"),
        (&["apply", "budgets.toml", "--tenant", "acme"], 2, "unexpected argument '--tenant'"),
        (&["apply", "budgets.toml", "--api-key", "k"], 2, "unexpected argument '--api-key'"),
        (&["look"], 2, "unrecognized subcommand 'look'"),
    ] {
        let (found, words) = refused(arguments);
        assert!(found == Some(status) && words.contains(expected), "{arguments:?}: {found:?}, {words}");
    }
}

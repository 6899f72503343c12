//! The program, as a process.

mod again;
mod cycles;
mod idle;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A running program that ends with the test.
struct Running {
    child: Child,
    /// What it printed, line by line, until the line that names its tenant or admin key.
    printed: Vec<String>,
}

impl Running {
    fn serve(arguments: &[&str], last_line: &str) -> Self {
        let mut child =
            command().args(["serve", "--listen", "127.0.0.1:0"]).args(arguments).spawn().expect("a process");
        let stdout = child.stdout.take().expect("its output");
        let mut printed = Vec::new();
        for line in BufReader::new(stdout).lines() {
            let line = line.expect("a line of text");
            let is_last = line.starts_with(last_line);
            printed.push(line);
            if is_last {
                break;
            }
        }
        Self { child, printed }
    }

    /// The value of an exported variable.
    fn exported(&self, name: &str) -> &str {
        let prefix = format!("export {name}=");
        let line = self.printed.iter().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("expected {name} in {:?}", self.printed))
    }

    fn addr(&self) -> &str {
        self.exported("CYCLES_BASE_URL").strip_prefix("http://").expect("an address")
    }

    fn ask(&self, request_line: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.addr()).expect("a connection");
        let length = body.len();
        let request = format!(
            "{request_line} HTTP/1.1\r\nHost: x\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cycles-authority"));
    command.env_remove("CYCLES_LISTEN").env_remove("CYCLES_ADMIN_KEY").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The program's words where it does not start.
fn refusal(arguments: &[&str]) -> String {
    let output = command().arg("serve").args(arguments).output().expect("a process");
    assert!(!output.status.success());
    String::from_utf8(output.stderr).expect("words")
}

const RESERVE: &str = r#"{"idempotency_key": "k", "subject": {"tenant": "acme"}, "action": {"kind": "k", "name": "n"},
    "estimate": {"unit": "USD_MICROCENTS", "amount": 200000000}}"#;

#[test]
fn what_it_prints_is_all_a_client_needs() {
    let program = Running::serve(&["--budget", "tenant:acme=$5"], "export CYCLES_TENANT=acme");
    let headers = format!("X-Cycles-API-Key: {}\r\n", program.exported("CYCLES_API_KEY"));

    assert!(program.ask("GET /actuator/health", "", "").ends_with("{\"status\":\"UP\"}"));
    let answer = program.ask("POST /v1/reservations", &headers, RESERVE);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(r#""remaining":{"unit":"USD_MICROCENTS","amount":300000000}"#), "{answer}");
}

#[test]
fn a_config_file_and_the_command_line_add_up() {
    let path = std::env::temp_dir().join(format!("cycles-authority-{}.toml", std::process::id()));
    let config = r#"
        [[api_keys]]
        key = "cyc_live_from_the_file"
        tenant = "acme"

        [[budgets]]
        scope = "tenant:acme"
        amount = "$5"
        overdraft_limit = "$1"

        [[policies]]
        tenant = "acme"
        name = "short"
        scope_pattern = "tenant:acme"
        max_tokens = 512
    "#;
    std::fs::write(&path, config).expect("a file");
    let file = path.to_str().expect("a path of text");
    let arguments = ["--config", file, "--admin-key", "admin", "--budget", "tenant:acme/agent:bot=7 tokens"];
    let program = Running::serve(&arguments, "export CYCLES_ADMIN_KEY=admin");
    std::fs::remove_file(&path).expect("the file");

    assert_eq!(program.exported("CYCLES_API_KEY"), "cyc_live_from_the_file");
    let answer = program.ask("POST /v1/reservations", "X-Cycles-API-Key: cyc_live_from_the_file\r\n", RESERVE);
    assert!(answer.contains(r#""decision":"ALLOW_WITH_CAPS""#) && answer.contains("512"), "{answer}");
    let answer = program.ask("GET /v1/admin/budgets?sort_by=scope", "X-Admin-API-Key: admin\r\n", "");
    assert!(
        answer.contains("tenant:acme/agent:bot")
            && answer.contains(r#""overdraft_limit":{"unit":"USD_MICROCENTS","amount":100000000}"#),
        "{answer}"
    );
}

#[test]
fn what_cannot_be_served_is_explained() {
    for (arguments, expected) in [
        (&["--budget", "tenant:acme=5 euros"][..], "expected an amount such as $5"),
        (&["--budget", "tenant:acme"], "expected SCOPE=AMOUNT"),
        (&["--budget", "agent:bot=$5"], "it does not start with a tenant"),
        (&["--api-key", "nobody"], "expected KEY=TENANT"),
        (&["--config", "/nonexistent/cycles.toml"], "cannot read /nonexistent/cycles.toml"),
        (&["--listen", "0.0.0.0:0", "--budget", "tenant:acme=$5"], "no API key was configured"),
        (&["--listen", "nonsense"], "cannot listen on \"nonsense\""),
    ] {
        let words = refusal(arguments);
        assert!(words.contains(expected), "{words}");
    }
}

#[test]
fn what_was_spent_is_there_again_after_a_kill() {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("program-{}", std::process::id()));
    let dir_text = dir.to_str().expect("a path of text");
    let arguments = ["--data", dir_text, "--api-key", "cyc_live_mine=acme", "--budget", "tenant:acme=$5"];
    let headers = "X-Cycles-API-Key: cyc_live_mine\r\n";
    let program = Running::serve(&arguments, "export CYCLES_TENANT=acme");
    let answer = program.ask("POST /v1/reservations", headers, RESERVE);
    assert!(answer.contains(r#""reserved":{"unit":"USD_MICROCENTS","amount":200000000}"#), "{answer}");
    let in_use = refusal(&["--listen", "127.0.0.1:0", "--data", dir_text]);
    assert!(in_use.contains("is in use by another process"), "{in_use}");
    drop(program);

    let program = Running::serve(&arguments, "export CYCLES_TENANT=acme");
    let answer = program.ask("GET /v1/balances?tenant=acme", headers, "");
    assert!(answer.contains(r#""reserved":{"unit":"USD_MICROCENTS","amount":200000000}"#), "{answer}");
    drop(program);
    std::fs::remove_dir_all(dir).expect("the directory");
}

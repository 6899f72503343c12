//! The program started again on what it kept.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crate::{RESERVE, Running};

/// A directory for data and a config file, removed with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("program-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory");
        Self(dir)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path of text").to_owned()
    }

    /// Serves with a config file.
    fn serve(&self, config: &str) -> Running {
        let file = self.path("cycles.toml");
        std::fs::write(&file, config).expect("a file");
        let arguments = ["--config", &file, "--data", &self.path("data"), "--admin-key", "admin"];
        Running::serve(&arguments, "export CYCLES_ADMIN_KEY=admin")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What stays is in the directory for temporary files of the build.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Asks the program to end, and returns how it did and what it said.
fn terminate(mut program: Running) -> (ExitStatus, String) {
    let process = program.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().expect("the command kill").success());
    let mut said = String::new();
    let mut stderr = program.child.stderr.take().expect("its words");
    stderr.read_to_string(&mut said).expect("text");
    (program.child.wait().expect("an end"), said)
}

const CONFIG: &str = r#"
    [[tenants]]
    id = "acme"
    max_extensions = 3

    [[api_keys]]
    key = "cyc_live_from_the_file"
    tenant = "acme"

    [[budgets]]
    scope = "tenant:acme"
    amount = "$5"

    [[policies]]
    tenant = "acme"
    name = "short"
    scope_pattern = "tenant:acme"
    max_tokens = 512
"#;
const KEY: &str = "X-Cycles-API-Key: cyc_live_from_the_file\r\n";
const ADMIN: &str = "X-Admin-API-Key: admin\r\n";

#[cfg(unix)]
#[test]
fn the_same_config_file_changes_nothing_at_the_next_start() {
    let place = Place::new("same");
    let program = place.serve(CONFIG);
    let first = program.ask("POST /v1/reservations", KEY, RESERVE);
    assert!(first.contains(r#""remaining":{"unit":"USD_MICROCENTS","amount":300000000}"#), "{first}");
    let freeze = "POST /v1/admin/budgets/freeze?scope=tenant:acme&unit=USD_MICROCENTS";
    assert!(program.ask(freeze, ADMIN, "{}").starts_with("HTTP/1.1 200"));
    let (status, said) = terminate(program);
    assert!(status.success() && said.is_empty(), "{status}: {said}");

    for _ in 0..2 {
        let program = place.serve(CONFIG);
        let budgets = program.ask("GET /v1/admin/budgets?tenant_id=acme", ADMIN, "");
        assert_eq!(budgets.matches("\"ledger_id\"").count(), 1, "{budgets}");
        // What was held and what an operator did stays.
        assert!(budgets.contains("\"FROZEN\"") && budgets.contains("\"amount\":200000000"), "{budgets}");
        let policies = program.ask("GET /v1/admin/policies?tenant_id=acme", ADMIN, "");
        assert_eq!(policies.matches("\"policy_id\"").count(), 1, "{policies}");
        let keys = program.ask("GET /v1/admin/api-keys?tenant_id=acme", ADMIN, "");
        assert_eq!(keys.matches("\"key_id\"").count(), 1, "{keys}");
        let (status, said) = terminate(program);
        assert!(status.success() && said.is_empty(), "{status}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn a_config_file_that_was_changed_adds_what_is_new_and_says_what_it_leaves() {
    let place = Place::new("changed");
    let (status, said) = terminate(place.serve(CONFIG));
    assert!(status.success() && said.is_empty(), "{status}: {said}");

    let more = "[[budgets]]\nscope = \"tenant:acme/agent:new\"\namount = \"7 tokens\"\n";
    let program = place.serve(&(CONFIG.replace("$5", "$9") + more));
    let budgets = program.ask("GET /v1/admin/budgets?tenant_id=acme", ADMIN, "");
    assert!(budgets.contains("tenant:acme/agent:new") && budgets.contains("\"amount\":500000000"), "{budgets}");
    assert!(!budgets.contains("\"amount\":900000000"), "{budgets}");

    let (_, said) = terminate(program);
    assert!(
        said.starts_with("warning: a budget was kept with other amounts") && said.contains("scope=tenant:acme"),
        "{said}"
    );
    assert!(said.contains("kept_allocated=500000000 given_allocated=900000000"), "{said}");
}

#[test]
fn it_tells_whether_it_is_up_and_counts_what_it_does() {
    let place = Place::new("metrics");
    let program = place.serve(CONFIG);
    for path in ["/actuator/health", "/actuator/health/liveness", "/actuator/health/readiness"] {
        assert!(program.ask(&format!("GET {path}"), "", "").ends_with("{\"status\":\"UP\"}"));
    }
    program.ask("POST /v1/reservations", KEY, RESERVE);
    program.ask("POST /v1/reservations", "", RESERVE);

    let metrics = program.ask("GET /metrics", "", "");

    assert!(metrics.contains("\r\ncontent-type: text/plain; version=0.0.4"), "{metrics}");
    for line in [
        "# TYPE cycles_requests_total counter",
        "cycles_requests_total{operation=\"reserve\",status=\"200\"} 1",
        "cycles_requests_total{operation=\"reserve\",status=\"401\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
}

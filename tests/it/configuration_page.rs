//! The page with every variable has every variable.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use runcycles::CyclesConfig;

const PAGE: &str = include_str!("../../runcycles/docs/configuration.md");

/// Folders whose code names variables in full: the admin plane's client, and the programs.
const WITH_FULL_NAMES: [&str; 2] = ["../runcycles/src/admin", "../runcycles-authority/src/bin"];

/// The variables of the page's tables: what stands first in a row, in backquotes.
fn on_the_page() -> BTreeSet<String> {
    let first_cells = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    first_cells.filter(|name| name.starts_with("CYCLES_")).map(str::to_owned).collect()
}

/// What a client asks for when it is made from variables.
fn asked_for_by_the_client() -> BTreeSet<String> {
    let asked = Mutex::new(BTreeSet::new());
    let config = CyclesConfig::from_vars("CYCLES_", |name| {
        asked.lock().unwrap().insert(name.to_owned());
        name.ends_with("_URL")
            .then(|| "http://localhost".to_owned())
            .or_else(|| name.ends_with("_KEY").then(|| "key".to_owned()))
    });
    config.unwrap();
    asked.into_inner().unwrap()
}

/// The variables that files below a folder name in string literals.
fn named_in(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            named_in(&path, names);
            continue;
        }
        let code = fs::read_to_string(&path).unwrap();
        let literals = code.split('"');
        let is_variable =
            |text: &&str| text.starts_with("CYCLES_") && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        names.extend(literals.filter(is_variable).map(str::to_owned));
    }
}

fn read_by_the_code() -> BTreeSet<String> {
    let mut names = asked_for_by_the_client();
    for folder in WITH_FULL_NAMES {
        named_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut names);
    }
    names
}

#[test]
fn every_variable_that_the_code_reads_is_on_the_configuration_page() {
    let read = read_by_the_code();
    assert!(
        read.contains("CYCLES_MODE") && read.contains("CYCLES_ADMIN_KEY") && read.contains("CYCLES_DATA"),
        "{read:?}"
    );
    let missing: Vec<_> = read.difference(&on_the_page()).cloned().collect();
    assert!(missing.is_empty(), "read by the code, and not in runcycles/docs/configuration.md: {missing:?}");
}

#[test]
fn every_variable_of_the_configuration_page_is_read_by_the_code() {
    let stale: Vec<_> = on_the_page().difference(&read_by_the_code()).cloned().collect();
    assert!(stale.is_empty(), "in runcycles/docs/configuration.md, and read by nobody: {stale:?}");
}

#[test]
fn every_default_of_the_configuration_page_is_what_a_client_has_without_the_variable() {
    let with = |set: Option<(&str, &str)>| {
        let vars = |name: &str| match (name, set) {
            ("CYCLES_BASE_URL", _) => Some("http://localhost".to_owned()),
            ("CYCLES_API_KEY", _) => Some("key".to_owned()),
            (name, Some((set, value))) if name == set => Some(value.to_owned()),
            _ => None,
        };
        format!("{:?}", CyclesConfig::from_vars("CYCLES_", vars).unwrap())
    };
    let without = with(None);
    let mut compared = 0;
    for row in PAGE.lines().filter(|line| line.starts_with("| `CYCLES_")) {
        let mut cells = row.split('|').skip(1).map(str::trim);
        let (name, default) = (cells.next().unwrap().trim_matches('`'), cells.next().unwrap());
        // Defaults that are values stand in backquotes; where the journal lies is told in words.
        let Some(default) = default.strip_prefix('`').and_then(|rest| rest.split('`').next()) else { continue };
        if !asked_for_by_the_client().contains(name)
            || name == "CYCLES_JOURNAL_DIR"
            || default.contains(' ')
            || cells.count() != 4
        {
            continue;
        }
        assert_eq!(with(Some((name, default))), without, "{name} is {default} by default, as the page says");
        compared += 1;
    }
    assert!(compared >= 12, "only {compared} defaults were found on the page");
}

//! The client crate is built in layers, and imports go down only.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The modules of the crate from the bottom up; those on one line do not know each other.
const LAYERS: [&[&str]; 14] = [
    &["planted", "protocol"],
    &["error", "kinds", "price", "scope", "shadow", "sites"],
    &["telemetry"],
    &["transport"],
    &["webhooks"],
    &["client"],
    &["admin", "evidence", "journal", "reservation"],
    &["heartbeat", "settlement"],
    &["guard"],
    &["lease"],
    &["lifecycle"],
    &["budget", "budgets_file", "call"],
    &["audit", "patterns", "stream", "tripwire"],
    &["blocking", "tower"],
];

/// The client holds what these layers keep between calls, without knowing what they do with it: somebody must own it, and
/// only the client lives as long.
/// An error tells how the settlement went that it comes with.
const HELD: [(&str, &str); 3] = [("client", "heartbeat"), ("client", "settlement"), ("error", "settlement")];

#[test]
fn imports_of_the_client_crate_go_down_only() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../runcycles/src"));
    let mut imports = BTreeSet::new();
    collect(root, None, &mut imports);

    let mut held = BTreeSet::new();
    let mut upward = Vec::new();
    for (file, from, to) in &imports {
        if layer(file, to) < layer(file, from) {
            continue;
        }
        match HELD.iter().find(|pair| **pair == (from, to)) {
            Some(pair) => drop(held.insert(*pair)),
            None => upward.push(format!("{file}: {from} → {to}")),
        }
    }
    assert!(upward.is_empty(), "upward imports:\n{}", upward.join("\n"));
    assert_eq!(held.len(), HELD.len(), "an exception is not needed any more: {held:?}");
}

fn layer(file: &str, module: &str) -> usize {
    LAYERS.iter().position(|layer| layer.contains(&module)).unwrap_or_else(|| {
        panic!("{file}: `crate::{module}…` is no module with a layer: give it one in this test, or name the item by its module")
    })
}

/// Collects what the files below a folder import from other modules of the crate: file, own module, other module.
fn collect(folder: &Path, module: Option<&str>, imports: &mut BTreeSet<(String, String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let own = module.unwrap_or(&stem);
        if path.is_dir() {
            collect(&path, Some(own), imports);
        } else if own != "lib" {
            // The facade imports everything.
            for other in imported(&fs::read_to_string(&path).unwrap()).filter(|other| *other != own) {
                imports.insert((path.display().to_string(), own.to_owned(), other.to_owned()));
            }
        }
    }
}

/// The modules that a source names by `crate::`, apart from comments and from what macros name by `$crate::`.
fn imported(source: &str) -> impl Iterator<Item = &str> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.match_indices("crate::").map(move |(at, name)| (&line[..at], &line[at + name.len()..])))
        .filter(|(before, _)| !before.ends_with('$'))
        .map(|(_, after)| after.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default())
}

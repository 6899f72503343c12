//! The tables of features have every feature.

use std::collections::BTreeSet;

const MANIFEST: &str = include_str!("../../runcycles/Cargo.toml");
const README: &str = include_str!("../../README.md");
const PAGE: &str = include_str!("../../runcycles/docs/features.md");

/// The public features of the manifest.
fn features() -> BTreeSet<String> {
    let section = MANIFEST.split_once("[features]").unwrap().1.split_once("[dependencies]").unwrap().0;
    let names = section.lines().filter_map(|line| line.split_once(" = [").map(|(name, _)| name));
    names.filter(|name| !name.starts_with('_') && *name != "default").map(str::to_owned).collect()
}

/// What stands first in the rows of the tables in a text, in backquotes, below the first heading that begins so.
fn rows(text: &str, heading: &str) -> BTreeSet<String> {
    let section = text.split_once(heading).map_or("", |(_, rest)| rest);
    let table = section.lines().skip_while(|line| !line.starts_with("| ")).take_while(|line| line.starts_with('|'));
    let names = table.filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    names.filter(|name| *name != "default").map(str::to_owned).collect()
}

#[test]
fn the_readme_and_the_guide_have_a_row_for_each_feature_and_for_nothing_else() {
    assert!(features().len() > 10, "the manifest is read");
    assert_eq!(rows(README, "## Features"), features(), "README.md");
    assert_eq!(rows(PAGE, ""), features(), "runcycles/docs/features.md");
}

//! The names of the arguments.

use proc_macro2::Ident;
use syn::Error;

/// The arguments with a value, in the order of the documentation; `dimensions` has a list.
const KEYS: [&str; 33] = [
    "estimate",
    "allow_zero",
    "action_kind",
    "action_name",
    "action_tags",
    "tenant",
    "workspace",
    "app",
    "workflow",
    "agent",
    "toolset",
    "run",
    "require",
    "priority",
    "scope",
    "dimensions",
    "actual",
    "metrics",
    "metadata",
    "fallback",
    "unknown",
    "on_unsettled",
    "heartbeat",
    "planned",
    "lease",
    "needs_authority",
    "mode",
    "key",
    "client",
    "ttl",
    "grace_period",
    "overage_policy",
    "unit",
];

/// Names that other clients or everyday speech use, and ours for the same thing.
const SYNONYMS: [(&str, &str); 21] = [
    ("amount", "estimate"),
    ("cost", "estimate"),
    ("action", "action_kind"),
    ("kind", "action_kind"),
    ("name", "action_name"),
    ("tags", "action_tags"),
    ("org", "tenant"),
    ("team", "workspace"),
    ("user", "agent"),
    ("tool", "toolset"),
    ("subject", "scope"),
    ("dimension", "dimensions"),
    ("ttl_ms", "ttl"),
    ("grace", "grace_period"),
    ("grace_period_ms", "grace_period"),
    ("overage", "overage_policy"),
    ("idempotency_key", "key"),
    ("dry_run", "mode"),
    ("on_error", "unknown"),
    ("unknown_spend", "unknown"),
    ("tier", "priority"),
];

/// The argument of this name.
pub(crate) fn known(name: &Ident) -> Result<&'static str, Error> {
    let name_text = name.to_string();
    if let Some(key) = KEYS.into_iter().find(|key| *key == name_text) {
        return Ok(key);
    }
    let message = match nearest(&name_text) {
        Some(key) => format!("unknown argument `{name_text}`; did you mean `{key}`?"),
        None => format!("unknown argument `{name_text}`; expected one of {}", list()),
    };
    Err(Error::new(name.span(), message))
}

/// All names, for a message.
pub(crate) fn list() -> String {
    KEYS.map(|key| format!("`{key}`")).join(", ")
}

/// The key that a misspelt name most likely stands for.
fn nearest(name: &str) -> Option<&'static str> {
    if let Some((_, key)) = SYNONYMS.into_iter().find(|(synonym, _)| *synonym == name) {
        return Some(key);
    }
    let (distance, key) = KEYS.into_iter().map(|key| (distance(name, key), key)).min()?;
    (distance <= 1 + name.len() / 10).then_some(key)
}

/// How many insertions, deletions, replacements and swaps of neighbours lead from one name to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    let mut rows = vec![(0..=to.len()).collect::<Vec<_>>()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let swapped = match (i.checked_sub(1), j.checked_sub(1)) {
                (Some(h), Some(g)) if *a == to[g] && from[h] == *b => rows[h][g] + 1,
                _ => usize::MAX,
            };
            row.push(replaced.min(swapped).min(rows[i][j + 1] + 1).min(row[j] + 1));
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelt_name_finds_the_argument_it_stands_for() {
        for (written, meant) in [
            ("agnet", "agent"),
            ("tenent", "tenant"),
            ("workpsace", "workspace"),
            ("grace_peroid", "grace_period"),
            ("overage_polcy", "overage_policy"),
            ("action_kinds", "action_kind"),
            ("kind", "action_kind"),
            ("ttl_ms", "ttl"),
        ] {
            assert_eq!(nearest(written), Some(meant), "{written}");
        }
    }

    #[test]
    fn a_name_far_from_every_argument_finds_none() {
        for written in ["retries", "x", "colour", "temperature"] {
            assert_eq!(nearest(written), None, "{written}");
        }
    }
}

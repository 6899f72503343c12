//! Patterns of scopes.

use std::fmt;

use runcycles::models::Level;

use crate::scope::{ScopePath, is_level_value, segments};

/// Which scopes a policy or the filter of a key is about.
///
/// A path matches where it, or a scope above it, does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopePattern {
    text: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// `tenant:acme/app:x`: this scope.
    Exact,
    /// `tenant:acme/*`: every scope below; the prefix with its slash.
    Below { prefix: String },
    /// `tenant:acme/agent:*`: every scope of a level right below; the prefix with the level and its colon.
    Children { prefix: String },
    /// `agent:*`, `*/agent:*`: every scope whose innermost level is this one.
    AnyOf { level: Level },
    /// `agent:bot`, `*/agent:bot`: every scope whose innermost segment is this one.
    Leaf { segment: String },
}

impl ScopePattern {
    /// Reads a pattern; the result is lower-case.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let lower = text.to_ascii_lowercase();
        let kind = parse_kind(&lower).ok_or_else(|| InvalidPattern { pattern: text.to_owned() })?;
        Ok(Self { text: lower, kind })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The tenant whose scopes it is about, where it names one.
    pub(crate) fn tenant(&self) -> Option<&str> {
        let first = self.text.split('/').next()?;
        first.strip_prefix("tenant:").filter(|tenant| *tenant != "*")
    }

    /// How many segments of a path the innermost scope has that matches.
    pub(crate) fn depth_in(&self, path: &ScopePath) -> Option<usize> {
        let scopes = path.prefixes().enumerate();
        scopes.filter(|(_, scope)| self.matches_scope(scope)).map(|(depth, _)| depth + 1).last()
    }

    pub(crate) fn matches(&self, path: &ScopePath) -> bool {
        self.depth_in(path).is_some()
    }

    fn matches_scope(&self, scope: &str) -> bool {
        match &self.kind {
            Kind::Exact => scope == self.text,
            Kind::Below { prefix } => scope.starts_with(prefix.as_str()),
            Kind::Children { prefix } => scope.strip_prefix(prefix.as_str()).is_some_and(|rest| !rest.contains('/')),
            Kind::AnyOf { level } => segments(scope).last().is_some_and(|(innermost, _)| innermost == *level),
            Kind::Leaf { segment } => crate::scope::leaf(scope) == segment,
        }
    }
}

fn parse_kind(text: &str) -> Option<Kind> {
    let level_of = |name: &str| Level::ALL.into_iter().find(|level| level.as_str() == name);
    let text = text.strip_prefix("*/").unwrap_or(text);
    if let Some(prefix) = text.strip_suffix("/*") {
        ScopePath::parse(prefix).ok()?;
        return Some(Kind::Below { prefix: format!("{prefix}/") });
    }
    let (parent, segment) = text.rsplit_once('/').map_or((None, text), |(parent, segment)| (Some(parent), segment));
    let (level, value) = segment.split_once(':')?;
    let level = level_of(level)?;
    match (parent, value) {
        (None, "*") => Some(Kind::AnyOf { level }),
        (Some(parent), "*") => {
            let innermost = segments(ScopePath::parse(parent).ok()?.as_str()).last()?.0;
            (innermost < level).then(|| Kind::Children { prefix: format!("{parent}/{level}:") })
        }
        (None, value) if level == Level::Tenant => is_level_value(value).then_some(Kind::Exact),
        (None, value) => is_level_value(value).then(|| Kind::Leaf { segment: segment.to_owned() }),
        (Some(_), _) => ScopePath::parse(text).ok().map(|_| Kind::Exact),
    }
}

impl fmt::Display for ScopePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Text that is not a pattern of scopes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid scope pattern {pattern:?}: expected a scope such as tenant:acme/app:x, tenant:acme/*, tenant:acme/agent:* or agent:*"
)]
pub(crate) struct InvalidPattern {
    pattern: String,
}

#[cfg(test)]
mod tests {
    use super::ScopePattern;
    use crate::scope::ScopePath;

    #[test]
    fn each_form_matches_what_it_says() {
        for (pattern, path, depth) in [
            ("tenant:acme", "tenant:acme", Some(1)),
            ("tenant:acme", "tenant:acme/agent:bot", Some(1)),
            ("tenant:acme", "tenant:acme-2", None),
            ("tenant:acme/agent:Bot", "tenant:acme/agent:bot", Some(2)),
            ("tenant:acme/*", "tenant:acme", None),
            ("tenant:acme/*", "tenant:acme/app:x/agent:bot", Some(3)),
            ("tenant:acme/app:x/*", "tenant:acme/app:x2/agent:bot", None),
            ("tenant:acme/agent:*", "tenant:acme/agent:bot/toolset:t", Some(2)),
            ("tenant:acme/agent:*", "tenant:acme/app:x/agent:bot", None),
            ("agent:*", "tenant:acme/app:x/agent:bot", Some(3)),
            ("*/agent:bot", "tenant:acme/app:x/agent:bot", Some(3)),
            ("agent:bot", "tenant:acme/app:x/agent:bot-2", None),
        ] {
            let matched =
                ScopePattern::parse(pattern).expect("a pattern").depth_in(&ScopePath::parse(path).expect("a scope"));
            assert_eq!(matched, depth, "{pattern} in {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in
            ["", "*", "acme", "team:*", "tenant:acme/*/agent:x", "tenant:a/agent:*/app:*", "tenant:a/b:*", "agent:a b"]
        {
            assert!(ScopePattern::parse(text).is_err(), "{text}");
        }
    }
}

//! The registry of action kinds, which needs no key (protocol v0.1.26).

use http::{HeaderMap, HeaderValue, Method, header};
use runcycles::models::{ActionKind, ActionKindPage};

use super::exchange::Reply;
use super::problem::Problem;
use super::query::{Query, percent_decode};
use crate::fingerprint::Fingerprint;
use crate::state::Kinds;

/// What the name of each version of the registry begins with: it is made of what is in it.
const VERSION: &str = "0.1.26";

/// The largest page.
const MOST: usize = 100;

/// The extensions of protocol v0.1.26, where the authority speaks them: the registry of action kinds.
#[derive(Debug)]
pub(crate) struct Registry {
    kinds: Kinds,
    all: Vec<ActionKind>,
    /// The name of what is in it, in quotes.
    etag: String,
}

impl Registry {
    pub(crate) fn new(kinds: Kinds) -> Self {
        let all = kinds.all();
        let text = serde_json::to_string(&all).unwrap_or_default();
        Self { kinds, all, etag: format!("\"{}\"", Fingerprint::of_text(&text).short()) }
    }

    /// Whether a kind is on its way out.
    pub(super) fn is_deprecated(&self, kind: &str) -> bool {
        self.kinds.is_deprecated(kind)
    }

    /// The answer on a path of the registry; nothing on other paths.
    pub(super) fn answer(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Option<Result<Reply, Problem>> {
        let rest = path.strip_prefix("/v1/action-kinds")?;
        let kind = match rest.strip_prefix('/') {
            None if rest.is_empty() => None,
            Some(kind) if !kind.is_empty() && !kind.contains('/') => Some(percent_decode(kind, false)),
            _ => return None,
        };
        if method != Method::GET {
            return Some(Err(Problem::method_not_allowed("GET")));
        }
        Some(match kind {
            None if self.is_known(headers) => Ok(self.named(Reply::not_modified())),
            None => self.page(&Query::parse(query)).map(|reply| self.named(reply)),
            Some(kind) => self.kinds.find(&kind).ok_or_else(no_kind).and_then(|kind| Reply::json(&kind)),
        })
    }

    /// Whether a client has what is in the registry.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let etags = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut etags = etags.flat_map(|list| list.split(','));
        etags.any(|etag| matches!(etag.trim(), "*") || etag.trim().trim_start_matches("W/") == self.etag)
    }

    fn named(&self, reply: Reply) -> Reply {
        // Hexadecimal digits in quotes are always a header's value.
        match HeaderValue::from_str(&self.etag) {
            Ok(etag) => reply.with_header(header::ETAG, etag),
            Err(_) => reply,
        }
    }

    /// A page, by name; the cursor is the last name of the page before.
    fn page(&self, query: &Query<'_>) -> Result<Reply, Problem> {
        let class = query.one_of("risk_class", &RISK_CLASSES, |class| class, false)?;
        let with_deprecated = query.boolean("deprecated")?.unwrap_or(false);
        let limit = match query.get_some("limit").map(str::parse::<usize>) {
            None => 50,
            Some(Ok(limit @ 1..=MOST)) => limit,
            Some(_) => return Err(Problem::invalid("Validation failed: limit: must be 1 to 100")),
        };
        let after = query.get_some("cursor").unwrap_or_default();
        let mut rows = self.all.iter().filter(|kind| {
            kind.kind.as_str() > after
                && class.is_none_or(|class| kind.risk_class.as_str() == class)
                && (with_deprecated || kind.deprecated != Some(true))
        });
        let kinds: Vec<ActionKind> = rows.by_ref().take(limit).cloned().collect();
        let has_more = rows.next().is_some();
        let version = format!("{VERSION}+{}", self.etag.trim_matches('"'));
        let next = kinds.last().filter(|_| has_more).map(|last| last.kind.clone());
        let mut page = ActionKindPage::new(version, kinds);
        (page.next_cursor, page.has_more) = (next, Some(has_more));
        Reply::json(&page)
    }
}

/// The risk classes of the protocol.
const RISK_CLASSES: [&str; 5] = ["read_only", "local_mutation", "side_effect", "external_side_effect", "high_risk"];

fn no_kind() -> Problem {
    let message = "No such action kind";
    Problem::new(http::StatusCode::NOT_FOUND, runcycles::models::ErrorCode::NotFound, message)
}

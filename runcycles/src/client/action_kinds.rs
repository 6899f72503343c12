//! The registry of action kinds, and the copy of it that a client keeps.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use http::header::ETAG;
use tokio::time::Instant;

use super::CyclesClient;
use super::operation::{Operation, Prepared};
use crate::error::Error;
use crate::protocol::validation::check_chars;
use crate::protocol::{ActionKind, ActionKindPage, ListActionKinds, RiskClass};

/// How long a copy of the registry is used before the server is asked whether it has changed (protocol v0.1.26: safe to cache for
/// an hour).
const FRESH_FOR: Duration = Duration::from_secs(3600);

/// The kinds on one page: the most that servers give.
const PAGE: u32 = 100;

/// The registry of action kinds as a server publishes it (protocol v0.1.26). [`kinds`](crate::kinds) has the one that this version
/// of the crate knows.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionKinds {
    version: String,
    kinds: Vec<ActionKind>,
}

impl ActionKinds {
    /// The version of the registry.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The entry of a kind, compared exactly.
    pub fn get(&self, kind: &str) -> Option<&ActionKind> {
        self.kinds.iter().find(|known| known.kind == kind)
    }

    /// How much harm actions of a kind can do; a kind that is not registered counts as a side effect.
    pub fn risk_class(&self, kind: &str) -> RiskClass {
        self.get(kind).map_or(RiskClass::SideEffect, |known| known.risk_class.clone())
    }

    /// All entries, deprecated ones too, in the server's order.
    pub fn iter(&self) -> std::slice::Iter<'_, ActionKind> {
        self.kinds.iter()
    }
}

impl<'a> IntoIterator for &'a ActionKinds {
    type Item = &'a ActionKind;
    type IntoIter = std::slice::Iter<'a, ActionKind>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The copy of the registry that a client keeps.
///
/// A lock because calls are made on any thread; held to look and to replace, never while the server is asked.
#[derive(Debug, Default)]
pub(super) struct KindRegistry(Mutex<Option<Copy>>);

#[derive(Clone, Debug)]
struct Copy {
    kinds: Arc<ActionKinds>,
    /// The server's name of what it holds.
    etag: Option<HeaderValue>,
    confirmed_at: Instant,
}

impl KindRegistry {
    fn copy(&self) -> Option<Copy> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, copy: Copy) -> Arc<ActionKinds> {
        let kinds = Arc::clone(&copy.kinds);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(copy);
        kinds
    }
}

impl CyclesClient {
    /// The whole registry of action kinds (protocol v0.1.26: `GET /v1/action-kinds`). The client keeps a copy for an hour, and asks
    /// the server after that whether it still holds (`If-None-Match`). While the server cannot be reached, an old copy serves on.
    ///
    /// ```no_run
    /// # async fn example(client: runcycles::CyclesClient) -> Result<(), runcycles::Error> {
    /// let registry = client.action_kinds().await?;
    /// for kind in registry.iter().filter(|kind| kind.deprecated == Some(true)) {
    ///     println!("{} is on its way out: use {:?}", kind.kind, kind.replacement_kind);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 where the server has no registry; [`Error::Ambiguous`] where its pages do not belong together.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the copy as it is.
    pub async fn action_kinds(&self) -> Result<Arc<ActionKinds>, Error> {
        let copy = self.shared.action_kinds.copy();
        if let Some(copy) = copy.as_ref().filter(|copy| copy.confirmed_at.elapsed() < FRESH_FOR) {
            return Ok(Arc::clone(&copy.kinds));
        }
        match (self.fetch_registry(copy.as_ref()).await, copy) {
            (Ok(fetched), _) => Ok(self.shared.action_kinds.keep(fetched)),
            (Err(error), Some(old)) if error.is_unavailable() => {
                tracing::debug!(%error, "the registry of action kinds cannot be confirmed; the old copy serves on");
                Ok(old.kinds)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Lists action kinds, a page at a time (protocol v0.1.26: `GET /v1/action-kinds`). [`action_kinds`](Self::action_kinds) has all
    /// of them, and keeps them.
    pub fn list_action_kinds(&self, params: &ListActionKinds) -> Operation<ActionKindPage> {
        Operation::new(&self.shared.connection, self.page_request(params))
    }

    /// One action kind, compared exactly (protocol v0.1.26: `GET /v1/action-kinds/{kind}`).
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 where the registry does not have it.
    pub fn get_action_kind(&self, kind: &str) -> Operation<ActionKind> {
        let request = check_chars("kind", kind, 1..=64)
            .map_err(Error::from)
            .and_then(|()| Ok(Prepared::get(self.shared.connection.endpoint.item("/v1/action-kinds", kind)?)));
        Operation::new(&self.shared.connection, request)
    }

    fn page_request(&self, params: &ListActionKinds) -> Result<Prepared, Error> {
        Ok(Prepared::get(self.shared.connection.endpoint.query("/v1/action-kinds", &params.to_pairs()?)?))
    }

    /// The registry as the server has it: the copy, where that still holds, or all pages.
    async fn fetch_registry(&self, copy: Option<&Copy>) -> Result<Copy, Error> {
        let connection = &self.shared.connection;
        let params = ListActionKinds::new().with_deprecated().limit(PAGE);
        let first = self.page_request(&params)?;
        let confirmed_at = Instant::now();
        let known = copy.and_then(|copy| copy.etag.as_ref());
        let Some(answer) = connection.send_unless_known::<ActionKindPage>(&first, known).await? else {
            return match copy {
                Some(copy) => Ok(Copy { confirmed_at, ..copy.clone() }),
                None => Err(not_one_registry("304 where nothing was known")),
            };
        };
        let etag = answer.metadata.headers().get(ETAG).cloned();
        let (mut page, mut seen) = (answer.value, Vec::new());
        let mut kinds = ActionKinds { version: page.version.clone(), kinds: Vec::new() };
        loop {
            if page.version != kinds.version {
                return Err(not_one_registry("a page of another version"));
            }
            kinds.kinds.append(&mut page.kinds);
            let Some(cursor) = page.next_cursor.filter(|cursor| page.has_more != Some(false) && !cursor.is_empty())
            else {
                return Ok(Copy { kinds: Arc::new(kinds), etag, confirmed_at });
            };
            if seen.contains(&cursor) {
                return Err(not_one_registry("a page that was there before"));
            }
            page = self.list_action_kinds(&params.clone().cursor(&*cursor)).await?;
            seen.push(cursor);
        }
    }
}

fn not_one_registry(problem: &str) -> Error {
    Error::Ambiguous { operation: "list action kinds", problem: problem.to_owned(), reservation_id: None }
}

//! Lists as streams.

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::answer::Answer;
use super::{CyclesClient, Operation};
use crate::error::Error;
use crate::protocol::{
    Balance, BalanceParams, BalanceResponse, ListReservationsParams, ReservationListResponse, ReservationSummary,
};
use crate::transport::BoxFuture;

impl CyclesClient {
    /// All reservations a filter finds, page after page. An error ends the stream.
    pub fn reservations(&self, params: ListReservationsParams) -> Pages<ReservationSummary> {
        let client = self.clone();
        Pages::new(params, move |params| client.list_reservations(params))
    }

    /// All budgets a filter finds, page after page. An error ends the stream.
    pub fn balances(&self, params: BalanceParams) -> Pages<Balance> {
        let client = self.clone();
        Pages::new(params, move |params| client.get_balances(params))
    }
}

/// A filter of a list: what a page of it holds.
pub(crate) trait Paged: Clone + Send + Sync + 'static {
    type Page: Answer;
    type Item: Send + 'static;

    fn open(page: Self::Page) -> Page<Self::Item>;
    fn after(self, cursor: String) -> Self;
}

/// One page: its items, and where the next starts.
pub(crate) struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl<T> Page<T> {
    /// A page as servers write it. Some write an absent cursor as an empty one.
    pub(crate) fn new(items: Vec<T>, cursor: Option<String>, has_more: Option<bool>) -> Self {
        Self { items, next: cursor.filter(|cursor| !cursor.is_empty() && has_more != Some(false)) }
    }
}

/// Declares the filters of lists: the page, the items, and the member of the page that has them.
macro_rules! paged {
    ($( $params:ty => $page:ty, $items:ident: $item:ty; )*) => { $(
        impl $crate::client::Paged for $params {
            type Page = $page;
            type Item = $item;

            fn open(page: $page) -> $crate::client::Page<$item> {
                $crate::client::Page::new(page.$items, page.next_cursor, page.has_more)
            }

            fn after(self, cursor: String) -> Self {
                self.cursor(cursor)
            }
        }
    )* };
}

#[cfg(feature = "admin")]
pub(crate) use paged;

paged! {
    ListReservationsParams => ReservationListResponse, reservations: ReservationSummary;
    BalanceParams => BalanceResponse, balances: Balance;
}

/// Fetches one page after another.
type Fetch<T> = Box<dyn Fn(Option<String>) -> BoxFuture<'static, Result<Page<T>, Error>> + Send>;

/// The items of a list, page after page: a [`Stream`]. The next page is asked for when the one before is used up.
#[must_use = "a stream asks for nothing until it is polled"]
pub struct Pages<T> {
    fetch: Fetch<T>,
    items: VecDeque<T>,
    /// The cursors of the pages before, none of which may come again: the list would never end.
    seen: HashSet<String>,
    state: State<T>,
}

enum State<T> {
    /// A page is on its way.
    Asking(BoxFuture<'static, Result<Page<T>, Error>>),
    /// There is a next page at this cursor.
    More(String),
    End,
}

impl<T: Send + 'static> Pages<T> {
    /// A list whose pages are asked for by a filter.
    pub(crate) fn new<P: Paged<Item = T>>(params: P, ask: impl Fn(&P) -> Operation<P::Page> + Send + 'static) -> Self {
        let fetch: Fetch<T> = Box::new(move |cursor| {
            let operation = match cursor {
                Some(cursor) => ask(&params.clone().after(cursor)),
                None => ask(&params),
            };
            Box::pin(async move { Ok(P::open(operation.await?)) })
        });
        let first = fetch(None);
        Self { fetch, items: VecDeque::new(), seen: HashSet::new(), state: State::Asking(first) }
    }
}

impl<T: Send + Unpin + 'static> Stream for Pages<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            match &mut this.state {
                State::End => return Poll::Ready(None),
                State::More(cursor) => {
                    let cursor = std::mem::take(cursor);
                    this.state = State::Asking((this.fetch)(Some(cursor)));
                }
                State::Asking(page) => {
                    let page = ready!(page.as_mut().poll(cx));
                    this.state = State::End;
                    let page = match page {
                        Ok(page) => page,
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    };
                    if page.next.as_ref().is_some_and(|next| !this.seen.insert(next.clone())) {
                        let problem = "the next page is one that was there before".to_owned();
                        return Poll::Ready(Some(Err(Error::Ambiguous {
                            operation: "list",
                            problem,
                            reservation_id: None,
                        })));
                    }
                    this.items = page.items.into();
                    if let Some(next) = page.next {
                        this.state = State::More(next);
                    }
                }
            }
        }
    }
}

impl<T> std::fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

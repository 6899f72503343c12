//! One call of each operation.

use std::time::Duration;

use runcycles::models::{
    Action, BalanceParams, CommitRequest, DecisionRequest, EventCreateRequest, ExtendRequest, IdempotencyKey,
    ListActionKinds, ListReservationsParams, ReleaseRequest, ReservationCreateRequest, ReservationId,
};
use runcycles::{CyclesClient, Error, Reserve, Scope, tokens};

use super::sent::Route;

/// All operations.
pub(crate) const ALL: [Route; 11] = [
    Route::Decide,
    Route::Reserve,
    Route::List,
    Route::Get,
    Route::Commit,
    Route::Release,
    Route::Extend,
    Route::Balances,
    Route::Event,
    Route::ActionKinds,
    Route::ActionKind,
];

/// Those that name who acts.
pub(crate) const WITH_SUBJECT: [Route; 3] = [Route::Decide, Route::Reserve, Route::Event];

/// Calls an operation.
pub(crate) async fn call(client: &CyclesClient, route: Route) -> Result<(), Error> {
    let id = reservation();
    match route {
        Route::Decide => client.decide(&decide()).await.map(drop),
        Route::Reserve => client.create_reservation(&reserve()).await.map(drop),
        Route::List => client.list_reservations(&ListReservationsParams::new()).await.map(drop),
        Route::Get => client.get_reservation(&id).await.map(drop),
        Route::Commit => client.commit_reservation(&id, &CommitRequest::new(tokens(7))).await.map(drop),
        Route::Release => client.release_reservation(&id, &ReleaseRequest::new("not needed")).await.map(drop),
        Route::Extend => client.extend_reservation(&id, &ExtendRequest::new(Duration::from_secs(60))).await.map(drop),
        Route::Balances => client.get_balances(&BalanceParams::within(Scope::tenant("acme"))).await.map(drop),
        Route::Event => client.create_event(&event()).await.map(drop),
        Route::ActionKinds => client.list_action_kinds(&ListActionKinds::new()).await.map(drop),
        Route::ActionKind => client.get_action_kind("llm.completion").await.map(drop),
        Route::Evidence | Route::KeySet => panic!("{route:?} is no operation"),
    }
}

pub(crate) fn reservation() -> ReservationId {
    ReservationId::new("rsv_1").expect("an id")
}

pub(crate) fn key() -> IdempotencyKey {
    IdempotencyKey::new("k-1").expect("a key")
}

pub(crate) fn action() -> Action {
    Action::new("llm.completion", "gpt-4o")
}

/// A reservation of 10 tokens that names nobody.
pub(crate) fn reserve() -> ReservationCreateRequest {
    Reserve::new("llm.completion", "gpt-4o").estimate(tokens(10)).idempotency_key(key()).build()
}

pub(crate) fn decide() -> DecisionRequest {
    DecisionRequest::builder().action(action()).estimate(tokens(10)).idempotency_key(key()).build()
}

pub(crate) fn event() -> EventCreateRequest {
    EventCreateRequest::builder().action(action()).actual(tokens(7)).idempotency_key(key()).build()
}

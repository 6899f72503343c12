//! Bodies on their way to bytes and back, beside types with what a client needs and nothing more.

use std::hint::black_box;
use std::time::Instant;

use runcycles::models::{CommitRequest, CommitResponse, ReservationCreateRequest, ReservationCreateResponse};
use runcycles::{Reserve, Scope, usd};
use serde::de::DeserializeOwned;

use crate::load::answers::{COMMITTED, reserved};
use crate::load::bodies::{Commit, Committed, Reserve as BarestReserve, Reserved};
use crate::report::{Better, Figure, Unit};

const TIMES: u32 = 20_000;

pub(super) fn bodies(rounds: usize) -> Vec<Figure> {
    let reserve: ReservationCreateRequest = Reserve::new("llm.completion", "gpt-4o")
        .estimate(usd!(0.02))
        .subject(Scope::tenant("acme").agent("bot"))
        .into();
    let commit = CommitRequest::new(usd!(0.013));
    let (barest_reserve, barest_commit) = (BarestReserve::new(), Commit::new());
    let answer = reserved("0a1b2c3d-4e5f-4a6b-8c7d-000000000001", 1_900_000_000_000, Some(60_000));
    vec![
        figure("encode a reservation", rounds, || encode(&reserve), || encode(&barest_reserve)),
        figure("encode a commit", rounds, || encode(&commit), || encode(&barest_commit)),
        figure(
            "decode the answer to a reservation",
            rounds,
            || decode::<ReservationCreateResponse>(&answer),
            || decode::<Reserved>(&answer),
        ),
        figure(
            "decode the answer to a commit",
            rounds,
            || decode::<CommitResponse>(COMMITTED),
            || decode::<Committed>(COMMITTED),
        ),
    ]
}

fn figure(name: &str, rounds: usize, ours: impl Fn(), floor: impl Fn()) -> Figure {
    let pairs: Vec<_> = (0..rounds).map(|_| (nanoseconds_of(&ours), nanoseconds_of(&floor))).collect();
    Figure::ratio(format!("JSON: {name}"), Unit::Nanoseconds, Better::Less, &pairs)
}

fn encode(body: &impl serde::Serialize) {
    black_box(serde_json::to_vec(black_box(body)).expect("JSON"));
}

fn decode<T: DeserializeOwned>(text: &str) {
    black_box(serde_json::from_slice::<T>(black_box(text.as_bytes())).expect("an answer"));
}

fn nanoseconds_of(act: impl Fn()) -> f64 {
    (0..TIMES / 10).for_each(|_| act());
    let start = Instant::now();
    (0..TIMES).for_each(|_| act());
    start.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES)
}

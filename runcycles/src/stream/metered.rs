//! A stream that is counted as it flows.

use std::fmt;
use std::pin::Pin;
use std::task::{Context as Waker, Poll};

use futures_core::Stream;

use super::meter::{End, Meter};
use crate::call::IntoAmount;
use crate::error::{Error, StreamCut};
use crate::guard::ReservationGuard;
use crate::lifecycle::{Context, tell};
use crate::protocol::{Amount, MAX_AMOUNT, ValidationError};
use crate::settlement::Settlement;
use crate::transport::BoxFuture;

/// Counts a stream as it flows, and cuts it before it delivers more than was authorised.
///
/// `usage` says what an item costs: an [`Amount`], or a whole number in the unit of the reservation. An item that does not fit
/// what is reserved waits until a further slice of budget is, in a reservation of its own for the same subject and action.
/// The next slice is asked for when half of the last one is used, so that a stream seldom waits; one that does asks for more
/// at a time, and one that is told no for less. Where the budget has not even enough for the next item, the stream ends with
/// [`Error::StreamCut`], which carries what was delivered and how it was settled, and the item is not delivered.
///
/// What was delivered is settled when the stream ends, before its end is told; when it is cut; and in the background when it
/// is dropped, whether by its owner or by a panic. An error item passes through, and ends nothing by itself; where nothing was
/// delivered before the stream ends with one, the hold is returned. Inside the stream, [`context`](crate::context) is the
/// context of its reservation: what it [records](Context::record_usage) is charged beside what it delivers, and what it
/// [sets](Context::set_actual) is what it cost, all in all, but never less than was delivered.
///
/// A stream of plain values becomes one of results by `map(Ok::<_, runcycles::Error>)`.
///
/// ```
/// use std::future::poll_fn;
/// use std::pin::pin;
///
/// use futures_core::Stream;
/// use runcycles::{Error, Reserve, metered, tokens};
///
/// async fn show(chunks: impl Stream<Item = Result<String, Error>>, client: &runcycles::CyclesClient) -> Result<(), Error> {
///     let guard = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(tokens(500))).await?;
///     let mut chunks = pin!(metered(guard, chunks, |chunk: &String| chunk.len().div_ceil(4)));
///     while let Some(chunk) = poll_fn(|waker| chunks.as_mut().poll_next(waker)).await {
///         print!("{}", chunk?);
///     }
///     Ok(())
/// }
/// ```
///
/// # Cancel safety
///
/// Between two items nothing is lost: an item that waits for a slice waits on after the future that reads it is dropped.
pub fn metered<S, T, E, U, N>(guard: ReservationGuard, stream: S, usage: U) -> Metered<S, U>
where
    S: Stream<Item = Result<T, E>>,
    E: From<Error>,
    U: FnMut(&T) -> N,
    N: IntoAmount,
{
    Metered {
        stream: Some(Box::pin(stream)),
        usage,
        withheld: None,
        has_failed: false,
        settlement: None,
        phase: Phase::Flowing,
        meter: Meter::new(guard),
    }
}

/// A stream that is counted as it flows; [`metered`] makes one.
#[must_use = "a stream does nothing until it is polled, and dropping it settles it"]
pub struct Metered<S: Stream, U> {
    /// Absent once it has ended.
    stream: Option<Pin<Box<S>>>,
    usage: U,
    /// An item that waits for a slice, and what it costs.
    withheld: Option<(S::Item, u64)>,
    /// Whether the last item was an error.
    has_failed: bool,
    settlement: Option<Settlement>,
    phase: Phase,
    meter: Meter,
}

/// What is left to do.
enum Phase {
    Flowing,
    /// The stream has ended, and is being settled; then the cut is told, if it was cut.
    Settling(BoxFuture<'static, Result<Settlement, Error>>, Option<Cut>),
    Ended,
}

/// Why a stream was cut, and before what.
struct Cut {
    withheld: u64,
    cause: Error,
}

// No part is pinned in place.
impl<S: Stream, U> Unpin for Metered<S, U> {}

impl<S: Stream, U> Metered<S, U> {
    /// What has been delivered: at most what was [authorised](Self::authorised).
    pub fn delivered(&self) -> Amount {
        self.meter.delivered()
    }

    /// What has been authorised, with all slices so far.
    pub fn authorised(&self) -> Amount {
        self.meter.authorised()
    }

    /// The context of the reservation that is being delivered from.
    pub fn context(&self) -> &Context {
        self.meter.context()
    }

    /// How the last part was settled, once the stream has ended.
    pub fn settlement(&self) -> Option<&Settlement> {
        self.settlement.as_ref()
    }

    /// Drops the stream, inside its context, and begins to settle.
    fn end(&mut self, end: End, cut: Option<Cut>) {
        self.meter.context().within(|| {
            self.withheld = None;
            self.stream = None;
        });
        self.phase = Phase::Settling(self.meter.end(end), cut);
    }
}

impl<S, T, E, U, N> Stream for Metered<S, U>
where
    S: Stream<Item = Result<T, E>>,
    E: From<Error>,
    U: FnMut(&T) -> N,
    N: IntoAmount,
{
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            match &mut this.phase {
                Phase::Ended => return Poll::Ready(None),
                Phase::Settling(settling, cut) => {
                    let Poll::Ready(settlement) = settling.as_mut().poll(waker) else { return Poll::Pending };
                    let cut = cut.take();
                    this.phase = Phase::Ended;
                    this.settlement = settlement.as_ref().ok().cloned();
                    let Some(Cut { withheld, cause }) = cut else {
                        tell(settlement);
                        return Poll::Ready(None);
                    };
                    let cut = StreamCut {
                        delivered: this.meter.delivered(),
                        authorised: this.meter.authorised(),
                        withheld: this.meter.amount(withheld),
                        settlement,
                        cause,
                    };
                    return Poll::Ready(Some(Err(Error::from(Box::new(cut)).into())));
                }
                Phase::Flowing => {}
            }
            if let Some((item, size)) = this.withheld.take() {
                match this.meter.poll_deliver(waker, size) {
                    Poll::Pending => {
                        this.withheld = Some((item, size));
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(())) => {
                        this.has_failed = false;
                        return Poll::Ready(Some(item));
                    }
                    Poll::Ready(Err(cause)) => {
                        drop(item);
                        this.end(End::Cut { withheld: size }, Some(Cut { withheld: size, cause }));
                        continue;
                    }
                }
            }
            this.meter.poll_ahead(waker);
            let Some(stream) = &mut this.stream else { return Poll::Ready(None) };
            match this.meter.context().within(|| stream.as_mut().poll_next(waker)) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => this.end(if this.has_failed { End::Failed } else { End::Complete }, None),
                Poll::Ready(Some(Err(error))) => {
                    this.has_failed = true;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(Some(Ok(item))) => match size(&this.meter, (this.usage)(&item)) {
                    Ok(size) => this.withheld = Some((Ok(item), size)),
                    Err(error) => {
                        this.end(End::Cut { withheld: 0 }, Some(Cut { withheld: 0, cause: error.into() }));
                    }
                },
            }
        }
    }
}

/// What an item costs, in the unit of the reservation.
fn size(meter: &Meter, usage: impl IntoAmount) -> Result<u64, ValidationError> {
    let amount = usage.into_amount(meter.unit())?;
    if amount.unit() == meter.unit() && amount.value() <= MAX_AMOUNT {
        return Ok(amount.value());
    }
    let expected = format!("at most 9223372036854775807 in {}, the unit of the reservation", meter.unit());
    Err(ValidationError::new("usage", amount.to_string(), expected))
}

impl<S: Stream, U> Drop for Metered<S, U> {
    fn drop(&mut self) {
        if let Phase::Flowing = self.phase {
            self.end(if self.has_failed { End::Failed } else { End::Dropped }, None);
        }
    }
}

impl<S: Stream, U> fmt::Debug for Metered<S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metered")
            .field("delivered", &self.meter.delivered())
            .field("authorised", &self.meter.authorised())
            .field("settlement", &self.settlement)
            .finish_non_exhaustive()
    }
}

//! Guarded calls of every kind: they spend, fail, panic and are given up.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use fastrand::Rng;
use runcycles::models::{IdempotencyKey, Subject};
use runcycles::{
    Context, CyclesClient, Error, HeartbeatPolicy, OnUnsettled, Reserve, Scope, UnknownSpend, WithCyclesConfig, tokens,
    with_cycles,
};

use crate::network::Network;

/// The place of a call in the ledger: each call counts in a digit of its own, so that the sum tells how often each was charged.
pub(crate) fn digit(call: usize) -> u64 {
    1 << (3 * call)
}

/// The most calls whose digits fit.
pub(crate) const MOST_CALLS: usize = 18;

/// One guarded call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) number: usize,
    style: Style,
    starts_after: Duration,
    ttl: Duration,
    works_for: Duration,
    /// What it costs, in its digit: 1 to 3.
    cost: u64,
    /// Whether it tells what it has spent while it runs.
    reports: bool,
    ending: Ending,
    /// Whether its budget allows nothing.
    is_denied: bool,
    unknown_spend: UnknownSpend,
    heartbeat: HeartbeatPolicy,
    on_unsettled: OnUnsettled,
    /// When its owner makes it again, with the same key, after giving it up before it ran. Only guards have a key to repeat.
    repeats_after: Option<Duration>,
    pub(crate) gives_up: GivesUp,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Style {
    /// The action tells what it cost.
    Execute,
    /// The action's value tells what it cost.
    WithCycles,
    /// A guard that its owner settles.
    Guard,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Succeeds,
    Fails,
    Panics,
}

/// When the owner of a call drops its future.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GivesUp {
    Never,
    /// In place of this poll, from zero.
    AtPoll(usize),
    /// Right after this poll, from zero, while what it waits for goes on.
    AfterPoll(usize),
    /// After a time.
    After(Duration),
}

impl Call {
    pub(crate) fn draw(number: usize, rng: &mut Rng) -> Self {
        let works_for = match rng.u32(..4) {
            0 => Duration::ZERO,
            1 => Duration::from_millis(rng.u64(..2_000)),
            _ => Duration::from_millis(rng.u64(..150_000)),
        };
        Self {
            number,
            style: [Style::Execute, Style::WithCycles, Style::Guard][rng.usize(..3)],
            starts_after: Duration::from_millis(if rng.bool() { 0 } else { rng.u64(..30_000) }),
            ttl: Duration::from_secs([1, 5, 10, 30, 60][rng.usize(..5)]),
            works_for,
            cost: rng.u64(1..4),
            reports: rng.bool(),
            ending: match rng.u32(..6) {
                0 => Ending::Panics,
                1 | 2 => Ending::Fails,
                _ => Ending::Succeeds,
            },
            is_denied: rng.u32(..10) == 0,
            unknown_spend: [UnknownSpend::Release, UnknownSpend::ChargeEstimate, UnknownSpend::Hold][rng.usize(..3)],
            heartbeat: [HeartbeatPolicy::Warn, HeartbeatPolicy::FailOnFinalize, HeartbeatPolicy::Cancel]
                [rng.usize(..3)],
            on_unsettled: [OnUnsettled::Value, OnUnsettled::Error][rng.usize(..2)],
            repeats_after: rng.bool().then(|| Duration::from_millis(rng.u64(..20_000) * rng.u64(..2))),
            gives_up: match rng.u32(..5) {
                0 => GivesUp::AtPoll(rng.usize(..24)),
                1 => GivesUp::AfterPoll(rng.usize(..24)),
                2 => GivesUp::After(Duration::from_millis(rng.u64(..200_000))),
                _ => GivesUp::Never,
            },
        }
    }

    fn amount(&self) -> u64 {
        self.cost * digit(self.number)
    }

    fn estimate(&self) -> u64 {
        2 * digit(self.number)
    }

    /// Makes the call, and checks what its caller gets.
    pub(crate) async fn make(self, client: CyclesClient, network: Network, process: usize) {
        tokio::time::sleep(self.starts_after).await;
        let ran = Arc::new(AtomicBool::new(false));
        let running = || Running {
            call: self.clone(),
            network: network.clone(),
            process,
            ran: Arc::clone(&ran),
            name: None,
            knows: false,
        };
        let (client_again, running_again, running) = (client.clone(), running(), running());
        let made: Pin<Box<dyn Future<Output = Result<usize, Error>> + Send>> = match self.style {
            Style::Execute => Box::pin(execute(client, running)),
            Style::WithCycles => Box::pin(with_value(client, running)),
            Style::Guard => Box::pin(guard(client, running)),
        };
        let mut result = match self.gives_up {
            GivesUp::Never => Some(made.await),
            GivesUp::AtPoll(polls) => UntilPoll { future: Some(made), polls, lasts: false }.await,
            GivesUp::AfterPoll(polls) => UntilPoll { future: Some(made), polls, lasts: true }.await,
            GivesUp::After(time) => tokio::time::timeout(time, made).await.ok(),
        };
        let again = self.repeats_after.filter(|_| result.is_none() && self.style == Style::Guard);
        if let Some(after) = again.filter(|_| !ran.load(Ordering::Relaxed)) {
            tokio::time::sleep(after).await;
            result = Some(guard(client_again, running_again).await);
        }
        let ran = ran.load(Ordering::Relaxed);
        let problem = match &result {
            None => {
                network.judge().counts.cancellations += 1;
                None
            }
            Some(Ok(value)) => {
                (*value != self.number || !ran || self.ending != Ending::Succeeds).then_some("another value")
            }
            Some(Err(Error::Action(_))) => (!ran || self.ending != Ending::Fails).then_some("another error"),
            Some(Err(Error::LeaseLost { .. })) => {
                (!ran || self.heartbeat == HeartbeatPolicy::Warn).then_some("no value")
            }
            Some(Err(Error::Unsettled { .. })) => {
                (!ran || self.on_unsettled == OnUnsettled::Value || self.ending != Ending::Succeeds)
                    .then_some("no value")
            }
            Some(Err(_)) => ran.then_some("an error that is not the action's"),
        };
        if let Some(problem) = problem {
            network.judge().broken(format!("call {} gets {problem}: {result:?}", self.number));
        }
        if ran && self.is_denied {
            network.judge().broken(format!("call {} runs although its budget allows nothing", self.number));
        }
    }
}

/// The action of a call, which tells the judge what it knows.
struct Running {
    call: Call,
    network: Network,
    process: usize,
    ran: Arc<AtomicBool>,
    name: Option<String>,
    /// Whether anything is known of what it has spent.
    knows: bool,
}

impl Running {
    /// From here on it is known what it has spent.
    fn knows(&mut self, amount: u64) {
        self.knows = true;
        if let Some(name) = &self.name {
            self.network.judge().knows(name, amount);
        }
    }

    /// Works, and may spend, fail and panic.
    async fn work(&mut self, reservation: String, mut report: impl FnMut(u64) + Send) -> Result<usize, Error> {
        self.ran.store(true, Ordering::Relaxed);
        self.name = Some(reservation.clone());
        self.network.judge().runs(&reservation);
        let Call { works_for, reports, ending, number, .. } = self.call;
        tokio::time::sleep(works_for / 2).await;
        if reports {
            report(self.call.amount());
            self.knows(self.call.amount());
        }
        tokio::time::sleep(works_for / 2).await;
        match ending {
            Ending::Succeeds => Ok(number),
            Ending::Fails => Err(Error::Action("the tool broke".into())),
            Ending::Panics => std::panic::resume_unwind(Box::new("the tool panicked")),
        }
    }
}

impl Drop for Running {
    /// The action is over, whichever way, and its guard goes with it.
    fn drop(&mut self) {
        if self.call.unknown_spend == UnknownSpend::ChargeEstimate && !self.knows {
            self.knows(self.call.estimate());
        }
        if let Some(name) = self.name.take() {
            let now_ms = self.network.clock.now_ms();
            self.network.judge().ended(self.process, &name, now_ms);
        }
    }
}

/// What is reserved.
fn scope(call: &Call) -> Subject {
    Scope::agent(if call.is_denied { "poor" } else { "rich" })
}

fn config(call: &Call) -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(call.estimate()))
        .action("tool.call", format!("call-{}", call.number))
        .subject(scope(call))
        .ttl(call.ttl)
        .unknown_spend(call.unknown_spend)
        .heartbeat(call.heartbeat)
        .on_unsettled(call.on_unsettled)
}

/// An action that tells what it cost, or leaves it at the estimate.
async fn execute(client: CyclesClient, mut running: Running) -> Result<usize, Error> {
    let config = config(&running.call);
    client
        .execute(config, |context: Context| async move {
            let reservation = context.reservation_id().to_string();
            let report = |amount| context.record_usage(&tokens(amount)).expect("the reservation's unit");
            let result = running.work(reservation, report).await;
            if result.is_ok() && !running.knows {
                // Nothing was said: the estimate is what is known.
                running.knows(running.call.estimate());
            }
            result
        })
        .await
}

/// An action whose value tells what it cost.
async fn with_value(client: CyclesClient, mut running: Running) -> Result<usize, Error> {
    let config = config(&running.call);
    with_cycles(&client, config, |context: Context| async move {
        let reservation = context.reservation_id().to_string();
        let report = |amount| context.record_usage(&tokens(amount)).expect("the reservation's unit");
        match running.work(reservation, report).await {
            Ok(value) => {
                running.knows(running.call.amount());
                Ok((value, tokens(running.call.amount())))
            }
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// A guard that is committed, released or dropped.
async fn guard(client: CyclesClient, mut running: Running) -> Result<usize, Error> {
    let call = running.call.clone();
    let request = Reserve::new("tool.call", format!("call-{}", call.number)).estimate(tokens(call.estimate()));
    let key = IdempotencyKey::new(format!("call-{}", call.number)).expect("a key");
    let guard = client.reserve(request.subject(scope(&call)).ttl(call.ttl).idempotency_key(key)).await?;
    let reservation = guard.reservation_id().to_string();
    // A guard by itself has nothing to report on, and its owner no policies.
    (running.call.reports, running.call.unknown_spend) = (false, UnknownSpend::Release);
    let result = running.work(reservation, |_| ()).await;
    match &result {
        Ok(_) => {
            running.knows(call.amount());
            // Its outcome is its caller's own business; whatever it is, the value is.
            drop(guard.commit(tokens(call.amount())).await);
        }
        Err(_) if call.reports => drop(guard),
        Err(_) => drop(guard.release("the tool broke").await),
    }
    result
}

/// A future that is dropped in place of one of its polls, or right after it.
struct UntilPoll<F> {
    future: Option<F>,
    polls: usize,
    /// Whether it has this last poll.
    lasts: bool,
}

impl<F: Future + Unpin> Future for UntilPoll<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let is_last = self.polls == 0;
        self.polls = self.polls.saturating_sub(1);
        let polls = !is_last || self.lasts;
        let polled = match self.future.as_mut().filter(|_| polls) {
            Some(future) => Pin::new(future).poll(cx).map(Some),
            None => Poll::Ready(None),
        };
        if is_last && polled.is_pending() { Poll::Ready(None) } else { polled }
    }
}

impl Call {
    /// The same call, given up then.
    pub(crate) fn given_up(self, gives_up: GivesUp) -> Self {
        Self { gives_up, ..self }
    }
}

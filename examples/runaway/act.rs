//! One run of the agent, with or without a budget, from its start to whatever stops it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use runcycles::models::{Amount, Balance};
use runcycles::{CyclesClient, Error, Mode};
use runcycles_examples::budgets;
use tokio::time::{Instant, MissedTickBehavior};

use super::agent::agent;
use super::model::Model;
use super::progress::{Progress, Seen};
use super::view::{Moment, Viewer};

/// How fast the world is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How long the model thinks.
    pub(crate) latency: Duration,
    /// When somebody pulls the plug of an agent that nothing else stops.
    pub(crate) patience: Duration,
}

impl Pace {
    /// As in a demo for an audience.
    pub(crate) const NORMAL: Self = Self { latency: Duration::from_millis(50), patience: Duration::from_secs(30) };
    /// As in a recording.
    pub(crate) const FAST: Self = Self { latency: Duration::from_millis(11), patience: Duration::from_secs(12) };
}

/// Why a run ended.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The answer was good enough.
    Quality,
    /// The budget said no: an HTTP status and a code.
    Budget(u16, String),
    /// Nothing stopped it, so the demo did.
    Patience(Duration),
    /// Ctrl-C.
    Interrupt,
    /// Anything else.
    Failure(Error),
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) is_guarded: bool,
    /// Calls that reached the model.
    pub(crate) model_calls: u64,
    /// What the authority has charged; without one, what these calls cost.
    pub(crate) spent: Amount,
    pub(crate) elapsed: Duration,
    pub(crate) stop: Stop,
    /// The budgets in the end.
    pub(crate) ledger: Vec<Balance>,
    /// What the agent told.
    pub(crate) seen: Seen,
}

/// Runs the agent under a client until something stops it.
pub(crate) async fn act(client: &CyclesClient, pace: Pace, seed: u64, viewer: &mut Viewer) -> Outcome {
    let is_guarded = client.config().mode != Mode::Off;
    let model = Arc::new(Model::new(pace.latency, seed));
    let progress = Arc::new(Progress::begin());
    let began = Instant::now();
    // In a task of its own, so that drawing never makes it wait.
    let mut running = {
        let (client, model, progress) = (client.clone(), Arc::clone(&model), Arc::clone(&progress));
        tokio::spawn(async move { client.run(agent(&model, &progress)).await })
    };
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // Once, so that no signal falls between two of them.
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut ledger = Vec::new();
    let stop = loop {
        tokio::select! {
            ended = &mut running => break match ended {
                Ok(Ok(_)) => Stop::Quality,
                Ok(Err(error @ Error::BudgetExceeded { .. })) => {
                    let code = error.code().map(ToString::to_string).unwrap_or_default();
                    Stop::Budget(error.status().unwrap_or_default(), code)
                }
                Ok(Err(error)) => Stop::Failure(error),
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            },
            () = tokio::time::sleep_until(began + pace.patience), if !is_guarded => break Stop::Patience(pace.patience),
            _ = &mut interrupt => break Stop::Interrupt,
            _ = ticks.tick() => {
                glance(client, is_guarded, &mut ledger).await;
                viewer.show(&Moment { is_guarded, seen: progress.look(), ledger: &ledger, stop: None });
            }
        }
    };
    running.abort();
    let elapsed = began.elapsed();
    // What was interrupted gives its hold back.
    client.flush(Duration::from_secs(2)).await;
    glance(client, is_guarded, &mut ledger).await;
    let told = progress.look();
    let charged = ledger.first().and_then(|budget| budget.spent.clone());
    let spent = charged.unwrap_or_else(|| Amount::usd_microcents(told.charged()));
    viewer.show(&Moment { is_guarded, seen: told.clone(), ledger: &ledger, stop: Some(&stop) });
    Outcome { is_guarded, model_calls: model.calls(), spent, elapsed, stop, ledger, seen: told }
}

/// Brings the budgets up to what the authority has, outermost first. A glance that fails leaves the picture as it is.
async fn glance(client: &CyclesClient, is_guarded: bool, ledger: &mut Vec<Balance>) {
    if !is_guarded {
        return;
    }
    if let Ok(mut budgets) = budgets(client).await {
        budgets.retain(|budget| super::SCOPES.contains(&budget.scope_path.as_str()));
        budgets.sort_by_key(|budget| budget.scope_path.len());
        *ledger = budgets;
    }
}

//! Runs checks, several at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::check::{Check, Effect};
use super::checks::SECTIONS;
use super::options::Options;
use super::report::{Entry, Outcome, Report};
use super::scene::{Scene, SetUpError};
use super::target::Target;
use super::wire::{Failure, Stop};

/// Runs the checks that the options select against a server.
///
/// Checks are independent: each makes its own budgets below tenants made for the run, so a shared server does no harm.
///
/// # Errors
///
/// [`SetUpError`] where the options select nothing, or the tenants of the run could not be made or their keys do not work;
/// nothing was checked then.
pub async fn run(target: &Target, options: Options) -> Result<Report, SetUpError> {
    let started = Instant::now();
    let mut selected = Vec::new();
    for section in SECTIONS {
        for check in section.checks {
            if options.selects(check.id, check.level) {
                selected.push((section.title, *check));
            }
        }
    }
    if selected.is_empty() {
        return Err(SetUpError::NothingSelected);
    }
    let scene = Arc::new(Scene::open(target, options.seed, options.rounds).await?);
    // Where time is moved for all at once, what moves it runs by itself, after the others; so does what restarts the server.
    let disturbs = |check: &Check| match check.effect {
        Effect::Nothing => false,
        Effect::Waits => target.time.is_moved(),
        Effect::Restarts => true,
    };
    let (alone, together): (Vec<_>, Vec<_>) = selected.iter().enumerate().partition(|(_, (_, check))| disturbs(check));
    let mut outcomes: Vec<_> = selected.iter().map(|_| None).collect();
    for (checks, at_once) in [(together, options.concurrency), (alone, 1)] {
        let queue = checks.into_iter().map(|(index, (_, check))| (index, *check)).collect();
        for (index, outcome, elapsed) in run_all(&scene, queue, at_once).await {
            outcomes[index] = Some((outcome, elapsed));
        }
    }
    let entries = selected.into_iter().zip(outcomes).map(|((section, check), outcome)| {
        let (outcome, elapsed) = outcome.unwrap_or_else(|| (panicked(), Duration::ZERO));
        Entry { id: check.id, level: check.level, section, title: check.title, outcome, elapsed }
    });
    Ok(Report {
        base_url: target.runtime.base_url().to_owned(),
        seed: options.seed,
        entries: entries.collect(),
        elapsed: started.elapsed(),
    })
}

async fn run_all(
    scene: &Arc<Scene>,
    mut queue: VecDeque<(usize, Check)>,
    at_once: usize,
) -> Vec<(usize, Outcome, Duration)> {
    let mut running = JoinSet::new();
    let mut finished = Vec::new();
    loop {
        while running.len() < at_once
            && let Some((index, check)) = queue.pop_front()
        {
            let scene = Arc::clone(scene);
            running.spawn(async move {
                let started = Instant::now();
                let outcome = match (check.run)(&scene).await {
                    Ok(()) => Outcome::Passed,
                    Err(Stop::Skipped(reason)) => Outcome::Skipped(reason),
                    Err(Stop::Failed(failure)) => Outcome::Failed(*failure),
                };
                (index, outcome, started.elapsed())
            });
        }
        match running.join_next().await {
            Some(Ok(outcome)) => finished.push(outcome),
            // A check that panicked has no outcome, which is told of it.
            Some(Err(_)) => {}
            None => return finished,
        }
    }
}

fn panicked() -> Outcome {
    Outcome::Failed(Failure {
        request: "the check itself".to_owned(),
        expected: "an outcome".to_owned(),
        found: "a panic: please report it".to_owned(),
    })
}

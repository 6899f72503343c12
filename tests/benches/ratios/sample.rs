//! What one caller was seen to do in one round.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::usage::Usage;
use crate::load::{Caller, Measurement};

/// What calls took, each on average unless said otherwise.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Sample {
    /// The median, in microseconds; zero where calls overlapped.
    pub(crate) p50: f64,
    /// Processor time, in microseconds.
    pub(crate) cpu: f64,
    /// Context switches that the process asked for.
    pub(crate) switches: f64,
    /// Calls a second.
    pub(crate) rate: f64,
    /// How late a timer of two milliseconds was beside the calls, in milliseconds: the median and the 99th of a hundred.
    pub(crate) lag: (f64, f64),
}

/// Calls one after the other.
#[derive(Clone, Copy)]
pub(crate) struct OneAtATime {
    pub(crate) calls: u32,
}

/// Calls that overlap.
#[derive(Clone, Copy)]
pub(crate) struct ManyAtATime {
    pub(crate) calls: u32,
    pub(crate) width: u32,
}

/// A timer beside calls that overlap.
#[derive(Clone, Copy)]
pub(crate) struct Lag {
    pub(crate) ticks: u32,
    pub(crate) width: u32,
}

impl Measurement for OneAtATime {
    type Measured = Sample;

    fn measure(self, runtime: &Runtime, caller: impl Caller) -> Sample {
        // In a task, as agents run, and as the one that drives the connection does: a thread outside of the runtime's has to be
        // woken up for every answer.
        let calls = runtime.spawn(async move {
            for _ in 0..self.calls / 10 {
                caller.call().await;
            }
            let mut taken = Vec::with_capacity(self.calls as usize);
            let before = Usage::now();
            let start = Instant::now();
            for _ in 0..self.calls {
                let start = Instant::now();
                caller.call().await;
                taken.push(start.elapsed());
            }
            let all = start.elapsed();
            let p50 = at(&mut taken, 50);
            Sample { p50: microseconds(p50), ..Sample::of(self.calls, Usage::now() - before, all) }
        });
        runtime.block_on(calls).expect("calls that do not panic")
    }
}

impl Measurement for ManyAtATime {
    type Measured = Sample;

    fn measure(self, runtime: &Runtime, caller: impl Caller) -> Sample {
        runtime.block_on(async {
            overlapping(&caller, self.width, self.calls / 10).await;
            let before = Usage::now();
            let start = Instant::now();
            overlapping(&caller, self.width, self.calls).await;
            let all = start.elapsed();
            Sample::of(self.calls, Usage::now() - before, all)
        })
    }
}

impl Measurement for Lag {
    type Measured = Sample;

    fn measure(self, runtime: &Runtime, caller: impl Caller) -> Sample {
        const TICK: Duration = Duration::from_millis(2);
        runtime.block_on(async {
            overlapping(&caller, self.width, self.width * 4).await;
            let mut callers: JoinSet<()> = (0..self.width)
                .map(|_| {
                    let caller = caller.clone();
                    async move {
                        loop {
                            caller.call().await;
                        }
                    }
                })
                .collect();
            let mut late = Vec::with_capacity(self.ticks as usize);
            for _ in 0..self.ticks {
                let start = Instant::now();
                tokio::time::sleep(TICK).await;
                late.push(start.elapsed().saturating_sub(TICK));
            }
            callers.shutdown().await;
            let milliseconds = |percent| at(&mut late.clone(), percent).as_secs_f64() * 1e3;
            Sample { lag: (milliseconds(50), milliseconds(99)), ..Sample::default() }
        })
    }
}

impl Sample {
    fn of(calls: u32, used: Usage, all: Duration) -> Self {
        let calls = f64::from(calls);
        Self {
            cpu: microseconds(used.cpu) / calls,
            switches: used.switches as f64 / calls,
            rate: calls / all.as_secs_f64(),
            ..Self::default()
        }
    }
}

async fn overlapping(caller: &impl Caller, width: u32, calls: u32) {
    let each = calls / width;
    let callers: JoinSet<()> = (0..width)
        .map(|_| {
            let caller = caller.clone();
            async move {
                for _ in 0..each {
                    caller.call().await;
                }
            }
        })
        .collect();
    callers.join_all().await;
}

fn at(taken: &mut [Duration], percent: usize) -> Duration {
    taken.sort_unstable();
    taken[(taken.len() * percent / 100).min(taken.len() - 1)]
}

fn microseconds(taken: Duration) -> f64 {
    taken.as_secs_f64() * 1e6
}

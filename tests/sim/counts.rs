//! What was simulated, in numbers.

use std::fmt;
use std::ops::Add;

/// What was simulated.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: usize,
    pub(crate) faults: usize,
    pub(crate) disk_faults: usize,
    pub(crate) steps: usize,
    pub(crate) crashes: usize,
    pub(crate) cancellations: usize,
    pub(crate) calls: usize,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            faults: self.faults + other.faults,
            disk_faults: self.disk_faults + other.disk_faults,
            steps: self.steps + other.steps,
            crashes: self.crashes + other.crashes,
            cancellations: self.cancellations + other.cancellations,
            calls: self.calls + other.calls,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, faults, disk_faults, steps, crashes, cancellations, calls } = self;
        write!(f, "{calls} calls, {cancellations} given up; {requests} requests, {faults} with a fault; ")?;
        write!(f, "{steps} steps into the world, {disk_faults} that the disk failed; {crashes} crashes")
    }
}

//! What this process has used of the machine.

use std::fs;
use std::ops::Sub;
use std::path::Path;
use std::time::Duration;

/// Processor time and context switches of all threads that live.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    /// Those that a thread asked for by waiting.
    pub(crate) switches: u64,
}

impl Usage {
    /// Until now; nothing where the operating system does not tell.
    pub(crate) fn now() -> Self {
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        threads.map(|thread| Self::of(&thread.path())).fold(Self::default(), |sum, thread| Self {
            cpu: sum.cpu + thread.cpu,
            switches: sum.switches + thread.switches,
        })
    }

    fn of(thread: &Path) -> Self {
        let read = |name: &str| fs::read_to_string(thread.join(name)).unwrap_or_default();
        let nanoseconds = read("schedstat").split_whitespace().next().and_then(|number| number.parse().ok());
        let status = read("status");
        let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        Self {
            cpu: Duration::from_nanos(nanoseconds.unwrap_or_default()),
            switches: switches.and_then(|number| number.trim().parse().ok()).unwrap_or_default(),
        }
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(before.cpu), switches: self.switches.saturating_sub(before.switches) }
    }
}

/// The memory of this process that is in use, in bytes.
pub(crate) fn resident_bytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() * 1024.0
}

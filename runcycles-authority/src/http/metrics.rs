//! Counts of requests, as Prometheus reads them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::engine::RowCounts;
use crate::faults::Call;

/// Operations by the name of their label; the last is for everything else.
const OPERATIONS: [&str; 11] = [
    "reserve",
    "commit",
    "release",
    "extend",
    "decide",
    "event",
    "get_reservation",
    "list_reservations",
    "balances",
    "admin",
    "other",
];

/// Statuses that are counted by themselves; the last is for everything else.
const STATUSES: [u16; 14] = [200, 201, 400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 429, 500];

/// The upper ends of the buckets of durations, in microseconds.
const BUCKETS: [u64; 8] = [5, 10, 25, 50, 100, 1_000, 10_000, 100_000];

/// Counters that many threads add to.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    requests: [[AtomicU64; STATUSES.len()]; OPERATIONS.len()],
    /// Requests by how long they took, not cumulated; the last bucket has no end.
    durations: [AtomicU64; BUCKETS.len() + 1],
    total_ns: AtomicU64,
}

impl Metrics {
    /// Counts a request of the runtime plane, or another by its path.
    pub(super) fn count(&self, call: Option<Call>, path: &str, status: StatusCode, took: Duration) {
        let operation = operation_index(call, path);
        let status = STATUSES.iter().position(|known| *known == status.as_u16()).unwrap_or(STATUSES.len() - 1);
        self.requests[operation][status].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.iter().position(|end| nanos <= end * 1_000).unwrap_or(BUCKETS.len());
        self.durations[bucket].fetch_add(1, Ordering::Relaxed);
        self.total_ns.fetch_add(nanos, Ordering::Relaxed);
    }

    /// The exposition format, version 0.0.4.
    pub(super) fn write(&self, rows: RowCounts) -> Bytes {
        let mut text = String::with_capacity(4096);
        // Writing to a string cannot fail.
        let _ = self.write_to(&mut text, rows);
        text.into()
    }

    fn write_to(&self, text: &mut String, rows: RowCounts) -> std::fmt::Result {
        text.push_str("# HELP cycles_requests_total Requests by operation and status.\n");
        text.push_str("# TYPE cycles_requests_total counter\n");
        for (operation, statuses) in OPERATIONS.iter().zip(&self.requests) {
            for (status, count) in STATUSES.iter().zip(statuses) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    writeln!(text, "cycles_requests_total{{operation=\"{operation}\",status=\"{status}\"}} {count}")?;
                }
            }
        }
        text.push_str("# HELP cycles_request_duration_seconds Time from a complete request to its answer.\n");
        text.push_str("# TYPE cycles_request_duration_seconds histogram\n");
        let mut total = 0;
        for (at, count) in self.durations.iter().enumerate() {
            total += count.load(Ordering::Relaxed);
            match BUCKETS.get(at) {
                Some(end) => {
                    let end = Duration::from_micros(*end).as_secs_f64();
                    writeln!(text, "cycles_request_duration_seconds_bucket{{le=\"{end}\"}} {total}")?;
                }
                None => writeln!(text, "cycles_request_duration_seconds_bucket{{le=\"+Inf\"}} {total}")?,
            }
        }
        let sum = Duration::from_nanos(self.total_ns.load(Ordering::Relaxed)).as_secs_f64();
        writeln!(text, "cycles_request_duration_seconds_sum {sum}")?;
        writeln!(text, "cycles_request_duration_seconds_count {total}")?;
        let gauges = [
            ("cycles_tenants", "Tenants.", rows.tenants),
            ("cycles_ledgers", "Budgets.", rows.ledgers),
            ("cycles_reservations", "Reservations that can be read.", rows.reservations),
            ("cycles_live_reservations", "Reservations that hold budget.", rows.live_reservations),
        ];
        for (name, help, value) in gauges {
            writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}")?;
        }
        Ok(())
    }
}

fn operation_index(call: Option<Call>, path: &str) -> usize {
    match call {
        Some(Call::Reserve) => 0,
        Some(Call::Commit) => 1,
        Some(Call::Release) => 2,
        Some(Call::Extend) => 3,
        Some(Call::Decide) => 4,
        Some(Call::Event) => 5,
        Some(Call::GetReservation) => 6,
        Some(Call::ListReservations) => 7,
        Some(Call::Balances) => 8,
        None if super::admin::is_admin_path(path) => 9,
        None => 10,
    }
}

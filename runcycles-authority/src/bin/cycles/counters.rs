//! What a server counts, where it tells.

use std::time::Duration;

/// Counters of an embedded authority, since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Reservations that were granted.
    pub(crate) allowed: u64,
    /// Those that were denied.
    pub(crate) denied: u64,
    pub(crate) committed: u64,
    pub(crate) released: u64,
    /// Spend that was recorded after the fact.
    pub(crate) events: u64,
    /// Reservations that hold budget and wait for their settlement.
    pub(crate) in_flight: u64,
}

impl Counters {
    /// Asks a server; `None` where it has no such page, or another one.
    pub(crate) async fn ask(http: &reqwest::Client, url: &str) -> Option<Self> {
        let request = http.get(format!("{}/metrics", url.trim_end_matches('/'))).timeout(Duration::from_secs(2));
        let answer = request.send().await.ok()?.error_for_status().ok()?;
        Self::parse(&answer.text().await.ok()?)
    }

    /// Reads the exposition format of Prometheus.
    fn parse(text: &str) -> Option<Self> {
        let count = |operation: &str, status: &str| {
            let name = format!("cycles_requests_total{{operation=\"{operation}\",status=\"{status}\"}} ");
            text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or(0)
        };
        let in_flight = text.lines().find_map(|line| line.strip_prefix("cycles_live_reservations ")?.parse().ok())?;
        Some(Self {
            allowed: count("reserve", "200"),
            denied: count("reserve", "409"),
            committed: count("commit", "200"),
            released: count("release", "200"),
            events: count("event", "201"),
            in_flight,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Counters;

    #[test]
    fn counters_are_read_and_another_page_is_not() {
        let page = "# TYPE cycles_requests_total counter\n\
            cycles_requests_total{operation=\"reserve\",status=\"200\"} 100\n\
            cycles_requests_total{operation=\"reserve\",status=\"409\"} 7\n\
            cycles_requests_total{operation=\"commit\",status=\"200\"} 98\n\
            cycles_live_reservations 2\n";
        let expected = Counters { allowed: 100, denied: 7, committed: 98, in_flight: 2, ..Counters::default() };
        assert_eq!(Counters::parse(page), Some(expected));
        assert_eq!(Counters::parse("<html>not here</html>"), None);
    }
}

//! What a tripwire has seen.

use std::collections::BTreeMap;
use std::fmt;

use super::Counted;
use super::origin::origin;

/// What a [`Tripwire`](super::Tripwire) has seen so far. Its text is for people.
#[derive(Clone, Debug)]
pub struct TripwireReport {
    refuses: bool,
    hosts: Vec<HostCalls>,
}

/// The calls to one host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostCalls {
    /// The host, in small letters.
    pub host: String,
    /// All calls.
    pub seen: u64,
    /// Those outside of any guarded call.
    pub unguarded: u64,
    /// The function that the first of those came from, with its place where the program has debug information; absent where it
    /// has no symbols.
    pub first_from: Option<String>,
}

impl TripwireReport {
    pub(super) fn new(refuses: bool, counted: BTreeMap<String, Counted>) -> Self {
        let hosts = counted.into_iter().map(|(host, Counted { seen, unguarded, first })| HostCalls {
            host,
            seen,
            unguarded,
            first_from: first.and_then(|first| origin(&first)),
        });
        let mut hosts: Vec<_> = hosts.collect();
        hosts.sort_by(|one, other| other.unguarded.cmp(&one.unguarded).then_with(|| one.host.cmp(&other.host)));
        Self { refuses, hosts }
    }

    /// The hosts that were called, those with the most unguarded calls first.
    pub fn hosts(&self) -> &[HostCalls] {
        &self.hosts
    }

    /// All calls.
    pub fn seen(&self) -> u64 {
        self.hosts.iter().map(|host| host.seen).sum()
    }

    /// All calls outside of any guarded call.
    pub fn unguarded(&self) -> u64 {
        self.hosts.iter().map(|host| host.unguarded).sum()
    }
}

impl fmt::Display for TripwireReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hosts.is_empty() {
            return writeln!(f, "no calls to model providers were seen");
        }
        let became = if self.refuses { "refused" } else { "made" };
        for HostCalls { host, seen, unguarded, first_from } in &self.hosts {
            if *unguarded == 0 {
                writeln!(f, "all calls to {host} were guarded: {seen}")?;
                continue;
            }
            write!(f, "{unguarded} of {seen} calls to {host} were {became} outside of any guarded call")?;
            match first_from {
                Some(place) => writeln!(f, ", first from {place}")?,
                None => f.write_str("\n")?,
            }
        }
        Ok(())
    }
}

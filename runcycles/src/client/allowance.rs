//! What may be spent while the authority cannot be reached.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::duration::parse_duration;
use crate::error::ConfigError;
use crate::protocol::{Amount, AmountError, Unit};

/// What becomes of guarded calls while the authority cannot be reached: no answer, or a server error, to both attempts of a
/// reservation. A denial, a refused key and an answer that makes no sense are none of that.
///
/// ```
/// use std::time::Duration;
///
/// use runcycles::{Allowance, CyclesClient, OnUnavailable, tokens, usd};
///
/// // Five dollars and a million tokens an hour; calls in other units are denied.
/// let allowance = Allowance::new(usd!(5), Duration::from_secs(3_600)).and(tokens(1_000_000));
/// let client = CyclesClient::builder("cyc_live_example", "https://cycles.example.com")
///     .on_unavailable(OnUnavailable::Allow(allowance))
///     .build();
/// # drop(client);
/// assert_eq!("$5 per 1h".parse(), Ok(OnUnavailable::allow(usd!(5), Duration::from_secs(3_600))));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnUnavailable {
    /// They do not run, and return the error.
    #[default]
    Deny,
    /// They run as long as their estimates fit into an allowance. What they cost is kept in the journal, and recorded by events
    /// when the authority is back; spend of theirs is known once they end, and is lost where the process ends before. Calls beyond the
    /// allowance do not run, and return [`Error::AllowanceExhausted`](crate::Error::AllowanceExhausted).
    ///
    /// Streams never run by it, since they may cost more than they estimate, and neither do guards made by hand. Conditions of a
    /// call that only the authority can answer, levels that must have a budget and tiers, are not checked.
    Allow(Allowance),
}

/// What a process may spend in a time without the authority: an amount for each unit that it may be in.
///
/// A time begins with the first call that needs it. Estimates count until a call ends, and then what it cost. Each process
/// and each client has an allowance of its own, and a new process begins a new time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    limits: Vec<Amount>,
    window: Duration,
}

impl OnUnavailable {
    /// Lets calls run that cost up to an amount in a time.
    pub fn allow(limit: Amount, window: Duration) -> Self {
        Self::Allow(Allowance::new(limit, window))
    }

    pub(crate) fn allowance(&self) -> Option<&Allowance> {
        match self {
            Self::Deny => None,
            Self::Allow(allowance) => Some(allowance),
        }
    }
}

impl Allowance {
    /// An allowance of an amount in a time.
    pub fn new(limit: Amount, window: Duration) -> Self {
        Self { limits: vec![limit], window }
    }

    /// The same with an amount in another unit; in the same unit, it takes the earlier one's place.
    pub fn and(mut self, limit: Amount) -> Self {
        self.limits.retain(|other| other.unit() != limit.unit());
        self.limits.push(limit);
        self
    }

    /// What may be spent in a unit; nothing where the allowance does not name it.
    pub fn limit(&self, unit: &Unit) -> Amount {
        let limit = self.limits.iter().find(|limit| limit.unit() == unit);
        limit.cloned().unwrap_or_else(|| Amount::new(unit.clone(), 0))
    }

    /// The time it is for.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// Checks what can never work.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.window.is_zero() {
            let cure = "name the time that the allowance is for, such as an hour";
            return Err(ConfigError::new("on_unavailable", "the time of its allowance is zero", cure));
        }
        Ok(())
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, limit) in self.limits.iter().enumerate() {
            write!(f, "{}{limit}", if at == 0 { "" } else { ", " })?;
        }
        write!(f, " per {:?}", self.window)
    }
}

/// Reads `deny`, or an allowance such as `$5 per 1h` or `$5, 100_000 tokens per 60s`.
impl FromStr for OnUnavailable {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let wrong = |problem: String| {
            ConfigError::new("on_unavailable", problem, "write deny, or an allowance such as $5, 100_000 tokens per 1h")
        };
        let text = text.trim();
        if ["deny", "off", "false", "no", "0"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Ok(Self::Deny);
        }
        let Some((limits, window)) = text.rsplit_once(" per ") else {
            return Err(wrong(format!("{text:?} is no allowance, which names the time that it is for")));
        };
        let Some((window, false)) = parse_duration(window) else {
            return Err(wrong(format!("{:?} is no time with a unit", window.trim())));
        };
        let mut allowance = Allowance { limits: Vec::new(), window };
        for limit in limits.split(',') {
            let limit: Amount = limit.parse().map_err(|error: AmountError| wrong(error.to_string()))?;
            if allowance.limits.iter().any(|other| other.unit() == limit.unit()) {
                return Err(wrong(format!("{text:?} names {} twice", limit.unit())));
            }
            allowance.limits.push(limit);
        }
        allowance.validate()?;
        Ok(Self::Allow(allowance))
    }
}

/// What a client has spent of its allowance, and whether something waits for the authority to be back.
#[derive(Debug, Default)]
pub(crate) struct AllowanceUse {
    /// A lock because calls begin and end on any thread; held for a few additions.
    window: Mutex<Option<Window>>,
    is_out_of_reach: AtomicBool,
}

/// What was taken since a time began.
#[derive(Debug)]
struct Window {
    began: Instant,
    taken: Vec<(Unit, u64)>,
}

/// What a call took of an allowance.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    amount: Amount,
    /// When the time began that it was taken in.
    began: Instant,
}

impl AllowanceUse {
    /// Takes an amount, or says what is left of its unit.
    pub(crate) fn take(&self, allowance: &Allowance, amount: &Amount) -> Result<Taken, Amount> {
        let now = Instant::now();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let window = match &mut *window {
            Some(window) if now.duration_since(window.began) < allowance.window => window,
            over => over.insert(Window { began: now, taken: Vec::new() }),
        };
        let limit = allowance.limit(amount.unit()).value();
        let taken = window.taken_in(amount.unit());
        let left = limit.saturating_sub(*taken);
        // Exactly used up, calls that cost nothing still run; beyond that, none do.
        if amount.value() > left || *taken > limit || limit == 0 {
            return Err(Amount::new(amount.unit().clone(), left));
        }
        *taken += amount.value();
        Ok(Taken { amount: amount.clone(), began: window.began })
    }

    /// Counts what a call cost in place of what it took.
    pub(crate) fn settle(&self, taken: &Taken, actual: u64) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = window.as_mut().filter(|window| window.began == taken.began) {
            let counted = window.taken_in(taken.amount.unit());
            *counted = counted.saturating_sub(taken.amount.value()).saturating_add(actual);
        }
    }

    /// Notes that the authority could not be reached.
    pub(crate) fn note_out_of_reach(&self) {
        self.is_out_of_reach.store(true, Ordering::Relaxed);
    }

    /// Notes that the authority has answered, and says whether it could not be reached before.
    pub(crate) fn is_back(&self) -> bool {
        self.is_out_of_reach.swap(false, Ordering::Relaxed)
    }
}

impl Window {
    fn taken_in(&mut self, unit: &Unit) -> &mut u64 {
        let at = self.taken.iter().position(|(known, _)| known == unit).unwrap_or_else(|| {
            self.taken.push((unit.clone(), 0));
            self.taken.len() - 1
        });
        &mut self.taken[at].1
    }
}

//! What enforcement would have done.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use super::row::{Caller, Row};
use crate::protocol::{Amount, Level, MAX_AMOUNT, Subject, Unit};

/// How many lines of each list `Display` shows.
const MOST_LINES: usize = 10;

/// What enforcement would have done to the calls of a scope; [`Budget::shadow_report`](crate::Budget::shadow_report) adds it up.
///
/// Its text begins with the line that is told to whoever decides:
///
/// ```
/// use std::time::Duration;
///
/// use runcycles::{Error, Mode, Scope, WithCyclesConfig, usd};
/// use runcycles_authority::Authority;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let authority = Authority::builder().budget("tenant:acme", usd!(3)).start().await?;
/// let client = authority.client("acme");
/// for _ in 0..4 {
///     let call = WithCyclesConfig::new(usd!(1)).action("agent.run", "triage").mode(Mode::ShadowMetered);
///     client.execute(call, |_| async { Ok::<_, Error>(()) }).await?;
/// }
/// let report = client.budget(Scope::tenant("acme")).shadow_report(Duration::from_secs(3_600));
/// assert!(report.to_string().starts_with("1 call would have been denied. Peak overage: $1.00.\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ShadowReport {
    window: Duration,
    total: Row,
    denials: Vec<ShadowDenial>,
    overages: Vec<ShadowOverage>,
    spend: Vec<ShadowSpend>,
    callers: Vec<ShadowCaller>,
    forgotten: u64,
}

/// Calls that would have been denied for one reason by one budget.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShadowDenial {
    /// The budget that would have said no; absent where neither the authority told it nor its balances showed it.
    pub scope: Option<String>,
    /// The reason, as the authority gave it, such as `BUDGET_EXCEEDED`.
    pub reason: String,
    /// How many calls.
    pub calls: u64,
}

/// How far beyond its allocation a budget would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShadowOverage {
    /// The budget's scope.
    pub scope: String,
    /// How far at most.
    pub peak: Amount,
}

/// What calls in one unit estimated, and what they cost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShadowSpend {
    /// How many calls told what they cost.
    pub calls: u64,
    /// What these calls estimated, all together.
    pub estimated: Amount,
    /// What they cost, all together.
    pub actual: Amount,
}

/// The calls of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShadowCaller {
    /// The subject's levels. Where too many subjects called within an hour, those that came last are counted as their tenant.
    pub subject: Subject,
    /// How many calls.
    pub calls: u64,
    /// How many of them would have been denied.
    pub denied: u64,
    /// The most calls within one minute: a loop that has run away stands out by it.
    pub burst: u64,
}

impl ShadowReport {
    pub(super) fn new(window: Duration, rows: Vec<(Caller, Row)>, forgotten: u64) -> Self {
        let mut total = Row::default();
        let mut spend: BTreeMap<String, (Unit, Row)> = BTreeMap::new();
        let mut overages: BTreeMap<(String, String), (Unit, u64)> = BTreeMap::new();
        let mut callers: HashMap<&Subject, Row> = HashMap::new();
        for (caller, row) in &rows {
            total.add(row);
            spend.entry(caller.unit.to_string()).or_insert_with(|| (caller.unit.clone(), Row::default())).1.add(row);
            callers.entry(&caller.subject).or_default().add(row);
            for (budget, by) in &row.overages {
                let key = (caller.unit.to_string(), budget.clone());
                let most = overages.entry(key).or_insert_with(|| (caller.unit.clone(), 0));
                most.1 = most.1.max(*by);
            }
        }
        let denials = total.denials.iter().map(|((scope, reason), calls)| ShadowDenial {
            scope: scope.clone(),
            reason: reason.clone(),
            calls: *calls,
        });
        let mut denials: Vec<_> = denials.collect();
        denials.sort_by_key(|denial| Reverse(denial.calls));
        let overages =
            overages.into_iter().map(|((_, scope), (unit, by))| ShadowOverage { scope, peak: amount(&unit, by) });
        let mut overages: Vec<_> = overages.collect();
        overages.sort_by_key(|overage| Reverse(overage.peak.value()));
        let spend = spend.into_values().map(|(unit, row)| ShadowSpend {
            calls: row.measured,
            estimated: amount(&unit, row.estimated),
            actual: amount(&unit, row.actual),
        });
        let callers = callers.into_iter().map(|(subject, row)| ShadowCaller {
            subject: subject.clone(),
            calls: row.calls,
            denied: row.denied,
            burst: row.burst,
        });
        let mut callers: Vec<_> = callers.collect();
        callers.sort_by_cached_key(|caller| (Reverse((caller.denied, caller.calls)), caller.subject.to_string()));
        Self { window, denials, overages, spend: spend.collect(), callers, forgotten, total }
    }

    /// The time that was asked for.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// How many calls ran in a shadow mode.
    pub fn calls(&self) -> u64 {
        self.total.calls
    }

    /// How many of them would have been denied.
    pub fn denied(&self) -> u64 {
        self.total.denied
    }

    /// How many of them ran without a decision, since the authority did not answer in time.
    pub fn undecided(&self) -> u64 {
        self.total.undecided
    }

    /// Whether any spend was recorded with the authority. Without, balances have not moved, and a budget that would be used up
    /// over many calls is not seen to be: a report of such dry runs says little of what enforcement would do.
    pub fn is_metered(&self) -> bool {
        self.total.recorded > 0
    }

    /// How far beyond its allocation any one budget in a unit would have been at most; zero where none was.
    pub fn peak_overage(&self, unit: &Unit) -> Amount {
        let peaks = self.overages.iter().map(|overage| &overage.peak).filter(|peak| peak.unit() == unit);
        peaks.max_by_key(|peak| peak.value()).cloned().unwrap_or_else(|| Amount::new(unit.clone(), 0))
    }

    /// Denials by budget and reason, the most frequent first.
    pub fn denials(&self) -> &[ShadowDenial] {
        &self.denials
    }

    /// Budgets that would have been exceeded, the most first.
    pub fn overages(&self) -> &[ShadowOverage] {
        &self.overages
    }

    /// Estimates and costs, one for each unit.
    pub fn spend(&self) -> &[ShadowSpend] {
        &self.spend
    }

    /// Calls by subject, those with the most denials first.
    pub fn callers(&self) -> &[ShadowCaller] {
        &self.callers
    }

    /// Denied calls by the value of a level, such as each workflow or each tenant: value, calls, denied.
    pub fn by_level(&self, level: Level) -> Vec<(&str, u64, u64)> {
        let mut values: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for caller in &self.callers {
            let Some(value) = caller.subject.level(level) else { continue };
            let (calls, denied) = values.entry(value).or_default();
            (*calls, *denied) = (*calls + caller.calls, *denied + caller.denied);
        }
        let mut values: Vec<_> = values.into_iter().map(|(value, (calls, denied))| (value, calls, denied)).collect();
        values.sort_by_key(|(.., denied)| Reverse(*denied));
        values
    }

    /// How many calls are counted nowhere any more, since the oldest hours give way where there is no room for more subjects.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The line for whoever decides.
    fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = if self.denied() == 1 { "call" } else { "calls" };
        write!(f, "{} {calls} would have been denied", self.denied())?;
        if !self.is_metered() && self.calls() > 0 {
            return f.write_str(match self.total.metered {
                0 => " (stateless dry run: balances never move; use shadow_metered).",
                _ => " (no spend has been recorded, so balances have not moved; see what the log says of settlements).",
            });
        }
        f.write_str(". Peak overage: ")?;
        let mut units: Vec<_> = self.overages.iter().map(|overage| overage.peak.unit()).collect();
        units.sort_unstable_by_key(|unit| unit.as_str());
        units.dedup();
        if units.is_empty() {
            let unit = self.spend.first().map_or(&Unit::UsdMicrocents, |spend| spend.actual.unit());
            write!(f, "{}", self.peak_overage(unit))?;
        }
        for (at, unit) in units.into_iter().enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { ", " }, self.peak_overage(unit))?;
        }
        f.write_str(".")
    }
}

impl ShadowSpend {
    /// What calls cost for each 100 of what they estimated; `None` where nothing was estimated. Estimates are ready for
    /// enforcement where this is between 80 and 120.
    pub fn percent_of_estimate(&self) -> Option<u64> {
        let percent = u128::from(self.actual.value()) * 100 / u128::from(self.estimated.value()).max(1);
        (!self.estimated.is_zero()).then(|| u64::try_from(percent).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for ShadowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        write!(f, "\n{} calls ran in the last {}", self.calls(), Span(self.window))?;
        if self.undecided() > 0 {
            write!(f, ", {} of them without a decision: the authority did not answer in time", self.undecided())?;
        }
        f.write_str(".\n")?;
        if !self.denials.is_empty() {
            f.write_str("Denials by budget and reason:\n")?;
        }
        for denial in self.denials.iter().take(MOST_LINES) {
            let scope = denial.scope.as_deref().unwrap_or("(budget not told)");
            writeln!(f, "  {:>7}  {}  {}", denial.calls, denial.reason, scope)?;
        }
        more(f, self.denials.len())?;
        if !self.overages.is_empty() {
            f.write_str("Overage by budget:\n")?;
        }
        for overage in self.overages.iter().take(MOST_LINES) {
            writeln!(f, "  {:>7}  {}", overage.peak, overage.scope)?;
        }
        more(f, self.overages.len())?;
        for spend in self.spend.iter().filter(|spend| spend.calls > 0) {
            write!(f, "Estimated {}, cost {}", spend.estimated, spend.actual)?;
            match spend.percent_of_estimate() {
                Some(percent) => writeln!(f, ": {percent} % of the estimates.")?,
                None => f.write_str(".\n")?,
            }
        }
        if !self.callers.is_empty() {
            f.write_str("Calls, denials and the most calls within a minute, by subject:\n")?;
        }
        for caller in self.callers.iter().take(MOST_LINES) {
            writeln!(f, "  {:>7} {:>7} {:>7}  {}", caller.calls, caller.denied, caller.burst, caller.subject)?;
        }
        more(f, self.callers.len())?;
        if self.forgotten > 0 {
            writeln!(f, "{} earlier calls are not counted: there was no room for them.", self.forgotten)?;
        }
        Ok(())
    }
}

/// Says that a list goes on.
fn more(f: &mut fmt::Formatter<'_>, lines: usize) -> fmt::Result {
    match lines.checked_sub(MOST_LINES) {
        None | Some(0) => Ok(()),
        Some(rest) => writeln!(f, "  … and {rest} more"),
    }
}

fn amount(unit: &Unit, value: u64) -> Amount {
    Amount::new(unit.clone(), value.min(MAX_AMOUNT))
}

/// A time in the largest unit that it is whole in.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
        let whole = units.into_iter().find(|(size, _)| seconds >= *size && seconds % size == 0);
        match whole {
            Some((size, name)) if seconds == size => f.write_str(name),
            Some((size, name)) => write!(f, "{} {name}s", seconds / size),
            None => write!(f, "{:?}", self.0),
        }
    }
}

//! What guards a program's calls, and what does not.

mod finding;
mod judge;

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::client::CyclesClient;
use crate::error::{Error, Refusal};
use crate::protocol::{Amount, ErrorCode, Level, ReasonCode, ReservationCreateResponse, Reserve, Subject, Unit};
use crate::sites::Seen;

pub use self::finding::AuditFinding;

/// What guards the calls that a client has seen; [`CyclesClient::audit`] makes it. Its text is for people.
#[derive(Clone, Debug)]
pub struct Audit {
    functions: Vec<AuditedFunction>,
    scopes: Vec<AuditedScope>,
    findings: Vec<AuditFinding>,
    overlooked: usize,
}

/// A guarded function, or another place that guarded calls come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditedFunction {
    /// Where it stands, such as `src/agent.rs:12`.
    pub place: String,
    /// The kind of its actions.
    pub kind: String,
    /// The names of its actions: the first eight.
    pub names: Vec<String>,
    /// The levels that its calls name.
    pub levels: Vec<Level>,
    /// Those of them that have no budget of their own in any of its calls, so that nothing caps it there.
    pub unbudgeted: Vec<Level>,
    /// Whether there were more calls than are told apart: scopes and names beyond those are not looked at.
    pub has_more: bool,
}

/// A scope that calls are checked at, and the budgets that stand there and above.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditedScope {
    /// The scope.
    pub scope: String,
    /// The unit of the calls.
    pub unit: Unit,
    /// The budgets that calls here are checked against, with what they were given where the authority tells.
    pub budgets: Vec<(String, Option<Amount>)>,
    /// The scopes above, and this one, where they have no budget.
    pub unbudgeted: Vec<String>,
    /// Why the budgets are not known: even a call that costs nothing would be denied at present, or the authority refuses to
    /// look here.
    pub denied: Option<String>,
    subject: Subject,
}

impl CyclesClient {
    /// Looks at the guarded calls that this client and its views have seen since it was made, and at the budgets that they are checked against: which
    /// levels have none, and what is commonly forgotten. One dry run of nothing for each scope, and nothing is held.
    ///
    /// At most 256 places in the program are told apart, and 64 scopes of each. Calls that have not been made are not seen: audit at the end of a test run,
    /// or in a process that has worked for a while.
    ///
    /// ```
    /// use runcycles::{AuditFinding, Error, cycles, usd};
    /// use runcycles_authority::Authority;
    ///
    /// #[cycles(usd!(0.02), "llm.completion", workflow = "triage", run = run)]
    /// async fn think(run: &str) -> Result<(), Error> {
    ///     Ok(())
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let authority = Authority::builder().budget("tenant:acme", usd!(100)).start().await?;
    /// let client = authority.client("acme");
    /// client.run(think("run-1")).await?;
    /// let audit = client.audit().await?;
    /// assert!(matches!(audit.findings(), [AuditFinding::TenantOnly { .. }]));
    /// println!("{audit}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Any [`Error`] of asking that holds for every scope: no answer, a failure of the authority, or a key that it does not
    /// know. What it refuses for one scope is told there.
    pub async fn audit(&self) -> Result<Audit, Error> {
        let (sites, overlooked) = self.shared.sites.all();
        let mut scopes: HashMap<Seen, AuditedScope> = HashMap::new();
        for seen in sites.iter().flat_map(|(_, site)| &site.seen) {
            if !scopes.contains_key(seen) {
                scopes.insert(seen.clone(), self.look_at(seen).await?);
            }
        }
        let functions = sites.iter().map(|(place, site)| {
            let of_site: Vec<_> = site.seen.iter().filter_map(|seen| scopes.get(seen)).collect();
            let is_bare = |level: &Level| of_site.iter().all(|scope| !scope.has_budget_at(*level));
            AuditedFunction {
                place: format!("{}:{}", place.file(), place.line()),
                kind: site.kind.clone(),
                names: site.names.iter().cloned().collect(),
                levels: site.levels.iter().copied().collect(),
                unbudgeted: site.levels.iter().copied().filter(is_bare).collect(),
                has_more: site.has_more,
            }
        });
        let functions = functions.collect();
        let mut scopes: Vec<_> = scopes.into_values().collect();
        scopes.sort_by(|one, other| (&one.scope, one.unit.as_str()).cmp(&(&other.scope, other.unit.as_str())));
        let findings = judge::findings(&scopes);
        Ok(Audit { functions, scopes, findings, overlooked })
    }

    /// Asks for the budgets of a scope.
    async fn look_at(&self, seen: &Seen) -> Result<AuditedScope, Error> {
        let Seen { subject, unit } = seen;
        let mut scope = AuditedScope {
            scope: subject.to_string(),
            unit: unit.clone(),
            budgets: Vec::new(),
            unbudgeted: Vec::new(),
            denied: None,
            subject: subject.clone(),
        };
        let request =
            Reserve::new("budget.audit", "audit").estimate(Amount::new(unit.clone(), 0)).subject(subject.clone());
        // As it is: the subject is complete, whatever is ambient here.
        let request = request.dry_run(true).build();
        // Other views may have made the call, whose bounds are not this one's.
        request.validate()?;
        let request = self.prepare_checked(&request)?;
        let answer = match self.shared.connection.send::<ReservationCreateResponse>(&request).await {
            Ok(answer) => answer.value,
            Err(Error::NoBudget { .. } | Error::UnitMismatch { .. }) => {
                scope.unbudgeted = prefixes(subject);
                return Ok(scope);
            }
            Err(error) => {
                scope.denied = Some(refusal_of_one(&error).ok_or(error)?);
                return Ok(scope);
            }
        };
        if !answer.decision.is_allowed() {
            let reason = answer.reason_code.as_ref().map_or("no reason given", |reason| reason.as_str());
            if reason == "BUDGET_NOT_FOUND" {
                scope.unbudgeted = prefixes(subject);
            } else {
                scope.denied = Some(reason.to_owned());
            }
            return Ok(scope);
        }
        let budgets = answer.balances.into_iter().filter(|balance| balance.remaining.unit() == unit);
        scope.budgets = budgets.map(|balance| (balance.scope_path, balance.allocated)).collect();
        let has_budget = |path: &String| scope.budgets.iter().any(|(budget, _)| budget == path);
        scope.unbudgeted = answer.affected_scopes.iter().filter(|path| !has_budget(path)).cloned().collect();
        Ok(scope)
    }
}

impl AuditedScope {
    /// Whether a level that the subject names has a budget of its own.
    fn has_budget_at(&self, level: Level) -> bool {
        self.budgets.iter().any(|(budget, _)| level_of(budget) == Some(level))
    }
}

/// Why the authority refuses to look at a scope; `None` where it would say the same of every other.
fn refusal_of_one(error: &Error) -> Option<String> {
    let status = error.status().filter(|status| (400..500).contains(status) && *status != 401)?;
    let reason = error.refusal().and_then(Refusal::reason).map(ReasonCode::as_str);
    let text = reason.or_else(|| error.code().map(ErrorCode::as_str));
    Some(text.map_or_else(|| format!("HTTP status {status}"), str::to_owned))
}

/// The level of a scope's last segment.
fn level_of(scope: &str) -> Option<Level> {
    let kind = scope.rsplit('/').next()?.split(':').next()?;
    Level::ALL.into_iter().find(|level| level.as_str() == kind)
}

/// The scopes that a subject is in, outermost first.
fn prefixes(subject: &Subject) -> Vec<String> {
    let mut scopes = Vec::new();
    let mut prefix = Subject::default();
    for level in Level::ALL {
        if let Some(value) = subject.level(level) {
            *prefix.level_mut(level) = Some(value.to_owned());
            scopes.push(prefix.to_string());
        }
    }
    scopes
}

impl Audit {
    /// The guarded functions that were seen, in their order in the program.
    pub fn functions(&self) -> &[AuditedFunction] {
        &self.functions
    }

    /// The scopes that they were called for, and the budgets there.
    pub fn scopes(&self) -> &[AuditedScope] {
        &self.scopes
    }

    /// What is commonly forgotten: nothing for a program that is well guarded, and at most one finding of each kind.
    pub fn findings(&self) -> &[AuditFinding] {
        &self.findings
    }

    /// How many places in the program were not looked at, since there were too many: 256 means that many or more.
    pub fn overlooked(&self) -> usize {
        self.overlooked
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (functions, scopes, findings) = (self.functions.len(), self.scopes.len(), self.findings.len());
        let plural = |count| if count == 1 { "" } else { "s" };
        writeln!(
            f,
            "{functions} guarded function{}, {scopes} scope{}, {findings} finding{}",
            plural(functions),
            plural(scopes),
            plural(findings)
        )?;
        for function in &self.functions {
            write!(f, "  {}  {} {}  at ", function.place, function.kind, function.names.join(", "))?;
            list(f, &function.levels)?;
            if !function.unbudgeted.is_empty() {
                f.write_str("; no budget at ")?;
                list(f, &function.unbudgeted)?;
            }
            f.write_str(if function.has_more { "; more calls than are told apart\n" } else { "\n" })?;
        }
        for scope in &self.scopes {
            write!(f, "  {}", scope.scope)?;
            match &scope.denied {
                Some(reason) => writeln!(f, "  budgets not told: {reason}")?,
                None if scope.budgets.is_empty() => writeln!(f, "  no budget in {}", scope.unit)?,
                None => f.write_str("\n")?,
            }
            for (budget, allocated) in &scope.budgets {
                let allocated = allocated.as_ref().map_or_else(|| scope.unit.to_string(), ToString::to_string);
                writeln!(f, "    {budget}  {allocated}")?;
            }
        }
        for finding in &self.findings {
            writeln!(f, "  ! {finding}")?;
        }
        if self.overlooked > 0 {
            writeln!(f, "  {} more places were not looked at", self.overlooked)?;
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, levels: &[Level]) -> fmt::Result {
    let unique: BTreeSet<_> = levels.iter().collect();
    for (at, level) in unique.into_iter().enumerate() {
        write!(f, "{}{level}", if at == 0 { "" } else { ", " })?;
    }
    Ok(())
}

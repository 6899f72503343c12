//! What an agent may do, and may let others do for it.

use std::collections::BTreeSet;
use std::future::{Future, IntoFuture};

use super::place::{Place, check_units, provide};
use crate::admin::{Admin, ScopePath};
use crate::client::{Bounds, CyclesClient, current_client};
use crate::error::Error;
use crate::protocol::{Amount, Subject, Unit, ValidationError};
use crate::transport::BoxFuture;

/// What an agent may do: a scope with budgets of its own, the toolsets it may use, and how deep it may delegate. A sub-agent's
/// mandate is at most as wide in each. Needs the feature `admin`.
///
/// Within [`run`](Self::run), and through [`client`](Self::client), a call that names another agent, another level above it, a
/// toolset that the mandate has not, or a unit without a budget is refused before it is sent. Toolsets that a delegation leaves
/// out are given budgets of nothing below the sub-agent too, so that the authority denies them whoever calls. The sums of
/// sub-agents may be more than their delegator has: what holds all of them together is a budget of the workflow or of a level
/// above.
///
/// Budgets of nothing are made in the sub-agent's own units only. They stay: a later delegation to the same agent that allows
/// the toolset again does not open it at the authority, which takes a [`resize`](crate::admin::Budget::resize) of its budget.
///
/// ```
/// use runcycles::{Error, Mandate, Scope, admin::Admin, cycles, usd};
/// use runcycles_authority::Authority;
///
/// #[cycles(usd!(1), "tool.call", toolset = toolset)]
/// async fn call(toolset: &str) -> Result<(), Error> {
///     Ok(())
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let authority = Authority::builder().budget("tenant:acme", usd!(100)).admin_key("secret").start().await?;
/// let admin = Admin::builder("secret", "http://authority").transport(authority.transport()).build();
/// let client = authority.client("acme");
///
/// let planner = Mandate::issue(&admin, Scope::workflow("case-7").agent("planner"))
///     .client(&client)
///     .budget(usd!(20))
///     .toolsets(["crm", "refund", "email"])
///     .depth(1)
///     .await?;
/// let refunds = planner.delegate("refunds").budget(usd!(5)).toolsets(["crm", "refund"]).await?;
///
/// refunds.run(async {
///     call("refund").await?;
///     assert!(call("email").await.is_err(), "no part of the mandate");
///     Ok::<_, Error>(())
/// }).await?;
/// assert!(refunds.delegate("more").await.is_err(), "it may not delegate");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Mandate {
    admin: Admin,
    client: CyclesClient,
    place: Place,
    budgets: Vec<Amount>,
    toolsets: Option<BTreeSet<String>>,
    depth: u32,
}

impl Mandate {
    /// Issues a mandate to an agent, whose scope names it. Nothing is sent until it is awaited.
    pub fn issue(admin: &Admin, scope: impl Into<Subject>) -> IssueMandate {
        IssueMandate {
            admin: admin.clone(),
            scope: scope.into(),
            client: None,
            from: None,
            budgets: Vec::new(),
            toolsets: None,
            depth: 0,
        }
    }

    /// Issues a mandate to a sub-agent: an agent of its own beside this one. What the delegation leaves out is as it is here,
    /// except that the sub-agent may not delegate. Nothing is sent until it is awaited.
    ///
    /// # Errors
    ///
    /// Awaiting it gives [`Error::Validation`] where it would be wider than this mandate or names its own agent, before anything is
    /// sent.
    pub fn delegate(&self, agent: impl Into<String>) -> IssueMandate {
        IssueMandate {
            admin: self.admin.clone(),
            scope: self.place.subject.clone().agent(agent),
            client: Some(self.client.clone()),
            from: Some(Box::new(self.clone())),
            budgets: Vec::new(),
            toolsets: None,
            depth: 0,
        }
    }

    /// Runs a future under this mandate: guarded calls inside belong to the agent and may not leave what it may do, through
    /// whichever client they are made. Tasks spawned inside want [`carry`](crate::carry).
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        self.client.run(future)
    }

    /// The client of the agent, which refuses what the mandate does not cover.
    pub fn client(&self) -> &CyclesClient {
        &self.client
    }

    /// Where the agent's budgets stand, such as `tenant:acme/workflow:case-7/agent:refunds`.
    pub fn path(&self) -> &ScopePath {
        &self.place.path
    }

    /// What the agent may spend, an amount for each unit.
    pub fn budgets(&self) -> &[Amount] {
        &self.budgets
    }

    /// How deep the agent may delegate; 0 where it may not.
    pub fn depth(&self) -> u32 {
        self.depth
    }
}

/// A mandate that is issued when it is awaited: its budgets are created, or given the sizes named here where they are there.
#[derive(Clone, Debug)]
#[must_use = "a mandate is issued when it is awaited"]
pub struct IssueMandate {
    admin: Admin,
    scope: Subject,
    client: Option<CyclesClient>,
    from: Option<Box<Mandate>>,
    budgets: Vec<Amount>,
    toolsets: Option<BTreeSet<String>>,
    depth: u32,
}

impl IssueMandate {
    /// The client that reserves and settles; by default the delegator's, the ambient one, then the default of the process.
    pub fn client(mut self, client: &CyclesClient) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// What the agent may spend; once for each unit. A delegation has the delegator's amount in a unit that it leaves out.
    pub fn budget(mut self, budget: Amount) -> Self {
        self.budgets.push(budget);
        self
    }

    /// The toolsets that the agent may use, in place of all that its delegator may.
    pub fn toolsets<S: AsRef<str>>(mut self, toolsets: impl IntoIterator<Item = S>) -> Self {
        self.toolsets = Some(toolsets.into_iter().map(|toolset| toolset.as_ref().to_ascii_lowercase()).collect());
        self
    }

    /// How deep the agent may delegate in turn; 0, by default, is not at all.
    pub fn depth(mut self, depth: u32) -> Self {
        self.depth = depth;
        self
    }

    async fn issue(mut self) -> Result<Mandate, Error> {
        let client = match self.client.take() {
            Some(client) => client,
            None => current_client()?,
        };
        let masked = match self.from.take() {
            Some(from) => self.attenuate(&from)?,
            None => BTreeSet::new(),
        };
        let place = Place::new(&client, self.scope.clone())?;
        if place.subject.agent.is_none() || place.subject.toolset.is_some() {
            let found = place.path.to_string();
            return Err(ValidationError::new("scope", found, "a scope that ends with an agent").into());
        }
        if self.budgets.is_empty() {
            return Err(ValidationError::new("budget", "none", "what the agent may spend").into());
        }
        check_units(&self.budgets)?;
        let masked: Vec<_> = masked.iter().map(|toolset| place.toolset(toolset)).collect::<Result<_, _>>()?;

        for budget in &self.budgets {
            // What must not be used is closed before what may be is opened.
            for toolset in &masked {
                provide(&self.admin, toolset, &Amount::new(budget.unit().clone(), 0)).await?;
            }
            provide(&self.admin, &place.path, budget).await?;
        }
        let bounds = Bounds {
            scope: place.subject.clone(),
            toolsets: self.toolsets.clone(),
            units: Some(self.budgets.iter().map(|budget| budget.unit().clone()).collect()),
        };
        Ok(Mandate {
            admin: self.admin,
            client: client.bounded_by(bounds),
            place,
            budgets: self.budgets,
            toolsets: self.toolsets,
            depth: self.depth,
        })
    }

    /// Checks that a delegation is no wider than what it comes from, takes over what it leaves out, and gives the toolsets that
    /// it masks.
    fn attenuate(&mut self, from: &Mandate) -> Result<BTreeSet<String>, ValidationError> {
        let wider = |field: &'static str, found: String, has: String| {
            Err(ValidationError::new(field, found, format!("no more than {} has: {has}", from.place.subject)))
        };
        let own = from.place.subject.agent.as_deref().unwrap_or_default();
        if let Some(agent) = self.scope.agent.as_deref().filter(|agent| agent.eq_ignore_ascii_case(own)) {
            let expected = "another agent than the one that delegates, whose budgets would change";
            return Err(ValidationError::new("agent", format!("{agent:?}"), expected));
        }
        if from.depth == 0 {
            return wider("depth", "a delegation".to_owned(), "no depth to delegate".to_owned());
        }
        if self.depth >= from.depth {
            return wider("depth", self.depth.to_string(), format!("depth {}, of which this takes one", from.depth));
        }
        for budget in &self.budgets {
            match from.budgets.iter().find(|own| own.unit() == budget.unit()) {
                Some(own) if budget.value() <= own.value() => {}
                Some(own) => return wider("budget", budget.to_string(), own.to_string()),
                None => return wider("budget", budget.to_string(), units(&from.budgets)),
            }
        }
        for own in &from.budgets {
            if self.budgets.iter().all(|budget| budget.unit() != own.unit()) {
                self.budgets.push(own.clone());
            }
        }
        let Some(own) = &from.toolsets else { return Ok(BTreeSet::new()) };
        let toolsets = self.toolsets.get_or_insert_with(|| own.clone());
        if let Some(toolset) = toolsets.difference(own).next() {
            let has: Vec<_> = own.iter().map(String::as_str).collect();
            return wider("toolsets", format!("{toolset:?}"), has.join(", "));
        }
        Ok(own.difference(toolsets).cloned().collect())
    }
}

fn units(budgets: &[Amount]) -> String {
    let units: Vec<_> = budgets.iter().map(|budget| Unit::as_str(budget.unit())).collect();
    units.join(", ")
}

impl IntoFuture for IssueMandate {
    type Output = Result<Mandate, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.issue())
    }
}

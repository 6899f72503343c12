//! What tools cost, and who pays.

use std::fmt;
use std::sync::Arc;

use rmcp::model::Tool;
use runcycles::models::{Amount, Caps, Decision, DecisionRequest};
use runcycles::{CyclesClient, Error, Mode, Scope, WithCyclesConfig, current_client};

/// The kind of action that a tool call is.
const KIND: &str = "tool.call";

/// The action that asking for the list of tools is.
const LIST: &str = "tools.list";

/// What the tools of an MCP server cost, and who pays for them.
///
/// A call is an action `tool.call` with the tool's name, and its toolset is the tool: budgets may be given to each tool on its
/// own, of money or of risk points, and a tool whose budget is zero is switched off. Names outside of the alphabet of scopes are
/// [encoded](Scope::encode).
///
/// | what becomes of a call | what becomes of its hold |
/// |---|---|
/// | a result | what the tool said it cost ([`Context::set_actual`](runcycles::Context::set_actual), [`Context::record_usage`](runcycles::Context::record_usage)), or else its price |
/// | a result with `is_error: true` | the same: it ran, and a model that tries again and again is to be stopped by its budget; [`release_failures`](Self::release_failures) has it otherwise |
/// | a protocol error, such as for a tool that does not exist, and a request for more input | what it recorded, and otherwise the client's [`UnknownSpend`](runcycles::UnknownSpend) policy: returned, by default |
/// | cancelled, or the connection is lost | the same |
/// | refused, by the authority or by caps | nothing is charged: the tool did not run |
#[derive(Clone)]
#[must_use]
pub struct ToolBudget {
    price: Arc<dyn Fn(&str) -> Amount + Send + Sync>,
    client: Option<CyclesClient>,
    charges_failures: bool,
    has_toolsets: bool,
}

/// What became of a tool call that has no result to pay for.
pub(crate) enum Unpaid<T, E> {
    /// The authority refused it, or could not be asked.
    Refused(Error),
    /// The caps leave the tool out.
    NotAllowed(Caps),
    /// It has a result that is not charged.
    Free(T),
    /// It failed.
    Failed(E),
}

impl<T, E> From<Error> for Unpaid<T, E> {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// What is to be paid for a result.
pub(crate) enum Verdict {
    /// The tool's price, or what it said.
    Paid,
    /// What it said, if anything: the tool has not come to an end.
    Open,
    /// As a failure: the tool ran, and says that it failed.
    Failed,
}

impl ToolBudget {
    /// Every tool costs the same.
    pub fn flat(price: Amount) -> Self {
        Self::by_tool(move |_| price.clone())
    }

    /// A tool's price by its name.
    pub fn by_tool(price: impl Fn(&str) -> Amount + Send + Sync + 'static) -> Self {
        Self { price: Arc::new(price), client: None, charges_failures: true, has_toolsets: true }
    }

    /// Who pays: a client, or a view of one that is [scoped](CyclesClient::scoped) to an agent. The
    /// [default client](runcycles::set_default_client) unless set.
    pub fn client(mut self, client: CyclesClient) -> Self {
        self.client = Some(client);
        self
    }

    /// Treats results with `is_error: true` as calls that failed: what the tool recorded is charged, and otherwise the client's
    /// [`UnknownSpend`](runcycles::UnknownSpend) policy holds. A model may try such a tool any number of times for nothing.
    pub fn release_failures(mut self) -> Self {
        self.charges_failures = false;
        self
    }

    /// Leaves the toolset of calls to the client's scope, rather than naming the tool there too.
    ///
    /// Servers that read caps off the innermost scope alone give a call in a toolset of its own no caps of its agent: there, this is
    /// how the agent's caps reach its calls.
    pub fn without_toolsets(mut self) -> Self {
        self.has_toolsets = false;
        self
    }

    /// Runs a tool call on this budget.
    pub(crate) async fn run<T, E>(
        &self,
        client: Option<CyclesClient>,
        tool: &str,
        call: impl Future<Output = Result<T, E>>,
        judge: impl FnOnce(&T) -> Verdict,
    ) -> Result<T, Unpaid<T, E>> {
        let mut config = WithCyclesConfig::new((self.price)(tool)).action(KIND, tool);
        if self.has_toolsets {
            config = config.subject(Scope::toolset(Scope::encode(tool)));
        }
        let client = self.payer(client)?;
        client
            .execute(config, |context| async move {
                if let Some(caps) = context.caps().filter(|caps| !caps.is_tool_allowed(tool)) {
                    // It costs nothing, whatever is done about unknown costs.
                    let nothing = Amount::new(context.reserved().unit().clone(), 0);
                    drop(context.set_actual(nothing));
                    context.insert_metadata("refused", "tool_not_allowed");
                    return Err(Unpaid::NotAllowed(caps.clone()));
                }
                let result = call.await.map_err(Unpaid::Failed)?;
                match judge(&result) {
                    Verdict::Paid => Ok(result),
                    Verdict::Failed if self.charges_failures => Ok(result),
                    Verdict::Failed | Verdict::Open => Err(Unpaid::Free(result)),
                }
            })
            .await
    }

    /// Leaves those tools out of a list that the caps leave out. Where the authority does not say, the list is as it was: a call of
    /// a tool is judged on its own.
    pub(crate) async fn retain_allowed(&self, client: Option<CyclesClient>, tools: &mut Vec<Tool>) {
        let Some(first) = tools.first() else { return };
        let Ok(client) = self.payer(client) else { return };
        if client.config().mode != Mode::Enforce {
            return;
        }
        let price = (self.price)(&first.name);
        let question = DecisionRequest::builder()
            .action(runcycles::models::Action::new(KIND, LIST))
            .estimate(Amount::new(price.unit().clone(), 0))
            .build();
        match client.decide(&question).await {
            Ok(answer) if answer.decision == Decision::AllowWithCaps => {
                if let Some(caps) = &answer.caps {
                    tools.retain(|tool| caps.is_tool_allowed(&tool.name));
                }
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "no caps for a list of tools; it is given as it is"),
        }
    }

    fn payer(&self, client: Option<CyclesClient>) -> Result<CyclesClient, Error> {
        client.or_else(|| self.client.clone()).map_or_else(current_client, Ok)
    }
}

impl fmt::Debug for ToolBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolBudget")
            .field("charges_failures", &self.charges_failures)
            .field("has_toolsets", &self.has_toolsets)
            .finish_non_exhaustive()
    }
}

//! An agent with two tools, a provider, and an authority.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cycles_rig::{BudgetHook, Tariff};
use fake_provider::FakeProvider;
use rig_agent::{Agent, AgentBuilder};
use rig_core::providers::openai::OpenAIConfig;
use rig_core::tool::{Tool, ToolContext};
use runcycles::models::Amount;
use runcycles::{CyclesClient, Price, PriceTable, usd};
use runcycles_authority::{Authority, AuthorityBuilder, Call};
use serde_json::{Value, json};

/// Where the agent's money is.
pub(crate) const BUDGET: &str = "tenant:acme";

/// 250 microcents a token of input, 125 from a cache, and 1,000 a token of output.
pub(crate) fn tariff() -> Tariff {
    let mut prices = PriceTable::new();
    let price = Price::new(usd!(2.50), usd!(10)).and_then(|price| price.cache_read(usd!(1.25)));
    prices.insert("gpt-4o", price.expect("they are money"));
    Tariff::prices(prices).most_output(50)
}

pub(crate) struct World {
    pub(crate) provider: FakeProvider,
    pub(crate) authority: Authority,
    pub(crate) cycles: CyclesClient,
    pub(crate) runs: Arc<AtomicUsize>,
}

impl World {
    pub(crate) async fn with(budget: Amount) -> Self {
        Self::of(Authority::builder().budget(BUDGET, budget)).await
    }

    pub(crate) async fn of(authority: AuthorityBuilder) -> Self {
        let authority = authority.record_requests().start().await.expect("it starts");
        let provider = FakeProvider::start().await.expect("a port is free");
        let cycles = authority.client("acme");
        Self { provider, authority, cycles, runs: Arc::default() }
    }

    /// The hook that is tested.
    pub(crate) fn hook(&self) -> BudgetHook {
        BudgetHook::new("gpt-4o", tariff()).client(self.cycles.clone())
    }

    /// An agent with a hook.
    pub(crate) fn agent(&self, hook: BudgetHook) -> Agent {
        let openai = OpenAIConfig::new("sk-of-nobody").with_base_url(self.provider.url()).client();
        AgentBuilder::new(openai.chat("gpt-4o"))
            .tool(Search { runs: Arc::clone(&self.runs) })
            .tool(Broken { runs: Arc::clone(&self.runs) })
            .default_max_turns(10)
            .add_hook(hook)
            .build()
    }

    /// How many tools have run.
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    /// What is spent and what is held, once everything is settled that can be.
    pub(crate) async fn spent_and_held(&self) -> (Amount, Amount) {
        self.cycles.flush(Duration::from_secs(5)).await;
        let ledger = self.authority.ledger(BUDGET).expect("there is such a budget");
        (ledger.spent, ledger.reserved)
    }

    /// The bodies of the requests of an operation.
    pub(crate) fn sent(&self, call: Call) -> Vec<Value> {
        let requests = self.authority.requests();
        let bodies = requests.iter().filter(|request| request.call == Some(call)).map(|request| &request.body);
        bodies.map(|body| serde_json::from_slice(body).expect("it is JSON")).collect()
    }
}

/// A sum of microcents.
pub(crate) fn microcents(amount: u64) -> Amount {
    Amount::usd_microcents(amount)
}

#[derive(Debug, thiserror::Error)]
#[error("no connection")]
pub(crate) struct NoConnection;

/// Finds something.
struct Search {
    runs: Arc<AtomicUsize>,
}

impl Tool for Search {
    const NAME: &'static str = "search";
    type Args = Value;
    type Output = String;
    type Error = NoConnection;

    fn description(&self) -> String {
        "Looks something up".to_owned()
    }

    fn parameters(&self) -> Value {
        json!({ "type": "object", "properties": {} })
    }

    async fn call(&self, _context: &mut ToolContext, _args: Value) -> Result<String, NoConnection> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        Ok("found".to_owned())
    }
}

/// Runs and fails.
struct Broken {
    runs: Arc<AtomicUsize>,
}

impl Tool for Broken {
    const NAME: &'static str = "broken";
    type Args = Value;
    type Output = String;
    type Error = NoConnection;

    fn description(&self) -> String {
        "Fails".to_owned()
    }

    fn parameters(&self) -> Value {
        json!({ "type": "object", "properties": {} })
    }

    async fn call(&self, _context: &mut ToolContext, _args: Value) -> Result<String, NoConnection> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        Err(NoConnection)
    }
}

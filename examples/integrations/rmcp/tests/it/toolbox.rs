//! A server with a few tools, and a connection to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rmcp::model::{CallToolRequestParams, CallToolResult, ContentBlock, ErrorData, ServerCapabilities, ServerConfig};
use rmcp::service::{RoleClient, RoleServer, RunningService, Service};
use rmcp::{ServerHandler, ServiceExt, tool, tool_handler, tool_router};
use runcycles::models::{Amount, Caps};
use runcycles::{context, usd};
use runcycles_authority::{Authority, Budget, Policy};
use tokio::sync::Notify;

/// Where the agent's money is.
pub(crate) const BUDGET: &str = "tenant:acme";

/// A server that counts what its tools do.
#[derive(Clone, Default)]
pub(crate) struct Toolbox {
    runs: Arc<AtomicUsize>,
    /// Told when the slow tool has begun.
    pub(crate) begun: Arc<Notify>,
}

#[tool_router]
impl Toolbox {
    /// Looks something up.
    #[tool(name = "search")]
    async fn search(&self) -> String {
        self.runs.fetch_add(1, Ordering::SeqCst);
        "found".to_owned()
    }

    /// Costs what it says.
    #[tool(name = "buy")]
    async fn buy(&self) -> String {
        self.runs.fetch_add(1, Ordering::SeqCst);
        if let Some(context) = context() {
            drop(context.set_actual(usd!(0.003)));
        }
        "bought".to_owned()
    }

    /// Fails each time.
    #[tool(name = "flaky/api")]
    async fn flaky(&self) -> CallToolResult {
        self.runs.fetch_add(1, Ordering::SeqCst);
        CallToolResult::error(vec![ContentBlock::text("try again")])
    }

    /// Never ends, and has spent something by then.
    #[tool(name = "slow")]
    async fn slow(&self) -> Result<String, ErrorData> {
        self.begun.notify_one();
        std::future::pending().await
    }
}

#[tool_handler]
impl ServerHandler for Toolbox {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

impl Toolbox {
    /// How many tools have run.
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

/// A client of a server in this process.
pub(crate) async fn connect(server: impl Service<RoleServer>) -> RunningService<RoleClient, ()> {
    let (here, there) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        if let Ok(running) = server.serve(there).await {
            drop(running.waiting().await);
        }
    });
    ().serve(here).await.expect("the server answers")
}

/// Calls a tool without arguments.
pub(crate) fn call(tool: &'static str) -> CallToolRequestParams {
    CallToolRequestParams::new(tool)
}

/// Whether a result is an error, and its text.
pub(crate) fn read(result: &CallToolResult) -> (bool, &str) {
    let text = result.content.first().and_then(|content| content.as_text()).map_or("", |text| text.text.as_str());
    (result.is_error == Some(true), text)
}

/// An authority with one budget.
pub(crate) async fn authority(budget: impl Into<Budget>) -> Authority {
    Authority::builder().budget(BUDGET, budget).start().await.expect("it starts")
}

/// An authority whose policy gives a tenant caps on everything it does.
pub(crate) async fn authority_with(caps: Caps) -> Authority {
    let policy = Policy::new("tools", BUDGET).caps(caps);
    let builder = Authority::builder().budget(BUDGET, usd!(1)).policy("acme", policy);
    builder.evaluate_policies().start().await.expect("it starts")
}

/// What is spent and what is held.
pub(crate) fn spent_and_held(authority: &Authority, scope: &str) -> (Amount, Amount) {
    let ledger = authority.ledger(scope).expect("there is such a budget");
    (ledger.spent, ledger.reserved)
}

/// Caps that leave tools out.
pub(crate) fn caps_without(tools: &[&str]) -> Caps {
    let mut caps = Caps::new();
    caps.tool_denylist = tools.iter().map(ToString::to_string).collect();
    caps
}

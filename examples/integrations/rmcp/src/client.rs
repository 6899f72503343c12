//! Tool calls of clients, on a budget.

use rmcp::model::{CallToolRequestParams, CallToolResult, Tool};
use rmcp::service::{RoleClient, RunningService, Service, ServiceError};

use crate::budget::{ToolBudget, Unpaid, Verdict};
use crate::refusal::{not_allowed, refused};

impl ToolBudget {
    /// Calls a tool of a server, with all rounds of input that the server asks for in one reservation.
    ///
    /// A call that is refused is not sent: it has a result with `is_error: true`, whose text tells the model why and what to do
    /// instead. Where the server is guarded too, each side charges budgets of its own; guard one side of a budget.
    ///
    /// # Errors
    ///
    /// As [`RunningService::call_tool`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call, and its hold is settled in the background.
    pub async fn call_tool<S: Service<RoleClient>>(
        &self,
        server: &RunningService<RoleClient, S>,
        params: CallToolRequestParams,
    ) -> Result<CallToolResult, ServiceError> {
        let tool = params.name.clone();
        // Boxed: it is large in rmcp itself.
        match self.run(None, &tool, Box::pin(server.call_tool(params)), verdict).await {
            Ok(result) | Err(Unpaid::Free(result)) => Ok(result),
            Err(Unpaid::Failed(error)) => Err(error),
            Err(Unpaid::Refused(error)) => Ok(refused(&tool, &error)),
            Err(Unpaid::NotAllowed(caps)) => Ok(not_allowed(&tool, &caps)),
        }
    }

    /// The tools of a server that the caps leave to this client, to offer to a model.
    ///
    /// # Errors
    ///
    /// As [`Peer::list_all_tools`](rmcp::service::Peer::list_all_tools).
    pub async fn list_tools<S: Service<RoleClient>>(
        &self,
        server: &RunningService<RoleClient, S>,
    ) -> Result<Vec<Tool>, ServiceError> {
        let mut tools = server.list_all_tools().await?;
        self.retain_allowed(None, &mut tools).await;
        Ok(tools)
    }
}

/// What a result says of its tool call.
fn verdict(result: &CallToolResult) -> Verdict {
    if result.is_error == Some(true) { Verdict::Failed } else { Verdict::Paid }
}

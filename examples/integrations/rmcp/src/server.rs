//! Servers whose tools are on a budget.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use rmcp::model::{
    CallToolResult, ClientNotification, ClientRequest, ErrorData, ProtocolVersion, ServerConfig, ServerResult,
};
use rmcp::service::{NotificationContext, RequestContext, RoleServer, Service};
use runcycles::{CyclesClient, Error};

use crate::budget::{ToolBudget, Unpaid, Verdict};
use crate::refusal::{not_allowed, refused};

/// Puts the tools of a server on a budget.
pub trait GuardTools: Service<RoleServer> + Sized {
    /// This server with its tools on a budget.
    fn on_budget(self, budget: ToolBudget) -> Guarded<Self> {
        Guarded { inner: self, budget, payer: None }
    }
}

impl<S: Service<RoleServer>> GuardTools for S {}

/// Who pays for a request.
type Payer = Arc<dyn Fn(&RequestContext<RoleServer>) -> Result<CyclesClient, Error> + Send + Sync>;

/// A server whose tools run only after their budget has been reserved; [`GuardTools::on_budget`] makes one.
///
/// A call that is refused has a result with `is_error: true`, whose text tells the model why and what to do instead. Tools that the
/// caps leave out are left out of lists too. Inside a tool, [`runcycles::context`] is the context of its reservation.
///
/// A call that its client cancels is dropped at its next `await`, and its hold is settled by what the tool has recorded, or else
/// returned. What must not stop in the middle belongs into a task of its own ([`runcycles::spawn_in_context`]).
///
/// Everything but calls and lists of tools passes through. A call that becomes a task is charged when the task is made.
#[must_use]
pub struct Guarded<S> {
    inner: S,
    budget: ToolBudget,
    payer: Option<Payer>,
}

impl<S> Guarded<S> {
    /// Chooses who pays by the request, where one server has many users: by what a layer of the HTTP transport left in the
    /// request's extensions, and never by what the client says of itself. An error refuses the call.
    pub fn payer<F>(mut self, payer: F) -> Self
    where
        F: Fn(&RequestContext<RoleServer>) -> Result<CyclesClient, Error> + Send + Sync + 'static,
    {
        self.payer = Some(Arc::new(payer));
        self
    }
}

impl<S: Service<RoleServer>> Guarded<S> {
    async fn call(
        &self,
        tool: &str,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        let is_legacy = context.protocol_version().is_none_or(|version| version < ProtocolVersion::V_2026_07_28);
        let refusal = |result: CallToolResult| {
            let mut result = ServerResult::CallToolResult(result);
            if is_legacy {
                result.strip_result_type_for_legacy_peer();
            }
            Ok(result)
        };
        let client = match self.payer.as_ref().map(|payer| payer(&context)).transpose() {
            Ok(client) => client,
            Err(error) => return refusal(refused(tool, &error)),
        };
        let cancelled = context.ct.clone();
        let call = self.budget.run(client, tool, self.inner.handle_request(request, context), verdict);
        let ended = tokio::select! {
            biased;
            () = cancelled.cancelled() => return Err(ErrorData::internal_error("the call was cancelled", None)),
            ended = call => ended,
        };
        match ended {
            Ok(result) | Err(Unpaid::Free(result)) => Ok(result),
            Err(Unpaid::Failed(error)) => Err(error),
            Err(Unpaid::Refused(error)) => refusal(refused(tool, &error)),
            Err(Unpaid::NotAllowed(caps)) => refusal(not_allowed(tool, &caps)),
        }
    }
}

/// What a server's answer to a tool call says of it.
fn verdict(result: &ServerResult) -> Verdict {
    match result {
        ServerResult::CallToolResult(result) if result.is_error == Some(true) => Verdict::Failed,
        ServerResult::InputRequiredResult(_) => Verdict::Open,
        _ => Verdict::Paid,
    }
}

impl<S: Service<RoleServer>> Service<RoleServer> for Guarded<S> {
    async fn handle_request(
        &self,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        match &request {
            ClientRequest::CallToolRequest(call) => {
                let tool = call.params.name.clone();
                self.call(&tool, request, context).await
            }
            ClientRequest::ListToolsRequest(_) => {
                let client = self.payer.as_ref().map(|payer| payer(&context)).transpose();
                let mut result = self.inner.handle_request(request, context).await?;
                if let (ServerResult::ListToolsResult(list), Ok(client)) = (&mut result, client) {
                    self.budget.retain_allowed(client, &mut list.tools).await;
                }
                Ok(result)
            }
            _ => self.inner.handle_request(request, context).await,
        }
    }

    async fn handle_notification(
        &self,
        notification: ClientNotification,
        context: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.inner.handle_notification(notification, context).await
    }

    fn get_info(&self) -> ServerConfig {
        self.inner.get_info()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.inner.supported_protocol_versions()
    }
}

impl<S> fmt::Debug for Guarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("budget", &self.budget).finish_non_exhaustive()
    }
}

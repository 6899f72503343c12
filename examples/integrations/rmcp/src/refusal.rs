//! Results of tools that did not run.

use rmcp::model::{CallToolResult, ContentBlock};
use runcycles::Error;
use runcycles::models::Caps;

/// How many tools a refusal names at most.
const NAMED: usize = 20;

/// The result of a tool call that was refused: an error that the model reads.
pub(crate) fn refused(tool: &str, error: &Error) -> CallToolResult {
    tracing::warn!(tool, %error, "a tool call was refused");
    CallToolResult::error(vec![ContentBlock::text(error.for_model(tool))])
}

/// The result of a call of a tool that the caps leave out.
pub(crate) fn not_allowed(tool: &str, caps: &Caps) -> CallToolResult {
    tracing::warn!(tool, "a tool call was refused: the caps leave the tool out");
    let instead = match caps.tool_allowlist.get(..NAMED.min(caps.tool_allowlist.len())) {
        Some(allowed) if !allowed.is_empty() => format!("These may be used: {}.", allowed.join(", ")),
        _ => "Use another tool.".to_owned(),
    };
    CallToolResult::error(vec![ContentBlock::text(format!(
        "`{tool}` was not run: it is not among the tools that may be used at present. Do not ask for it again. {instead} If none \
         of them helps, finish with what you have, and say what was left out."
    ))])
}

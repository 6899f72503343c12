//! Refusals, as rig tells them.

use cycles_tariff::TariffError;
use rig_agent::agent::DispatchAction;
use rig_agent::core::error::{ErrorKind, ErrorReport};
use runcycles::Error;

/// A completion that is not covered by its budget: the run ends with a report of the kind `Denied`, whose code is the authority's.
pub(crate) fn completion(error: &Error) -> DispatchAction {
    let mut report = ErrorReport::new(ErrorKind::Denied, error.to_string()).with_retryable(false);
    if let Some(code) = error.code() {
        report = report.with_code(code.as_str());
    }
    DispatchAction::deny(report)
}

/// A completion whose cost nobody knows.
pub(crate) fn without_price(error: &TariffError) -> DispatchAction {
    DispatchAction::deny(ErrorReport::new(ErrorKind::Denied, error.to_string()).with_retryable(false))
}

/// A tool call that is not covered by its budget: the model reads why, and goes on.
pub(crate) fn tool(name: &str, error: &Error) -> DispatchAction {
    tracing::warn!(tool = name, %error, "a tool call was refused");
    DispatchAction::skip(error.for_model(name))
}

/// A tool call that the caps leave out.
pub(crate) fn tool_not_allowed(name: &str) -> DispatchAction {
    tracing::warn!(tool = name, "a tool call was refused: the caps leave the tool out");
    DispatchAction::skip(format!(
        "`{name}` was not run: it is not among the tools that may be used at present. Do not ask for it again. Use another tool, or \
         finish with what you have, and say what was left out."
    ))
}

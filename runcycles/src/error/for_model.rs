//! A refusal in words that a language model can act on.

use super::{Error, Refusal};
use crate::protocol::{Amount, SignedAmount, Unit};

impl Error {
    /// What became of an action, in words for the language model that asked for it: that it did not run, why, and what to do now.
    /// A model that is not told asks again, and again. `action` is what the model calls it, such as the tool's name.
    ///
    /// The words name no scope, tenant or reservation and repeat nothing that the authority wrote, so that nothing reaches a
    /// conversation which its user may not see. What is left of the budget is told, since a model may choose a cheaper way by it.
    ///
    /// ```
    /// # async fn example(client: runcycles::CyclesClient) {
    /// use runcycles::{Reserve, usd};
    ///
    /// let tool_result = match client.reserve(Reserve::new("tool.call", "send_email").estimate(usd!(0.01))).await {
    ///     Ok(guard) => {
    ///         drop(guard.commit(usd!(0.01)).await);
    ///         "sent".to_owned()
    ///     }
    ///     Err(error) => error.for_model("send_email"),
    /// };
    /// # drop(tool_result);
    /// # }
    /// ```
    pub fn for_model(&self, action: &str) -> String {
        let (what, now) = match self {
            Self::BudgetExceeded { refusal, .. } => return budget_says_no(action, self, refusal),
            Self::Blocked { .. } => (
                "was not run: it is not allowed at present",
                "Do not ask for it again, and do not reach the same end by other means. Say that it needs somebody's approval.",
            ),
            Self::StreamCut(_) => (
                "was stopped: its budget is used up",
                "What has arrived so far is all there is. Do not ask for the rest; finish with what you have.",
            ),
            Self::Unsettled { .. } | Self::LeaseLost { .. } => {
                ("ran, and what it cost is not confirmed", "Do not run it again to make sure.")
            }
            Self::Action(_) => ("was run and failed", "Asking again may fail again, and costs as much."),
            Self::ShutDown => ("was not run: the program is ending", "Ask for nothing more."),
            error if error.is_retryable() => (
                "was not run: whether it is allowed could not be found out",
                "You may ask for it once more a little later. If it is refused again, go on without it.",
            ),
            _ => (
                "was not run: nothing has been set aside for it",
                "Asking again changes nothing. Go on without it, and say that it was left out.",
            ),
        };
        format!("`{action}` {what}. {now}")
    }
}

/// A budget's no: what it may cost, what is left, and whether a cheaper way helps.
fn budget_says_no(action: &str, error: &Error, refusal: &Refusal) -> String {
    let asked = refusal.requested();
    let is_risk = asked.as_ref().is_some_and(|asked| *asked.unit() == Unit::RiskPoints);
    let why = match (asked, refusal.remaining()) {
        (Some(asked), left) if is_risk => format!("it is rated at {asked}, {}", allowed(left)),
        (Some(asked), left) => format!("it may cost {asked}, {}", allowed(left)),
        (None, _) => "its budget is used up".to_owned(),
    };
    let when = match refusal.retry_after() {
        Some(after) => format!("Do not ask for it again within {} seconds", after.as_secs().max(1)),
        None => "Do not ask for it again".to_owned(),
    };
    let now = if error.allows_fallback() {
        "take a cheaper way, or finish with what you have"
    } else {
        "go on without it, and say that it needs somebody's approval"
    };
    format!("`{action}` was not run: {why}. {when}: {now}.")
}

/// What is left, as far as the authority told; in overdraft it is nothing.
fn allowed(left: Option<SignedAmount>) -> String {
    match left {
        Some(left) => {
            let left = Amount::new(left.unit().clone(), u64::try_from(left.value()).unwrap_or(0));
            format!("with {left} left")
        }
        None => "which is more than is left".to_owned(),
    }
}

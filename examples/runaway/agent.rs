//! The agent: three attributes. It does not know whether it is held to a budget.

use runcycles::{Error, cycles, usd};

use super::model::Model;
use super::progress::Progress;

/// The customer's case.
pub(crate) const TICKET: &str = "My invoice for March is showing $847 but my contract says $720.";

/// An answer as good as this may go to the customer.
pub(crate) const GOOD_ENOUGH: f64 = 8.0;

#[cycles(usd!(0.01), "llm.completion", action_name = "draft-response")]
async fn draft(model: &Model, ticket: &str) -> Result<String, Error> {
    Ok(model.draft(ticket).await)
}

#[cycles(usd!(0.01), "llm.completion", action_name = "evaluate-quality")]
async fn evaluate(model: &Model, answer: &str) -> Result<f64, Error> {
    Ok(model.evaluate(answer).await)
}

#[cycles(usd!(0.01), "llm.completion", action_name = "refine-response")]
async fn refine(model: &Model, answer: &str, score: f64) -> Result<String, Error> {
    Ok(model.refine(answer, score).await)
}

/// Drafts an answer and refines it until it is good enough, which it never is: the evaluator has a bug.
pub(crate) async fn agent(model: &Model, progress: &Progress) -> Result<String, Error> {
    let mut answer = draft(model, TICKET).await?;
    progress.called("draft_response", None);
    loop {
        let score = evaluate(model, &answer).await?;
        progress.called("evaluate_quality", Some(score));
        if score >= GOOD_ENOUGH {
            return Ok(answer);
        }
        answer = refine(model, &answer, score).await?;
        progress.called(&format!("refine_response (score was {score:.1})"), None);
    }
}

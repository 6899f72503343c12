//! Caps of workflows' runs.

use std::borrow::Cow;

use runcycles::{Amount, Error, WorkflowCaps, cycles, usd, workflow_caps};

use crate::support::office::Office;

static CAPS: WorkflowCaps = workflow_caps! {
    "code-review" => usd!(2),
    "deep-research" => usd!(25),
    "summarization" => usd!(5),
    "chat" => usd!(1),
};

#[cycles(usd!(0.10), "llm.completion")]
async fn step() -> Result<(), Error> {
    Ok(())
}

/// How many steps a run takes before it is denied.
async fn steps(office: &Office, workflow: &str, run: &str) -> u32 {
    let run = CAPS.start(&office.admin, workflow, run).client(&office.client()).await.unwrap();
    run.scope(async {
        let mut steps = 0;
        loop {
            match step().await {
                Ok(()) => steps += 1,
                Err(error) => {
                    assert_eq!(error.refusal().and_then(|refusal| refusal.scope()), Some(run.path().as_str()));
                    return steps;
                }
            }
        }
    })
    .await
}

#[tokio::test]
async fn each_run_stops_at_its_workflow_s_cap_and_others_go_on() {
    let office = Office::new().await;
    for (workflow, expected) in [("code-review", 20), ("deep-research", 250), ("summarization", 50), ("chat", 10)] {
        assert_eq!(steps(&office, workflow, "run-42").await, expected, "{workflow}");
    }
    assert_eq!(steps(&office, "code-review", "run-43").await, 20);
    assert_eq!(steps(&office, "code-review", "run-42").await, 0, "a run that goes on has what is left of it");
    let spent = office.authority.ledger("tenant:acme/workflow:code-review/agent:run-42").unwrap().spent;
    assert_eq!(spent, usd!(2));
    office.authority.assert_settled();
}

#[tokio::test]
async fn a_workflow_without_a_cap_is_refused_before_anything_is_sent() {
    let office = Office::with(runcycles_authority::AuthorityBuilder::record_requests).await;
    let start = |workflow, run: Option<&str>| CAPS.start(&office.admin, workflow, run).client(&office.client());
    let error = start("code-reviews", Some("run-1")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid workflow: found \"code-reviews\", expected a workflow with a cap: code-review, deep-research, \
         summarization or chat; give a new one a cap before it runs"
    );
    let error = start("chat", None).await.unwrap_err();
    assert_eq!(error.to_string(), "invalid run: found none, expected the id of a run");
    let error = start("chat", Some("chat:run-1")).await.unwrap_err();
    assert!(error.to_string().contains("chat:run-1"), "{error}");
    assert!(office.authority.requests().is_empty());
}

#[tokio::test]
async fn caps_may_come_from_anywhere() {
    let caps: WorkflowCaps = [("triage".to_owned(), usd!(3))].into_iter().collect();
    assert_eq!((caps.cap("triage"), caps.cap("chat")), (Some(&usd!(3)), None));
    let caps: WorkflowCaps = [(Cow::Borrowed("a"), Amount::credits(7))].into_iter().collect();
    assert_eq!(caps.cap("a"), Some(&Amount::credits(7)));
}

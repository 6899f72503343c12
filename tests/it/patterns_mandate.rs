//! Mandates, and what sub-agents may do under them.

use runcycles::models::{Action, EventCreateRequest};
use runcycles::{CyclesClient, Error, Mandate, Reserve, Run, Scope, carry, cycles, tokens, usd};

use crate::support::office::Office;

#[cycles(usd!(1), "tool.call", toolset = toolset)]
async fn call(toolset: Option<&str>) -> Result<(), Error> {
    Ok(())
}

async fn planner(office: &Office) -> Mandate {
    Mandate::issue(&office.admin, Scope::workflow("case").agent("planner"))
        .client(&office.client())
        .budget(usd!(20))
        .toolsets(["crm", "refund", "email"])
        .depth(2)
        .await
        .unwrap()
}

async fn office() -> Office {
    Office::with(|builder| {
        builder
            .budget("tenant:acme", usd!(1_000))
            .budget("tenant:acme", tokens(1_000))
            .budget("tenant:acme/workflow:case", usd!(21))
            .record_requests()
    })
    .await
}

fn spent(office: &Office, agent: &str) -> Option<String> {
    let ledger = office.authority.ledger(&format!("tenant:acme/workflow:case/agent:{agent}"));
    ledger.map(|ledger| ledger.spent.to_string())
}

#[tokio::test]
async fn a_sub_agent_spends_its_own_budget_below_the_shared_cap() {
    let office = office().await;
    let planner = planner(&office).await;
    let refunds = planner.delegate("refunds").budget(usd!(5)).await.unwrap();
    assert_eq!(refunds.path().as_str(), "tenant:acme/workflow:case/agent:refunds");
    let mut calls = 0;
    let denial = loop {
        match refunds.run(call(Some("refund"))).await {
            Ok(()) => calls += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((calls, spent(&office, "refunds")), (5, Some("$5.00".to_owned())));
    assert_eq!(denial.refusal().and_then(|refusal| refusal.scope()), Some(refunds.path().as_str()));

    let mut more = 0;
    let denial = loop {
        match planner.run(call(None)).await {
            Ok(()) => more += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(more, 16, "together they may have more than the workflow, which caps them");
    assert_eq!(denial.refusal().and_then(|refusal| refusal.scope()), Some("tenant:acme/workflow:case"));
    office.authority.assert_settled();
}

#[tokio::test]
async fn nothing_inside_a_mandate_leaves_it() {
    #[cycles(usd!(1), "tool.call", agent = "planner")]
    async fn as_planner() -> Result<(), Error> {
        Ok(())
    }

    #[cycles(usd!(1), "tool.call", app = "other")]
    async fn in_an_app() -> Result<(), Error> {
        Ok(())
    }

    #[cycles(tokens(1), "tool.call")]
    async fn in_tokens() -> Result<(), Error> {
        Ok(())
    }

    #[cycles(usd!(1), "tool.call", client = client, workflow = "elsewhere")]
    async fn by_another_client(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let office = office().await;
    let planner = planner(&office).await;
    let refunds = planner.delegate("refunds").budget(usd!(5)).toolsets(["CRM", "refund"]).await.unwrap();
    let other = office.client();
    let before = office.authority.requests().len();
    let leaving = async {
        for (result, field) in [
            (as_planner().await, "subject.agent"),
            (in_an_app().await, "subject.app"),
            (in_tokens().await, "unit"),
            (call(Some("email")).await, "subject.toolset"),
            (by_another_client(&other).await, "subject.workflow"),
            (other.run(as_planner()).await, "subject.agent"),
            (tokio::spawn(carry(as_planner())).await.unwrap(), "subject.agent"),
        ] {
            let Err(Error::Validation(error)) = result else { panic!("{field}: {result:?}") };
            assert_eq!(error.field(), field, "{error}");
            assert!(
                error.expected().contains("the run or mandate at tenant:acme/workflow:case/agent:refunds"),
                "{error}"
            );
        }
    };
    refunds.run(Box::pin(leaving)).await;
    let by_hand = Reserve::new("a", "b").estimate(usd!(1)).subject(Scope::agent("planner"));
    assert!(matches!(refunds.client().reserve(by_hand).await, Err(Error::Validation(_))));
    let event = |actual, agent: &str| {
        EventCreateRequest::builder().subject(Scope::agent(agent)).action(Action::new("a", "b")).actual(actual).build()
    };
    for (event, field) in [(event(usd!(1), "planner"), "subject.agent"), (event(tokens(1), "refunds"), "unit")] {
        let by_view = refunds.client().create_event(&event).await.unwrap_err();
        let by_place = refunds.run(async { other.create_event(&event).await }).await.unwrap_err();
        for error in [by_view, by_place] {
            assert!(matches!(&error, Error::Validation(error) if error.field() == field), "{error}");
        }
    }
    assert_eq!(office.authority.requests().len(), before, "nothing was sent");

    refunds.run(call(Some("crm"))).await.unwrap();
    refunds.run(call(None)).await.unwrap();
    planner.run(Box::pin(refunds.run(call(None)))).await.unwrap();
    planner.run(by_handle(refunds.client())).await.unwrap();
    assert_eq!(spent(&office, "refunds").as_deref(), Some("$4.00"));
}

#[cycles(usd!(1), "tool.call", client = client)]
async fn by_handle(client: &CyclesClient) -> Result<(), Error> {
    Ok(())
}

#[tokio::test]
async fn a_run_inside_a_mandate_is_no_wider_than_it() {
    let office = office().await;
    let planner = planner(&office).await;
    let client = office.client();
    let start = |scope| Run::start(&office.admin, scope).client(&client);
    let own = || Scope::workflow("case").agent("planner");
    planner
        .run(Box::pin(async {
            let before = office.authority.requests().len();
            for (wider, field) in [
                (start(Scope::workflow("case").agent("other")).budget(usd!(1)), "subject.agent"),
                (start(own()).budget(tokens(1)), "unit"),
                (start(own()).budget(usd!(20)).max_steps(1), "subject.toolset"),
            ] {
                let error = wider.await.unwrap_err();
                assert!(matches!(&error, Error::Validation(error) if error.field() == field), "{error}");
            }
            assert_eq!(office.authority.requests().len(), before, "nothing was sent");
            let run = start(own()).budget(usd!(20)).await.unwrap();
            run.scope(call(Some("crm"))).await.unwrap();
            assert!(matches!(run.scope(call(Some("shell"))).await, Err(Error::Validation(_))));
        }))
        .await;
    let outside = start(Scope::workflow("case").agent("other")).budget(usd!(1)).await.unwrap();
    let error = planner.run(Box::pin(outside.scope(call(None)))).await.unwrap_err();
    assert!(matches!(&error, Error::Validation(error) if error.field() == "subject.agent"), "{error}");
}

#[tokio::test]
async fn a_masked_toolset_is_closed_at_the_authority_for_whoever_calls() {
    let office = office().await;
    // Somebody gave it a budget earlier.
    office.admin.budget("tenant:acme/workflow:case/agent:refunds/toolset:email").ensure(usd!(3)).await.unwrap();
    planner(&office).await.delegate("refunds").toolsets(["crm"]).await.unwrap();
    let outside = office.client().scoped(Scope::workflow("case").agent("refunds"));
    for toolset in ["email", "refund"] {
        let denial = outside.run(call(Some(toolset))).await.unwrap_err();
        let scope = format!("tenant:acme/workflow:case/agent:refunds/toolset:{toolset}");
        assert_eq!(denial.refusal().and_then(|refusal| refusal.scope()), Some(&*scope));
    }
    outside.run(call(Some("crm"))).await.unwrap();
}

#[tokio::test]
async fn a_delegation_is_never_wider_than_what_it_comes_from() {
    let office = office().await;
    let planner = planner(&office).await;
    let narrow = planner.delegate("narrow").budget(usd!(5)).toolsets(["crm"]).depth(1).await.unwrap();
    let leaf = narrow.delegate("leaf").await.unwrap();
    assert_eq!((leaf.budgets(), leaf.depth()), (&[usd!(5)][..], 0), "what is left out is as it was");
    let before = office.authority.requests().len();
    for (wider, message) in [
        (narrow.delegate("a").budget(usd!(5.01)), "invalid budget: found $5.01, expected no more than"),
        (narrow.delegate("a").budget(tokens(1)), "invalid budget: found 1 token, expected no more than"),
        (narrow.delegate("a").toolsets(["crm", "email"]), "invalid toolsets: found \"email\", expected no more than"),
        (narrow.delegate("a").depth(1), "invalid depth: found 1, expected no more than"),
        (leaf.delegate("a"), "invalid depth: found a delegation, expected no more than"),
        (
            narrow.delegate("Narrow"),
            "invalid agent: found \"Narrow\", expected another agent than the one that delegates",
        ),
    ] {
        let error = wider.await.unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
    let error = Mandate::issue(&office.admin, Scope::workflow("w")).client(&office.client()).budget(usd!(1)).await;
    assert!(error.unwrap_err().to_string().contains("a scope that ends with an agent"));
    let error = Mandate::issue(&office.admin, Scope::agent("a")).client(&office.client()).await;
    assert!(error.unwrap_err().to_string().starts_with("invalid budget: found none"));
    assert_eq!(office.authority.requests().len(), before, "nothing was sent");
}

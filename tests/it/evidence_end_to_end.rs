//! Answers of an authority that attests them, and what their evidence proves.

use runcycles::evidence::{Artifact, Disposition, EvidenceSigner};
use runcycles::models::{Action, CommitRequest, EvidenceRef, ReleaseRequest, ReservationCreateRequest, ReservationId};
use runcycles::{CyclesClient, Scope, tokens};
use runcycles_authority::{Authority, AuthorityBuilder};

const SERVER: &str = "https://cycles.example.com/v1";

fn signer() -> EvidenceSigner {
    EvidenceSigner::from_seed([7; 32], SERVER).named("key-1")
}

fn attesting() -> AuthorityBuilder {
    Authority::builder().budget("tenant:acme", tokens(100)).evidence(signer())
}

fn reserve(estimate: u64) -> ReservationCreateRequest {
    let action = Action::new("llm.completion", "gpt-4o");
    let subject = Scope::tenant("acme").agent("bot");
    ReservationCreateRequest::builder().action(action).estimate(tokens(estimate)).subject(subject).build()
}

async fn proves(client: &CyclesClient, reference: Option<&EvidenceRef>) -> runcycles::evidence::Envelope {
    let reference = reference.expect("an answer of this authority has evidence");
    let envelope = client.evidence(reference).await.unwrap();
    assert_eq!(reference.cycles_evidence_url, format!("{SERVER}/evidence/{}", envelope.evidence_id()));
    let verdict = client.evidence_verifier(SERVER).await.verify(&envelope).unwrap();
    assert_eq!(*verdict.disposition(), Disposition::Authentic);
    envelope
}

#[tokio::test]
async fn a_reservation_and_its_commit_are_attested_from_request_to_answer() {
    let authority = attesting().start().await.unwrap();
    let client = authority.client("acme");
    let request = reserve(10);
    let reserved = client.create_reservation(&request).await.unwrap();
    let envelope = proves(&client, reserved.cycles_evidence.as_ref()).await;
    assert_eq!(envelope.artifact(), Artifact::Reserve);
    assert!(envelope.attests_request(&request) && envelope.attests_response(&reserved));

    let id = reserved.reservation_id.unwrap();
    let request = CommitRequest::new(tokens(7));
    let committed = client.commit_reservation(&id, &request).await.unwrap();
    let envelope = proves(&client, committed.cycles_evidence.as_ref()).await;
    assert_eq!((envelope.artifact(), envelope.reservation_id()), (Artifact::Commit, Some(id.as_str())));
    assert!(envelope.attests_request(&request) && envelope.attests_response(&committed));
    assert!(!envelope.attests_request(&CommitRequest::new(tokens(7))), "another key");
}

#[tokio::test]
async fn releases_dry_runs_and_denials_are_attested() {
    let authority = attesting().start().await.unwrap();
    let client = authority.client("acme");
    let id = client.create_reservation(&reserve(10)).await.unwrap().reservation_id.unwrap();
    let released = client.release_reservation(&id, &ReleaseRequest::new("done")).await.unwrap();
    assert!(proves(&client, released.cycles_evidence.as_ref()).await.attests_response(&released));

    let mut dry = reserve(1_000);
    dry.dry_run = Some(true);
    let denied = client.create_reservation(&dry).await.unwrap();
    assert!(proves(&client, denied.cycles_evidence.as_ref()).await.attests_response(&denied));

    let error = client.create_reservation(&reserve(1_000)).await.unwrap_err();
    let envelope = proves(&client, error.evidence()).await;
    assert_eq!((envelope.artifact(), envelope.http_status()), (Artifact::Error, Some(409)));
    assert!(envelope.response().contains("BUDGET_EXCEEDED"));
    let gone = ReservationId::new("nothing").unwrap();
    let error = client.commit_reservation(&gone, &CommitRequest::new(tokens(1))).await.unwrap_err();
    assert_eq!(proves(&client, error.evidence()).await.reservation_id(), Some("nothing"));
}

#[tokio::test]
async fn an_authority_attests_nothing_unless_it_was_told_to() {
    let authority = Authority::builder().budget("tenant:acme", tokens(100)).start().await.unwrap();
    let reserved = authority.client("acme").create_reservation(&reserve(10)).await.unwrap();
    assert_eq!(reserved.cycles_evidence, None);
}

#[tokio::test]
async fn strangers_are_attested_nothing() {
    let authority = attesting().start().await.unwrap();
    let stranger = CyclesClient::builder("cyc_live_unknown", "http://in-process")
        .journal(runcycles::JournalConfig::disabled())
        .transport(authority.transport())
        .build();
    let error = stranger.create_reservation(&reserve(10)).await.unwrap_err();
    assert_eq!((error.status(), error.evidence()), (Some(401), None));
}

//! What operators are told of scopes where nothing caps calls.

use runcycles::{CyclesClient, Error, Reserve, Scope, cycles, tokens};
use runcycles_authority::Authority;
use tracing::Level;

use crate::support::log::Log;

async fn acme() -> (Authority, CyclesClient) {
    let builder = Authority::builder().budget("tenant:acme", tokens(1_000));
    let authority = builder.budget("tenant:acme/agent:jane", tokens(100)).start().await.unwrap();
    let client = authority.client("acme");
    (authority, client)
}

#[cycles(tokens(1), "a.b", client = client, agent = user)]
async fn call(client: &CyclesClient, user: &str) -> Result<(), Error> {
    Ok(())
}

fn warnings(log: &Log) -> Vec<String> {
    log.lines().into_iter().filter(|line| line.starts_with("WARN")).collect()
}

#[tokio::test]
async fn a_scope_without_a_budget_is_told_once_for_each_client() {
    let (authority, client) = acme().await;
    let log = Log::start();
    call(&client, "jane").await.unwrap();
    log.silent(Level::WARN);
    for _ in 0..3 {
        call(&client, "joe").await.unwrap();
    }
    log.told(Level::WARN, &["tenant:acme/agent:joe", "no budget of its own", "require = \"agent\""]);
    assert_eq!(warnings(&log).len(), 1);
    let guard = client.reserve(Reserve::new("a", "b").estimate(tokens(1)).subject(Scope::agent("ann"))).await.unwrap();
    drop(guard);
    call(&authority.client("acme"), "joe").await.unwrap();
    assert_eq!(warnings(&log).len(), 3);
}

#[tokio::test]
async fn only_so_many_scopes_are_told() {
    let (_authority, client) = acme().await;
    let log = Log::start();
    for user in 0..1_010 {
        let guard = client.reserve(Reserve::new("a", "b").estimate(tokens(0)).subject(Scope::agent(user.to_string())));
        guard.await.unwrap().release("not needed").await.unwrap();
    }
    let told = warnings(&log);
    assert_eq!(told.len(), 1_001, "a thousand scopes, and that there are more");
    assert!(told[1_000].contains("further ones are not told"), "{}", told[1_000]);
}

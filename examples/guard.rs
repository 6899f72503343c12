//! A reservation by hand: reserve, look at the caps, do the work, commit what it cost. A guard that is dropped gives its hold
//! back.

use runcycles::models::BalanceParams;
use runcycles::{CyclesClient, Error, Reserve, Scope, usd};
use runcycles_authority::Authority;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let authority = Authority::builder().budget("tenant:acme", usd!(1)).start().await?;
    let client = authority.client("acme");

    let reserve = || Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.20)).subject(Scope::agent("writer"));
    let guard = client.reserve(reserve()).await?;
    println!("reserved {} as {} ({})", guard.reserved(), guard.reservation_id(), guard.decision());
    if let Some(max_tokens) = guard.caps().and_then(|caps| caps.max_tokens) {
        println!("the answer may have at most {max_tokens} tokens");
    }
    show(&client, "while it is held").await?;

    let settlement = guard.commit(usd!(0.13)).await?;
    println!("settled: {settlement}");
    show(&client, "after the commit").await?;

    let abandoned = client.reserve(reserve()).await?;
    drop(abandoned);
    let report = client.flush(std::time::Duration::from_secs(5)).await;
    println!("dropped a guard; {} settlement in the background ended", report.settled);
    show(&client, "after the drop").await?;
    Ok(())
}

async fn show(client: &CyclesClient, when: &str) -> Result<(), Error> {
    for balance in client.get_balances(&BalanceParams::within(Scope::tenant("acme"))).await?.balances {
        let reserved = balance.reserved.as_ref().map(ToString::to_string).unwrap_or_default();
        println!("  {} {when}: {} left, {reserved} held", balance.scope_path, balance.remaining);
    }
    Ok(())
}

//! An authority over HTTP on this machine, for agents in other processes and languages. Ctrl-C ends it.
//!
//! Pass `--once` to make one call over HTTP and end.

use runcycles::{CyclesClient, JournalConfig, Reserve, usd};
use runcycles_authority::Authority;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let authority = Authority::builder().budget("tenant:acme", usd!(5)).start().await?;
    let server = authority.serve("127.0.0.1:0").await?;
    let key = authority.api_key("acme");
    println!("an authority with {} for tenant acme; give your agents:\n", usd!(5));
    println!("  export CYCLES_BASE_URL={}", server.url());
    println!("  export CYCLES_API_KEY={key}");
    println!("  export CYCLES_TENANT=acme\n");

    if std::env::args().any(|argument| argument == "--once") {
        let client =
            CyclesClient::builder(key, server.url()).tenant("acme").journal(JournalConfig::disabled()).try_build()?;
        let guard = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02))).await?;
        println!("reserved {} over HTTP", guard.reserved());
        guard.commit(usd!(0.013)).await?;
        if let Some(ledger) = authority.ledger("tenant:acme") {
            println!("tenant:acme: {} spent, {} left", ledger.spent, ledger.remaining);
        }
    } else {
        tokio::signal::ctrl_c().await?;
    }
    server.shutdown().await;
    Ok(())
}

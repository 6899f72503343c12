//! A crawler that makes many calls of a fraction of a cent: each reserved by itself, and then by a lease, where one reservation backs
//! many calls. Both stop at the same limit.
//!
//! `cargo run --example lease`

use runcycles::models::Amount;
use runcycles::{Error, Lease, LeaseStats, Scope, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, Reply, count_calls, llm, show};

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Without a lease, and with one.
    pub(crate) one_by_one: Crawl,
    pub(crate) leased: Crawl,
    /// What the lease says of itself.
    pub(crate) stats: LeaseStats,
    /// How often the model was called.
    pub(crate) calls: Calls,
}

/// What a crawl comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Crawl {
    pub(crate) pages: u64,
    pub(crate) requests: usize,
    pub(crate) spent: Amount,
}

#[cycles(usd!(0.003), "llm.completion", action_name = "gpt-4o-mini", agent = "crawler", actual = Reply::cost)]
async fn classify(page: u64) -> Result<Reply, Error> {
    Ok(llm("gpt-4o-mini", &format!("page {page}")).await)
}

/// The same, out of what its lease holds.
#[cycles(usd!(0.003), "llm.completion", action_name = "gpt-4o-mini", lease = lease, actual = Reply::cost)]
async fn classify_leased(lease: &Lease, page: u64) -> Result<Reply, Error> {
    Ok(llm("gpt-4o-mini", &format!("page {page}")).await)
}

/// Two crawlers with a dollar each, who read until their budgets say no.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let told = async {
        let authority = authority().await?;
        let client = authority.client("acme");
        let mut pages = 0;
        while client.run(classify(pages)).await.inspect_err(|error| println!("{error}\n")).is_ok() {
            pages += 1;
        }
        let one_by_one = crawl(&authority, pages);

        let authority = self::authority().await?;
        let client = authority.client("acme");
        // A chunk is what is spent in a moment, and a small part of the budget.
        let lease = client.lease(Scope::agent("crawler"), usd!(0.05)).action("llm.completion", "gpt-4o-mini");
        let lease = lease.open().await?;
        let mut pages = 0;
        while classify_leased(&lease, pages).await.inspect_err(|error| println!("{error}\n")).is_ok() {
            pages += 1;
            if pages == 10 {
                show("others see the whole chunk as reserved", &client).await?;
            }
        }
        let stats = lease.close().await?;
        show("after", &client).await?;
        Ok::<_, Box<dyn std::error::Error>>((one_by_one, crawl(&authority, pages), stats))
    };
    let (told, calls) = count_calls(told).await;
    let (one_by_one, leased, stats) = told?;
    Ok(Numbers { one_by_one, leased, stats, calls })
}

async fn authority() -> Result<Authority, Box<dyn std::error::Error>> {
    Ok(Authority::builder().budget("tenant:acme/agent:crawler", usd!(1)).record_requests().start().await?)
}

fn crawl(authority: &Authority, pages: u64) -> Crawl {
    let spent = authority.ledger("tenant:acme/agent:crawler").map_or(usd!(0), |ledger| ledger.spent);
    Crawl { pages, requests: authority.requests().len(), spent }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Numbers { one_by_one, leased, stats, .. } = story().await?;
    for (how, Crawl { pages, requests, spent }) in [("one by one", one_by_one), ("by a lease", leased)] {
        println!("{how}: {pages} pages for {spent}, in {requests} requests to the authority");
    }
    println!("{} chunks backed {} calls", stats.chunks, stats.settled);
    Ok(())
}

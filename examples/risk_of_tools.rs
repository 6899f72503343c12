//! Points of risk in place of money: an agent reads as much as it wants, and writes twice.
//!
//! `cargo run --example risk_of_tools`

use runcycles::{Error, cycles, risk_points};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, show, tool, until_denied};

/// Reading risks nothing, and says so.
#[cycles(risk_points(0), "crm.read", workflow = "refund-assistant", toolset = "crm-read", allow_zero = true)]
async fn read_case(case: &str) -> Result<String, Error> {
    tool("crm.read").await;
    Ok(format!("case {case}"))
}

/// Writing does.
#[cycles(risk_points(20), "crm.write", workflow = "refund-assistant", toolset = "crm-write", require = "toolset")]
async fn write_case(case: &str, note: &str) -> Result<String, Error> {
    tool("crm.write").await;
    Ok(format!("case {case}: {note}"))
}

/// Another workflow searches broadly.
#[cycles(risk_points(1), "web.search", workflow = "research-agent", toolset = "search")]
async fn search(question: &str) -> Result<String, Error> {
    tool("web.search").await;
    Ok(format!("all about {question}"))
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Cases that were written before that was denied.
    pub(crate) writes: u64,
    /// Whether reading and searching go on after that.
    pub(crate) reading_goes_on: bool,
    pub(crate) searching_goes_on: bool,
    pub(crate) calls: Calls,
}

/// An assistant that may write twice, beside a workflow that writes nothing.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder()
        .budget("tenant:acme", risk_points(1_000))
        .budget("tenant:acme/workflow:refund-assistant/toolset:crm-write", risk_points(40))
        .start()
        .await?;
    let client = authority.client("acme");

    show("before", &client).await?;
    let told = async {
        read_case("4782").await?;
        let (writes, no) = until_denied(|| write_case("4782", "refund $127")).await?;
        println!("{writes} writes; then: {no}\n");
        let reading_goes_on = read_case("4783").await.is_ok();
        let searching_goes_on = search("refunds").await.is_ok();
        Ok::<_, Error>((writes, reading_goes_on, searching_goes_on))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (writes, reading_goes_on, searching_goes_on) = told?;
    show("after", &client).await?;
    Ok(Numbers { writes, reading_goes_on, searching_goes_on, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}

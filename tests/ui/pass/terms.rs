//! What a call asks beside its reservation.
#![deny(warnings, clippy::pedantic)]

use runcycles::{Error, HeartbeatPolicy, Mode, OnUnsettled, Priority, UnknownSpend, credits, cycles, tokens, usd};

#[cycles(usd!(0.02), "llm.completion", require = "agent", priority = "low", mode = "shadow", unknown = "hold",
         on_unsettled = "error", heartbeat = "cancel", planned = "5m", needs_authority = true, key = "nightly")]
pub async fn words() -> Result<(), Error> {
    Ok(())
}

#[cycles(usd!(0.02), "llm.completion", require = ["workflow", "agent"], priority = &tier, mode = mode(),
         unknown = UnknownSpend::Release, on_unsettled = OnUnsettled::Value, heartbeat = HeartbeatPolicy::Warn,
         planned = std::time::Duration::from_secs(5), key = (job, 7, None::<u8>))]
pub async fn values(tier: Priority, job: String) -> Result<String, Error> {
    drop(tier);
    Ok(job)
}

fn mode() -> Mode {
    Mode::Enforce
}

#[cycles((usd!(0.02), tokens(1_000), credits(1)), "llm.completion",
         actual = |text| (usd!(0.01), text.len() as u64, credits(1)))]
pub async fn units() -> Result<String, Error> {
    Ok(String::new())
}

fn main() {}

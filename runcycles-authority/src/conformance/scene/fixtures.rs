//! Ledgers, holds and spend that checks start from.

use serde_json::Value;

use super::{Actor, Hold, Ledger, Operation, Place, Scene, fresh};
use crate::conformance::provision::LedgerSpec;
use crate::conformance::wire::{Answer, Call, Verdict};

/// The most pages of a list that are read, against servers whose lists never end.
const PAGES: usize = 100;

impl Scene {
    /// A workspace of its own, with room for places below it.
    pub(crate) fn workspace(&self) -> Place {
        self.acme.place().below("workspace", fresh("workspace"))
    }

    /// An agent of its own, without a budget.
    pub(crate) fn agent(&self) -> Place {
        self.acme.place().agent()
    }

    /// A tenant of its own.
    pub(crate) async fn tenant(&self) -> Verdict<Actor> {
        let tenant = fresh("own").chars().take(40).collect();
        Ok(Actor::enter(&self.target, tenant).await?)
    }

    pub(crate) async fn open_spec(&self, ledger: &LedgerSpec) -> Verdict {
        Ok(self.target.provisioner.open_ledger(ledger).await?)
    }

    /// Opens a ledger of tokens at a place.
    pub(crate) async fn fund(&self, place: &Place, allocated: i64) -> Verdict {
        self.open_spec(&place.ledger(allocated)).await
    }

    /// Opens a ledger at a place that may go into debt.
    pub(crate) async fn fund_with_limit(&self, place: &Place, allocated: i64, limit: i64) -> Verdict {
        self.open_spec(&LedgerSpec { overdraft_limit: limit, ..place.ledger(allocated) }).await
    }

    /// An agent of its own with a ledger of tokens.
    pub(crate) async fn funded(&self, allocated: i64) -> Verdict<Place> {
        let agent = self.agent();
        self.fund(&agent, allocated).await?;
        Ok(agent)
    }

    /// An agent of its own whose ledger may go into debt.
    pub(crate) async fn funded_with_limit(&self, allocated: i64, limit: i64) -> Verdict<Place> {
        let agent = self.agent();
        self.fund_with_limit(&agent, allocated, limit).await?;
        Ok(agent)
    }

    /// A workspace and an agent in it, each with a ledger of tokens.
    pub(crate) async fn family(&self, parent: i64, child: i64) -> Verdict<(Place, Place)> {
        let workspace = self.workspace();
        let agent = workspace.agent();
        self.fund(&workspace, parent).await?;
        self.fund(&agent, child).await?;
        Ok((workspace, agent))
    }

    /// An agent of its own whose only ledger is in another unit than tokens.
    pub(crate) async fn in_credits(&self, allocated: i64) -> Verdict<Place> {
        let agent = self.agent();
        self.open_spec(&LedgerSpec { unit: "CREDITS", ..agent.ledger(allocated) }).await?;
        Ok(agent)
    }

    pub(crate) async fn credit(&self, place: &Place, amount: i64) -> Verdict {
        Ok(self.target.provisioner.credit(&place.ledger(0), amount).await?)
    }

    pub(crate) async fn freeze(&self, place: &Place) -> Verdict {
        Ok(self.target.provisioner.freeze(&place.ledger(0)).await?)
    }

    pub(crate) async fn close_ledger(&self, place: &Place) -> Verdict {
        Ok(self.target.seeding.close_ledger(&place.ledger(0)).await?)
    }

    pub(crate) async fn hold(&self, place: &Place, estimate: i64) -> Verdict<Hold> {
        self.reserve(place, estimate).held().await
    }

    /// A hold under an overage policy.
    pub(crate) async fn hold_with(&self, place: &Place, estimate: i64, policy: &str) -> Verdict<Hold> {
        self.reserve(place, estimate).with("overage_policy", policy).held().await
    }

    /// A hold that lives for a second and then for as long as its grace period.
    pub(crate) async fn brief_hold(&self, place: &Place, estimate: i64, grace_ms: i64) -> Verdict<Hold> {
        self.reserve(place, estimate).with("ttl_ms", 1_000).with("grace_period_ms", grace_ms).held().await
    }

    /// Spends an amount by a reservation of its size.
    pub(crate) async fn spend(&self, place: &Place, amount: i64) -> Verdict {
        let hold = self.hold(place, amount).await?;
        self.commit(&hold.id, amount).ok().await.map(drop)
    }

    /// Reads the ledger of tokens at a place.
    pub(crate) async fn ledger(&self, place: &Place) -> Verdict<Ledger> {
        self.ledger_by(&self.acme, place).await
    }

    /// Reads a ledger as its owner does.
    pub(crate) async fn ledger_by(&self, owner: &Actor, place: &Place) -> Verdict<Ledger> {
        let scope = place.scope();
        let call = self.balances(place).query("limit", "200").api_key(&owner.key.secret);
        let pages = self.walk(call, "balances").await?;
        for page in &pages {
            let is_it = |row: &&Value| row["scope_path"] == scope.as_str() && row["remaining"]["unit"] == "TOKENS";
            if let Some(balance) = page.rows("balances")?.iter().find(is_it) {
                return Ledger::read(page, balance);
            }
        }
        Err(pages[pages.len() - 1].fault(format!("a balance of {scope} in TOKENS")))
    }

    /// Follows a list to its end; at least one page.
    pub(crate) async fn walk(&self, call: Call, member: &str) -> Verdict<Vec<Answer>> {
        let mut pages = vec![call.clone().ok().await?];
        while let Some(cursor) = next_cursor(&pages[pages.len() - 1], member)? {
            let page = call.clone().query("cursor", cursor).ok().await?;
            pages.push(page);
            if pages.len() > PAGES {
                return Err(pages[PAGES].fault(format!("an end of the list within {PAGES} pages")));
            }
        }
        Ok(pages)
    }

    /// Fails unless a ledger has the figures of an earlier reading.
    pub(crate) async fn unchanged(&self, place: &Place, before: &Ledger) -> Verdict {
        self.ledger(place).await?.unchanged_since(before)
    }

    /// Fails unless a reservation is still active; where the server cannot tell, it is released to see.
    pub(crate) async fn still_active(&self, id: &str) -> Verdict {
        if self.has(Operation::Get) {
            self.get(id).ok().await?.has("status", "ACTIVE")?;
        } else {
            self.release(id).ok().await?;
        }
        Ok(())
    }

    /// A ledger that is over its limit: an overrun was capped on it. Nothing of it is left.
    pub(crate) async fn over_limit(&self) -> Verdict<Place> {
        let agent = self.funded(100).await?;
        let hold = self.hold_with(&agent, 50, "ALLOW_IF_AVAILABLE").await?;
        self.commit(&hold.id, 150).ok().await?.amount("charged", 100)?;
        Ok(agent)
    }
}

/// Where the next page of a list starts, if there is one.
fn next_cursor<'a>(page: &'a Answer, member: &str) -> Verdict<Option<&'a str>> {
    page.rows(member)?;
    let more = page.find("has_more").and_then(Value::as_bool);
    Ok(page.find("next_cursor").and_then(Value::as_str).filter(|cursor| more != Some(false) && !cursor.is_empty()))
}

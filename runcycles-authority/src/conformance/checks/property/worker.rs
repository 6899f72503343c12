//! A client that makes random calls and remembers what it was told.

use super::tree::{CHILDREN, Tree};
use crate::conformance::scene::{Operation, Scene};
use crate::conformance::wire::{Answer, Call, Verdict};

/// Which overage policies a client uses.
#[derive(Clone, Copy, Debug)]
pub(super) enum Policies {
    Any,
    Reject,
    Overdraft,
    WithoutOverdraft,
}

impl Policies {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Any => &["REJECT", "ALLOW_IF_AVAILABLE", "ALLOW_WITH_OVERDRAFT"],
            Self::Reject => &["REJECT"],
            Self::Overdraft => &["ALLOW_WITH_OVERDRAFT"],
            Self::WithoutOverdraft => &["REJECT", "ALLOW_IF_AVAILABLE"],
        }
    }
}

/// A client that makes random calls.
#[derive(Debug)]
pub(super) struct Worker {
    scene: Scene,
    tree: Tree,
    policies: Policies,
    random: fastrand::Rng,
    /// Decides about repetitions, so that they do not change which calls are made.
    random_retries: fastrand::Rng,
    /// Whether every call is sent up to three times.
    pub(super) retries: bool,
    holds: Vec<Held>,
    /// What was charged at each child, by what the answers said.
    pub(super) charged: [i64; CHILDREN],
    acknowledged: Vec<(Call, Answer)>,
}

#[derive(Debug)]
struct Held {
    id: String,
    child: usize,
    estimate: i64,
}

/// Denials that a random call may meet.
const DENIALS: [&str; 3] = ["BUDGET_EXCEEDED", "OVERDRAFT_LIMIT_EXCEEDED", "DEBT_OUTSTANDING"];

impl Worker {
    pub(super) fn new(scene: &Scene, tree: &Tree, policies: Policies, seed: u64) -> Self {
        Self {
            scene: scene.clone(),
            tree: tree.clone(),
            policies,
            random: fastrand::Rng::with_seed(seed),
            random_retries: fastrand::Rng::with_seed(!seed),
            retries: false,
            holds: Vec::new(),
            charged: [0; CHILDREN],
            acknowledged: Vec::new(),
        }
    }

    /// What this client holds at a child.
    pub(super) fn held_at(&self, child: usize) -> i64 {
        self.holds.iter().filter(|held| held.child == child).map(|held| held.estimate).sum()
    }

    /// Makes one random call.
    pub(super) async fn step(&mut self) -> Verdict {
        match self.random.u32(0..100) {
            0..40 => self.reserve().await,
            40..70 => self.commit().await,
            70..80 => self.release().await,
            80..90 => self.extend().await,
            _ => self.event().await,
        }
    }

    /// Sends every call that succeeded again, and expects the same answers.
    pub(super) async fn repeat_everything(&mut self) -> Verdict {
        for (call, answer) in &self.acknowledged {
            call.clone().await?.replays(answer)?;
        }
        Ok(())
    }

    async fn reserve(&mut self) -> Verdict {
        let child = self.random.usize(0..CHILDREN);
        let estimate = self.random.i64(0..60);
        let policy = self.policy();
        let call = self.scene.reserve(&self.tree.children[child], estimate).with("overage_policy", policy);
        // Long enough that no hold of the round expires.
        let call = call.with("ttl_ms", 3_600_000);
        if let Some(answer) = self.send(call, 200).await? {
            let id = answer.text("reservation_id")?.to_owned();
            self.holds.push(Held { id, child, estimate });
        }
        Ok(())
    }

    async fn commit(&mut self) -> Verdict {
        let Some(index) = self.any_hold() else { return Ok(()) };
        let Held { id, child, estimate } = &self.holds[index];
        let (child, actual) = (*child, self.random.i64(0..=estimate * 2));
        let call = self.scene.commit(id, actual);
        if let Some(answer) = self.send(call, 200).await? {
            self.charged[child] += answer.integer("charged.amount")?;
            self.holds.swap_remove(index);
        }
        Ok(())
    }

    async fn release(&mut self) -> Verdict {
        let Some(index) = self.any_hold() else { return Ok(()) };
        let Held { id, estimate, .. } = &self.holds[index];
        let (call, estimate) = (self.scene.release(id), *estimate);
        if let Some(answer) = self.send(call, 200).await? {
            answer.amount("released", estimate)?;
            self.holds.swap_remove(index);
        }
        Ok(())
    }

    async fn extend(&mut self) -> Verdict {
        let Some(index) = self.any_hold() else { return Ok(()) };
        let call = self.scene.extend(&self.holds[index].id, 1_000);
        let answer = call.clone().await?;
        // A hold that was extended often enough stays as it is.
        if answer.code() == 409 {
            answer.refusal(409, "MAX_EXTENSIONS_EXCEEDED")?;
            return Ok(());
        }
        answer.status(200)?;
        self.again(&call, &answer).await
    }

    async fn event(&mut self) -> Verdict {
        if !self.scene.has(Operation::Event) {
            return Ok(());
        }
        let child = self.random.usize(0..CHILDREN);
        let actual = self.random.i64(0..40);
        let policy = self.policy();
        let call = self.scene.event(&self.tree.children[child], actual).with("overage_policy", policy);
        if let Some(answer) = self.send(call, 201).await? {
            let charged = answer.find("charged.amount").and_then(serde_json::Value::as_i64);
            self.charged[child] += charged.unwrap_or(actual);
        }
        Ok(())
    }

    fn policy(&mut self) -> &'static str {
        self.random.choice(self.policies.names()).copied().unwrap_or("REJECT")
    }

    fn any_hold(&mut self) -> Option<usize> {
        (!self.holds.is_empty()).then(|| self.random.usize(0..self.holds.len()))
    }

    /// Sends a call that may be denied; the answer where it was not.
    async fn send(&mut self, call: Call, status: u16) -> Verdict<Option<Answer>> {
        let answer = call.clone().await?;
        if answer.code() == 409 {
            let denied = answer.text("error").is_ok_and(|code| DENIALS.contains(&code));
            answer.expect(denied, format!("{status}, or 409 with one of {}", DENIALS.join(", ")))?;
        } else {
            answer.status(status)?;
        }
        self.again(&call, &answer).await?;
        if answer.code() == 409 {
            return Ok(None);
        }
        self.acknowledged.push((call, answer.clone()));
        Ok(Some(answer))
    }

    /// Sends a call again, none to two times, and expects what came first.
    async fn again(&mut self, call: &Call, first: &Answer) -> Verdict {
        let times = if self.retries { self.random_retries.u32(0..3) } else { 0 };
        for _ in 0..times {
            let again = call.clone().await?;
            if first.code() < 400 {
                again.replays(first)?;
            } else {
                again.expect(again.code() == first.code(), format!("{} again", first.code()))?;
            }
        }
        Ok(())
    }
}

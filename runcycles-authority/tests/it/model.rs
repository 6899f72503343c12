//! The authority against a model: the protocol's arithmetic written down once more, as plainly as it can be.

use proptest::prelude::*;
use serde_json::Value;

use crate::properties::{Call, POLICIES, Session, call};
use crate::support::{Reply, START_MS};

/// How often a reservation can be extended.
const EXTENSIONS: u32 = 10;
/// How long after its lease a reservation can be settled.
const GRACE_MS: u64 = 500;

/// A ledger: what it was given, and what became of it.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    allocated: i64,
    spent: i64,
    reserved: i64,
    debt: i64,
    limit: i64,
    is_over: bool,
}

impl Account {
    fn remaining(&self) -> i64 {
        self.allocated - self.spent - self.reserved - self.debt
    }

    /// What there is to take.
    fn available(&self) -> i64 {
        self.remaining().max(0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Active,
    Committed,
    Released,
    Expired,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    agent: usize,
    estimate: i64,
    policy: &'static str,
    expires_at: u64,
    extensions: u32,
    status: Status,
}

impl Hold {
    /// Whether it can still be settled.
    fn check_open(&self) -> Result<(), (u16, &'static str)> {
        match self.status {
            Status::Active => Ok(()),
            Status::Expired => Err((410, "RESERVATION_EXPIRED")),
            Status::Committed | Status::Released => Err((409, "RESERVATION_FINALIZED")),
        }
    }
}

/// What a call comes to: what was charged and what was given back, or a status and a code.
type Outcome = Result<(Option<i64>, Option<i64>), (u16, &'static str)>;

/// The tenant's account, and those of agents `a` and `b`.
#[derive(Debug)]
struct Model {
    accounts: [Account; 3],
    holds: Vec<Hold>,
    now: u64,
}

impl Model {
    fn new(allocations: [u64; 3], limits: [u64; 3]) -> Self {
        let account = |at: usize| Account {
            allocated: allocations[at].cast_signed(),
            limit: limits[at].cast_signed(),
            ..Account::default()
        };
        Self { accounts: [0, 1, 2].map(account), holds: Vec::new(), now: START_MS }
    }

    fn make(&mut self, call: &Call) -> Option<Outcome> {
        let agent_of = |agent: &str| if agent == "a" { 1 } else { 2 };
        let count = self.holds.len();
        let pick = |reservation: usize| (count > 0).then(|| reservation % count);
        Some(match call {
            Call::Advance { ms } => {
                self.now += ms;
                self.expire();
                return None;
            }
            Call::Reserve { agent, estimate, policy, ttl_ms } => {
                self.reserve(agent_of(agent), estimate.cast_signed(), policy, *ttl_ms)
            }
            Call::Event { agent, actual, policy } => self.event(agent_of(agent), actual.cast_signed(), policy),
            Call::Commit { reservation, actual } => self.commit(pick(*reservation)?, actual.cast_signed()),
            Call::Release { reservation } => self.release(pick(*reservation)?),
            Call::Extend { reservation, by_ms } => self.extend(pick(*reservation)?, *by_ms),
        })
    }

    fn expire(&mut self) {
        for hold in &mut self.holds {
            if hold.status == Status::Active && self.now > hold.expires_at + GRACE_MS {
                hold.status = Status::Expired;
                for at in [0, hold.agent] {
                    self.accounts[at].reserved -= hold.estimate;
                }
            }
        }
    }

    fn reserve(&mut self, agent: usize, estimate: i64, policy: &'static str, ttl_ms: u64) -> Outcome {
        for at in [0, agent] {
            let account = &self.accounts[at];
            if account.is_over {
                return Err((409, "OVERDRAFT_LIMIT_EXCEEDED"));
            }
            if account.debt > 0 && account.limit == 0 {
                return Err((409, "DEBT_OUTSTANDING"));
            }
            if account.remaining() < estimate {
                return Err((409, "BUDGET_EXCEEDED"));
            }
        }
        for at in [0, agent] {
            self.accounts[at].reserved += estimate;
        }
        let expires_at = self.now + ttl_ms;
        self.holds.push(Hold { agent, estimate, policy, expires_at, extensions: 0, status: Status::Active });
        Ok((None, None))
    }

    fn commit(&mut self, at: usize, actual: i64) -> Outcome {
        let hold = self.holds[at];
        hold.check_open()?;
        let charged = self.charge(hold.agent, Some(hold.estimate), actual, hold.policy)?;
        self.holds[at].status = Status::Committed;
        let released = (charged < hold.estimate).then_some(hold.estimate - charged);
        Ok((Some(charged), released))
    }

    fn release(&mut self, at: usize) -> Outcome {
        let hold = self.holds[at];
        hold.check_open()?;
        self.holds[at].status = Status::Released;
        for at in [0, hold.agent] {
            self.accounts[at].reserved -= hold.estimate;
        }
        Ok((None, Some(hold.estimate)))
    }

    fn extend(&mut self, at: usize, by_ms: u64) -> Outcome {
        let hold = self.holds[at];
        hold.check_open()?;
        if self.now > hold.expires_at {
            return Err((410, "RESERVATION_EXPIRED"));
        }
        if hold.extensions >= EXTENSIONS {
            return Err((409, "MAX_EXTENSIONS_EXCEEDED"));
        }
        self.holds[at].extensions += 1;
        self.holds[at].expires_at += by_ms;
        Ok((None, None))
    }

    fn event(&mut self, agent: usize, actual: i64, policy: &'static str) -> Outcome {
        let is_short = [0, agent].iter().any(|at| self.accounts[*at].remaining() < actual);
        if policy == "REJECT" && is_short {
            return Err((409, "BUDGET_EXCEEDED"));
        }
        let charged = self.charge(agent, None, actual, policy)?;
        // An event tells only what differs from what was asked.
        Ok(((charged != actual).then_some(charged), None))
    }

    /// Charges an actual amount where an estimate was held, or nothing was, and returns what was charged.
    fn charge(
        &mut self,
        agent: usize,
        held: Option<i64>,
        actual: i64,
        policy: &str,
    ) -> Result<i64, (u16, &'static str)> {
        let estimate = held.unwrap_or(0);
        let scopes = [0, agent];
        let beyond = actual - estimate;
        let mut extra = beyond;
        if beyond > 0 {
            match policy {
                // The event was looked at before; a commit has its estimate and no more.
                "REJECT" if held.is_some() => return Err((409, "BUDGET_EXCEEDED")),
                "REJECT" => {}
                "ALLOW_IF_AVAILABLE" => {
                    extra = scopes.iter().fold(beyond, |extra, at| extra.min(self.accounts[*at].available()));
                }
                _ => {
                    for at in scopes {
                        let account = &self.accounts[at];
                        if account.limit == 0 && account.remaining() < beyond {
                            extra = extra.min(account.available());
                        }
                    }
                    for at in scopes {
                        let account = &self.accounts[at];
                        let deficit = extra - account.available().min(extra);
                        if account.limit > 0 && account.debt + deficit > account.limit {
                            return Err((409, "OVERDRAFT_LIMIT_EXCEEDED"));
                        }
                    }
                }
            }
        }
        for at in scopes {
            let account = &mut self.accounts[at];
            let may_owe = policy == "ALLOW_WITH_OVERDRAFT" && account.limit > 0;
            let is_capped = extra < beyond && !may_owe && account.remaining() < beyond;
            let funded = if extra > 0 { extra.min(account.available()) } else { extra };
            account.is_over |= is_capped;
            account.debt += extra - funded;
            account.spent += estimate + funded;
            account.reserved -= estimate;
        }
        Ok(estimate + extra)
    }
}

fn outcome(call: &Call, reply: &Reply) -> Result<(Option<i64>, Option<i64>), (u16, String)> {
    let amount = |member: &Value| member["amount"].as_i64();
    if reply.status.is_success() {
        let charged = amount(&reply.body["charged"]);
        let released = amount(&reply.body["released"]);
        return Ok((charged, released));
    }
    let (status, code) = reply.refusal();
    assert!(status < 500, "{call:?} was answered {}", reply.body);
    Err((status, code.to_owned()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_authority_does_what_the_model_does(
        calls in prop::collection::vec(call(&POLICIES), 1..80),
        allocations in prop::array::uniform3(0..400_u64),
        limits in prop::array::uniform3(prop_oneof![Just(0), 0..80_u64]),
    ) {
        let (mut session, mut model) = (Session::new(allocations, limits), Model::new(allocations, limits));
        for call in &calls {
            let expected = model.make(call).map(|outcome| outcome.map_err(|(status, code)| (status, code.to_owned())));
            let found = session.make(call, 1).map(|reply| outcome(call, &reply));
            prop_assert_eq!(found, expected, "{:?}", call);
            for (account, ledger) in model.accounts.iter().zip(session.ledgers()) {
                let found = [ledger.spent, ledger.reserved, ledger.debt].map(|amount| amount.value().cast_signed());
                prop_assert_eq!(found, [account.spent, account.reserved, account.debt], "{:?}", call);
                prop_assert_eq!(ledger.remaining.value(), account.remaining(), "{:?}", call);
                prop_assert_eq!(ledger.is_over_limit, account.is_over, "{:?}", call);
            }
        }
    }
}

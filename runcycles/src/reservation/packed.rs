//! Scopes and budgets as a guard keeps them: in a third of the memory of the protocol's form.

use super::budgets::Listed;
use crate::protocol::{Amount, Balance, SignedAmount, Unit};
use crate::transport::{leaf_of, scopes_of};

/// What a usual answer tells: a scope with those above it, and budgets on the way to it. Guards hold it for as long as they
/// live, and few look at it.
#[derive(Debug)]
pub(super) struct Packed {
    /// The path of the innermost scope, in which those of the others begin.
    path: Box<str>,
    lines: Box<[Line]>,
}

/// A budget's ledger in one unit.
#[derive(Debug)]
struct Line {
    /// Where the path of its scope ends.
    end: usize,
    unit: Unit,
    remaining: i64,
    /// In the order of [`amounts`]; which of them were told stands in `told`.
    amounts: [u64; 5],
    told: [bool; 5],
    is_over_limit: Option<bool>,
}

/// The amounts that an answer may leave out.
fn amounts(balance: &Balance) -> [&Option<Amount>; 5] {
    [&balance.reserved, &balance.spent, &balance.allocated, &balance.debt, &balance.overdraft_limit]
}

impl Packed {
    /// The same in little memory, or `None` where something is told in another way.
    pub(super) fn new(told: &Listed) -> Option<Self> {
        let path = told.scopes.last()?;
        if !scopes_of(path).eq(told.scopes.iter().map(String::as_str)) {
            return None;
        }
        let line = |balance: &Balance| Line::new(balance).filter(|_| told.scopes.contains(&balance.scope_path));
        let lines: Option<Box<[Line]>> = told.balances.iter().map(line).collect();
        Some(Self { path: path.as_str().into(), lines: lines? })
    }

    /// The protocol's form, exactly as it was told.
    pub(super) fn unpack(&self) -> Listed {
        Listed {
            scopes: scopes_of(&self.path).map(str::to_owned).collect(),
            balances: self.lines.iter().map(|line| line.unpack(&self.path[..line.end])).collect(),
        }
    }

    /// The scopes without a budget of their own, where budgets are told at all.
    pub(super) fn unbudgeted(&self) -> impl Iterator<Item = &str> {
        let has_none = |scope: &&str| self.lines.iter().all(|line| line.end != scope.len());
        scopes_of(&self.path).filter(|_| !self.lines.is_empty()).filter(has_none)
    }
}

impl Line {
    fn new(balance: &Balance) -> Option<Self> {
        let unit = balance.remaining.unit();
        let amounts = amounts(balance);
        let is_usual = balance.extra.is_empty()
            && balance.scope == leaf_of(&balance.scope_path)
            && amounts.iter().all(|amount| amount.as_ref().is_none_or(|amount| amount.unit() == unit));
        is_usual.then(|| Self {
            end: balance.scope_path.len(),
            unit: unit.clone(),
            remaining: balance.remaining.value(),
            amounts: amounts.map(|amount| amount.as_ref().map_or(0, Amount::value)),
            told: amounts.map(Option::is_some),
            is_over_limit: balance.is_over_limit,
        })
    }

    fn unpack(&self, path: &str) -> Balance {
        let remaining = SignedAmount::new(self.unit.clone(), self.remaining);
        let mut balance = Balance::new(leaf_of(path).to_owned(), path.to_owned(), remaining);
        let amount = |at: usize| self.told[at].then(|| Amount::new(self.unit.clone(), self.amounts[at]));
        (balance.reserved, balance.spent, balance.allocated) = (amount(0), amount(1), amount(2));
        (balance.debt, balance.overdraft_limit) = (amount(3), amount(4));
        balance.is_over_limit = self.is_over_limit;
        balance
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn amount(value: i64) -> Value {
        json!({"unit": "TOKENS", "amount": value})
    }

    fn told(scopes: &[&str], balances: Value) -> Listed {
        let scopes = scopes.iter().map(ToString::to_string).collect();
        Listed { scopes, balances: serde_json::from_value(balances).expect("balances") }
    }

    #[test]
    fn a_usual_answer_is_kept_without_loss() {
        let scopes = ["tenant:acme", "tenant:acme/app:ünï", "tenant:acme/app:ünï/agent:bot"];
        for balances in [
            json!([]),
            json!([{"scope": "agent:bot", "scope_path": scopes[2], "remaining": amount(-7)}]),
            json!([
                {"scope": "tenant:acme", "scope_path": scopes[0], "remaining": amount(1), "reserved": amount(2),
                 "spent": amount(3), "allocated": amount(4), "debt": amount(5), "overdraft_limit": amount(0),
                 "is_over_limit": false},
                {"scope": "app:ünï", "scope_path": scopes[1], "remaining": {"unit": "QUBITS", "amount": 1},
                 "spent": {"unit": "QUBITS", "amount": 9}, "is_over_limit": true},
            ]),
        ] {
            let told = told(&scopes, balances);
            let packed = Packed::new(&told).expect("a usual answer");
            assert_eq!(packed.unpack(), told);
        }
    }

    #[test]
    fn an_answer_of_another_form_is_not_packed() {
        let budget = json!({"scope": "tenant:acme", "scope_path": "tenant:acme", "remaining": amount(1)});
        let with = |name: &str, value: Value| {
            let mut budget = budget.clone();
            budget[name] = value;
            json!([budget])
        };
        for told in [
            told(&[], json!([])),
            told(&["tenant:acme/agent:bot"], json!([])),
            told(&["tenant:acme", "tenant:acme", "tenant:acme/agent:bot"], json!([])),
            told(&["tenant:acme"], with("scope", json!("acme"))),
            told(&["tenant:acme"], with("spent", json!({"unit": "CREDITS", "amount": 1}))),
            told(&["tenant:acme"], with("status", json!("FROZEN"))),
            told(&["tenant:acme", "tenant:acme/agent:bot"], with("scope_path", json!("tenant:acme/app:x/tenant:acme"))),
        ] {
            assert!(Packed::new(&told).is_none(), "{told:?}");
        }
    }

    #[test]
    fn scopes_without_a_budget_are_told_apart() {
        let scopes = ["tenant:acme", "tenant:acme/agent:bot"];
        let budget = json!([{"scope": "agent:bot", "scope_path": scopes[1], "remaining": amount(1)}]);
        let packed = Packed::new(&told(&scopes, budget)).expect("a usual answer");
        assert_eq!(packed.unbudgeted().collect::<Vec<_>>(), ["tenant:acme"]);
        let packed = Packed::new(&told(&scopes, json!([]))).expect("a usual answer");
        assert_eq!(packed.unbudgeted().count(), 0);
    }
}

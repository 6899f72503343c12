//! What happens to spend beyond what was reserved.

use runcycles::tokens;
use runcycles_authority::{Budget, Funding};
use serde_json::json;

use crate::support::{World, hold, spend, with};

const PARENT: &str = "tenant:acme";
const CHILD: &str = "tenant:acme/agent:bot";

/// A budget before an example: scope, allocated, spent, overdraft limit.
type Start = (&'static str, u64, u64, u64);

/// Spent, reserved, debt, remaining, over the limit.
type Figures = (u64, u64, u64, i64, bool);

enum Step {
    /// Holds an amount under a policy.
    Reserve(u64, &'static str),
    ReserveRefused(u64, &'static str),
    /// Commits the oldest reservation that is not settled: actual, charged, released.
    Commit(u64, u64, Option<u64>),
    CommitRefused(u64, &'static str),
    /// Releases the oldest reservation that is not settled.
    Release,
    EventRefused(u64, &'static str, &'static str),
    Ledger(&'static str, Figures),
}

use Step::{Commit, CommitRefused, EventRefused, Ledger, Release, Reserve, ReserveRefused};

const REJECT: &str = "REJECT";
const IF_AVAILABLE: &str = "ALLOW_IF_AVAILABLE";
const OVERDRAFT: &str = "ALLOW_WITH_OVERDRAFT";
const LARGEST: u64 = i64::MAX as u64;

/// The worked examples of the protocol's arithmetic, by number.
const EXAMPLES: &[(&str, &[Start], &[Step])] = &[
    (
        "1: less than reserved",
        &[(CHILD, 1_000_000, 0, 0)],
        &[
            Reserve(5_000, IF_AVAILABLE),
            Commit(3_000, 3_000, Some(2_000)),
            Ledger(CHILD, (3_000, 0, 0, 997_000, false)),
        ],
    ),
    (
        "2: as much as reserved",
        &[(CHILD, 1_000_000, 0, 0)],
        &[Reserve(5_000, IF_AVAILABLE), Commit(5_000, 5_000, None), Ledger(CHILD, (5_000, 0, 0, 995_000, false))],
    ),
    (
        "3: nothing",
        &[(CHILD, 1_000_000, 0, 0)],
        &[Reserve(5_000, IF_AVAILABLE), Commit(0, 0, Some(5_000)), Ledger(CHILD, (0, 0, 0, 1_000_000, false))],
    ),
    (
        "4: all there is",
        &[(CHILD, 10_000, 0, 0)],
        &[Reserve(4_000, IF_AVAILABLE), Commit(10_000, 10_000, None), Ledger(CHILD, (10_000, 0, 0, 0, false))],
    ),
    (
        "5: capped far below the actual amount",
        &[(CHILD, 1_000_000, 990_000, 0)],
        &[
            Reserve(1_000, IF_AVAILABLE),
            Ledger(CHILD, (990_000, 1_000, 0, 9_000, false)),
            Commit(50_000, 10_000, None),
            Ledger(CHILD, (1_000_000, 0, 0, 0, true)),
            ReserveRefused(0, "OVERDRAFT_LIMIT_EXCEEDED"),
        ],
    ),
    (
        "6: capped at the estimate",
        &[(CHILD, 1_000_000, 995_000, 0)],
        &[Reserve(5_000, IF_AVAILABLE), Commit(6_000, 5_000, None), Ledger(CHILD, (1_000_000, 0, 0, 0, true))],
    ),
    (
        "7: capped by the parent alone",
        &[(PARENT, 150, 0, 0), (CHILD, 1_000, 0, 0)],
        &[
            Reserve(100, IF_AVAILABLE),
            Commit(200, 150, None),
            Ledger(PARENT, (150, 0, 0, 0, true)),
            Ledger(CHILD, (150, 0, 0, 850, false)),
        ],
    ),
    (
        "8: rejected, then within the estimate",
        &[(CHILD, 1_000, 0, 0)],
        &[
            Reserve(100, REJECT),
            CommitRefused(101, "BUDGET_EXCEEDED"),
            Ledger(CHILD, (0, 100, 0, 900, false)),
            Commit(100, 100, None),
            Ledger(CHILD, (100, 0, 0, 900, false)),
        ],
    ),
    (
        "9: overdraft beyond and within the limit",
        &[(CHILD, 1_000_000, 950_000, 100_000)],
        &[
            Reserve(1_000, OVERDRAFT),
            CommitRefused(500_000, "OVERDRAFT_LIMIT_EXCEEDED"),
            Ledger(CHILD, (950_000, 1_000, 0, 49_000, false)),
            Commit(100_000, 100_000, None),
            Ledger(CHILD, (1_000_000, 0, 50_000, -50_000, false)),
            ReserveRefused(0, "BUDGET_EXCEEDED"),
        ],
    ),
    (
        "10: debt equal to the limit",
        &[(CHILD, 1_000, 0, 100)],
        &[
            Reserve(1_000, OVERDRAFT),
            Commit(1_100, 1_100, None),
            Ledger(CHILD, (1_000, 0, 100, -100, false)),
            EventRefused(1, OVERDRAFT, "OVERDRAFT_LIMIT_EXCEEDED"),
        ],
    ),
    (
        "11: debt one above the limit",
        &[(CHILD, 1_000, 0, 100)],
        &[
            Reserve(1_000, OVERDRAFT),
            CommitRefused(1_101, "OVERDRAFT_LIMIT_EXCEEDED"),
            Ledger(CHILD, (0, 1_000, 0, 0, false)),
        ],
    ),
    (
        "12: overdraft without a limit is capped",
        &[(CHILD, 1_000_000, 950_000, 0)],
        &[Reserve(1_000, OVERDRAFT), Commit(100_000, 50_000, None), Ledger(CHILD, (1_000_000, 0, 0, 0, true))],
    ),
    (
        "13: the parent caps, the child goes into debt",
        &[(PARENT, 130, 0, 0), (CHILD, 100, 0, 100)],
        &[
            Reserve(100, OVERDRAFT),
            Commit(150, 130, None),
            Ledger(PARENT, (130, 0, 0, 0, true)),
            Ledger(CHILD, (100, 0, 30, -30, false)),
        ],
    ),
    (
        "14: the child's limit refuses for both",
        &[(PARENT, 120, 0, 100), (CHILD, 100, 0, 20)],
        &[
            Reserve(100, OVERDRAFT),
            CommitRefused(130, "OVERDRAFT_LIMIT_EXCEEDED"),
            Ledger(PARENT, (0, 100, 0, 20, false)),
            Ledger(CHILD, (0, 100, 0, 0, false)),
            Commit(120, 120, None),
            Ledger(PARENT, (120, 0, 0, 0, false)),
            Ledger(CHILD, (100, 0, 20, -20, false)),
        ],
    ),
    (
        "15: a release does not clear the flag",
        &[(CHILD, 100, 0, 0)],
        &[
            Reserve(60, IF_AVAILABLE),
            Reserve(40, IF_AVAILABLE),
            Commit(90, 60, None),
            Ledger(CHILD, (60, 40, 0, 0, true)),
            Release,
            Ledger(CHILD, (60, 0, 0, 40, true)),
            ReserveRefused(10, "OVERDRAFT_LIMIT_EXCEEDED"),
        ],
    ),
    (
        "16: debt within the limit does not block",
        &[(CHILD, 100, 0, 50)],
        &[
            Reserve(60, OVERDRAFT),
            Reserve(40, IF_AVAILABLE),
            Commit(90, 90, None),
            Ledger(CHILD, (60, 40, 30, -30, false)),
            Release,
            Ledger(CHILD, (60, 0, 30, 10, false)),
            Reserve(10, IF_AVAILABLE),
        ],
    ),
    (
        "17: the largest amount, exactly",
        &[(CHILD, LARGEST, 0, 0)],
        &[Reserve(LARGEST, IF_AVAILABLE), Commit(LARGEST, LARGEST, None), Ledger(CHILD, (LARGEST, 0, 0, 0, false))],
    ),
];

#[test]
fn every_worked_example_of_the_arithmetic_holds() {
    for (name, budgets, steps) in EXAMPLES {
        let world = World::new(|builder| {
            budgets.iter().fold(builder, |builder, (scope, allocated, spent, limit)| {
                let budget = Budget::new(tokens(*allocated)).spent(tokens(*spent)).overdraft_limit(tokens(*limit));
                builder.budget(*scope, budget)
            })
        });
        let mut held = std::collections::VecDeque::new();
        for step in *steps {
            match step {
                Reserve(estimate, policy) => {
                    held.push_back(world.acme.held(&with(hold(*estimate), json!({"overage_policy": policy}))));
                }
                ReserveRefused(estimate, code) => {
                    assert_eq!(world.acme.reserve(&hold(*estimate)).refusal(), (409, *code), "{name}");
                }
                Commit(actual, charged, released) => {
                    let id = held.pop_front().expect("a reservation to commit");
                    let body = world.acme.commit(&id, *actual).ok();
                    assert_eq!(body["charged"]["amount"], *charged, "{name}: {body}");
                    assert_eq!(body["released"]["amount"].as_u64(), *released, "{name}: {body}");
                }
                CommitRefused(actual, code) => {
                    let id = held.front().expect("a reservation to commit");
                    assert_eq!(world.acme.commit(id, *actual).refusal(), (409, *code), "{name}");
                    let still = world.acme.get(&format!("/v1/reservations/{id}")).ok();
                    assert_eq!(still["status"], "ACTIVE", "{name}");
                }
                Release => {
                    let id = held.pop_front().expect("a reservation to release");
                    world.acme.release(&id).ok();
                }
                EventRefused(actual, policy, code) => {
                    let event = with(spend(*actual), json!({"overage_policy": policy}));
                    assert_eq!(world.acme.post("/v1/events", &event).refusal(), (409, *code), "{name}");
                }
                Ledger(scope, figures) => assert_eq!(world.figures(scope), *figures, "{name} at {scope}"),
            }
        }
    }
}

#[test]
fn an_event_is_capped_by_the_poorest_budget() {
    let world = World::new(|builder| builder.budget(PARENT, tokens(50)).budget(CHILD, tokens(950)));

    let reply = world.acme.post("/v1/events", &spend(100));

    assert_eq!(reply.status, 201);
    assert_eq!(reply.body["status"], "APPLIED");
    assert_eq!(reply.body["charged"]["amount"], 50);
    assert_eq!(world.figures(PARENT), (50, 0, 0, 0, true));
    assert_eq!(world.figures(CHILD), (50, 0, 0, 900, false));
}

#[test]
fn a_rejecting_event_is_charged_to_the_last_token_or_not_at_all() {
    let world = World::new(|builder| builder.budget(PARENT, tokens(50)).budget(CHILD, tokens(950)));
    let reject = |actual| with(spend(actual), json!({"overage_policy": "REJECT"}));

    assert_eq!(world.acme.post("/v1/events", &reject(51)).refusal(), (409, "BUDGET_EXCEEDED"));
    assert_eq!(world.figures(CHILD), (0, 0, 0, 950, false));

    let body = world.acme.post("/v1/events", &reject(50)).ok();
    assert_eq!(body.get("charged"), None);
    assert_eq!(world.figures(PARENT), (50, 0, 0, 0, false));
}

#[test]
fn an_event_goes_into_debt_and_a_later_one_is_charged_nothing() {
    let world = World::new(|builder| builder.budget(CHILD, Budget::new(tokens(100)).overdraft_limit(tokens(50))));

    let body = world.acme.post("/v1/events", &with(spend(150), json!({"overage_policy": "ALLOW_WITH_OVERDRAFT"}))).ok();
    assert_eq!(body.get("charged"), None);
    assert_eq!(world.figures(CHILD), (100, 0, 50, -50, false));

    let body = world.acme.post("/v1/events", &spend(1)).ok();
    assert_eq!(body["charged"]["amount"], 0);
    assert_eq!(world.figures(CHILD), (100, 0, 50, -50, true));
}

#[test]
fn an_event_is_capped_where_overdraft_has_no_limit() {
    let world = World::new(|builder| builder.budget(CHILD, tokens(50_000)));

    let event = with(spend(500_000), json!({"overage_policy": OVERDRAFT}));
    let body = world.acme.post("/v1/events", &event).ok();

    assert_eq!(body["charged"]["amount"], 50_000);
    assert_eq!(world.figures(CHILD), (50_000, 0, 0, 0, true));
}

#[test]
fn events_ignore_the_over_limit_flag() {
    let world = World::new(|builder| builder.budget(CHILD, tokens(100)));
    let (first, second) = (world.acme.held(&hold(60)), world.acme.held(&hold(40)));
    world.acme.commit(&first, 90).ok();
    world.acme.release(&second).ok();

    assert_eq!(world.acme.post("/v1/events", &spend(30)).status, 201);
    assert_eq!(world.figures(CHILD), (90, 0, 0, 10, true));
}

#[test]
fn any_funding_clears_a_flag_set_by_capping() {
    let world = World::new(|builder| builder.budget(CHILD, Budget::new(tokens(1_000_000)).spent(tokens(990_000))));
    let id = world.acme.held(&hold(1_000));
    world.acme.commit(&id, 50_000).ok();

    world.authority.fund(CHILD, tokens(0)).expect("a budget to fund");

    assert_eq!(world.figures(CHILD), (1_000_000, 0, 0, 0, false));
    assert_eq!(world.acme.reserve(&hold(1)).refusal(), (409, "BUDGET_EXCEEDED"));
}

#[test]
fn credit_leaves_debt_and_repayment_pays_it_first() {
    let in_debt = || {
        let budget = Budget::new(tokens(1_000_000)).spent(tokens(1_000_000)).debt(tokens(50_000));
        World::new(|builder| builder.budget(CHILD, budget.overdraft_limit(tokens(100_000))))
    };

    let credited = in_debt();
    credited.authority.fund(CHILD, tokens(60_000)).expect("a budget to fund");
    assert_eq!(credited.figures(CHILD), (1_000_000, 0, 50_000, 10_000, false));
    credited.acme.reserve(&hold(5_000)).ok();

    let repaid = in_debt();
    let ledger = repaid.authority.fund(CHILD, Funding::RepayDebt(tokens(60_000))).expect("a budget to fund");
    assert_eq!(ledger.allocated, tokens(1_010_000));
    assert_eq!(repaid.figures(CHILD), (1_000_000, 0, 0, 10_000, false));
}

#[test]
fn debt_without_a_limit_blocks_reservations() {
    let budget = Budget::new(tokens(100)).debt(tokens(10));
    let world = World::new(|builder| builder.budget(CHILD, budget));

    let reply = world.acme.reserve(&hold(1));

    assert_eq!(reply.refusal(), (409, "DEBT_OUTSTANDING"));
    assert_eq!(reply.body["details"]["reason"], "DEBT_OUTSTANDING");
}

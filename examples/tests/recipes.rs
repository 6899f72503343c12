//! The stories of the examples, and the numbers that they reach: the code that a user reads is the code that is tested.

mod recipes {
    mod action_authority;
    mod agent_loop;
    mod audit_mistakes;
    mod budget_handle;
    mod combined_patterns;
    mod conversations;
    mod daily_reset;
    mod degradation;
    mod hybrid_budget;
    mod lease;
    mod model_tiers;
    mod one_line;
    mod per_user_budget;
    mod prices;
    mod priority_tiers;
    mod research_ladder;
    mod risk_of_tools;
    mod rollout_phases;
    mod run_budgets;
    mod run_policy;
    mod runaway;
    mod shadow_rollout;
    mod start_migrate;
    mod start_platform;
    mod start_saas;
    mod start_single;
    mod team_rollup;
    mod tenant_per_customer;
    mod workflow_caps;
    mod workspace_customers;

    type Outcome = Result<(), Box<dyn std::error::Error>>;
}

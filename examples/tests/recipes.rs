//! The stories of the examples, and the numbers that they reach: the code that a user reads is the code that is tested.

mod recipes {
    mod action_authority;
    mod per_user_budget;
    mod runaway;

    type Outcome = Result<(), Box<dyn std::error::Error>>;
}

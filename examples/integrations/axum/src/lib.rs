#![doc = include_str!("../README.md")]

mod body;
mod caller;
mod refused;
mod route_budget;

pub use self::caller::{Caller, Callers, ScopeOf, Tenant, as_caller};
pub use self::refused::{Exhausted, Problems, Refused};
pub use self::route_budget::{RouteBudget, route_budget, route_budget_with};

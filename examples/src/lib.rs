//! What the examples have in common: models and tools that cost nothing, and the tree of budgets as an authority tells it.

mod stage;
mod table;
mod tree;

pub use self::stage::{Calls, Counted, Reply, count_calls, llm, tool};
pub use self::table::Style;
pub use self::tree::{budgets, show};

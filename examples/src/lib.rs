//! What the examples have in common: models and tools that cost nothing, the tree of budgets as an authority tells it, and what the
//! demos draw with.

mod arguments;
mod chain;
mod panel;
mod screen;
mod stage;
mod style;
mod table;
mod tree;
mod world;

pub use self::arguments::{Acts, Arguments};
pub use self::chain::chain;
pub use self::panel::{Panel, bar, beside, wrap};
pub use self::screen::{Screen, size};
pub use self::stage::{Calls, Counted, Reply, count_calls, llm, tool, until_denied};
pub use self::style::{Paint, Style};
pub use self::tree::{budgets, show};
pub use self::world::World;

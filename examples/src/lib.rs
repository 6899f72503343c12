//! What the examples have in common: models and tools that cost nothing, the tree of budgets as an authority tells it, and what the
//! demos draw with.

mod arguments;
mod panel;
mod stage;
mod style;
mod table;
#[path = "../../runcycles-authority/src/bin/cycles/terminal/mod.rs"]
mod terminal;
mod tree;
mod world;

pub use self::arguments::{Acts, Arguments};
pub use self::panel::{Panel, beside, wrap};
pub use self::stage::{Calls, Counted, Reply, count_calls, llm, tool, until_denied};
pub use self::style::{Paint, Style};
pub use self::terminal::{Screen, bar, chain, size};
pub use self::tree::{budgets, show};
pub use self::world::World;

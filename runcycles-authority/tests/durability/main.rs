//! What an authority that keeps its state in a directory still knows after it stopped, however that came.

mod kept;
mod kill;
mod model;
mod support;

//! One check: what it is called and what it does.

use runcycles::BoxFuture;

use super::Level;
use super::scene::Scene;
use super::wire::Verdict;

/// A check of a server.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    pub(crate) id: &'static str,
    pub(crate) level: Level,
    pub(crate) title: &'static str,
    /// Whether it lets the server's time pass.
    pub(crate) waits: bool,
    pub(crate) run: for<'a> fn(&'a Scene) -> BoxFuture<'a, Verdict>,
}

/// Checks that belong together.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) checks: &'static [Check],
}

/// Lists checks: id, level, title, and the function that decides. `waits` marks those that let the server's time pass.
macro_rules! checks {
    ($( $id:literal $level:ident $title:literal => $decide:path $(, $waits:ident)?; )*) => {
        &[$( $crate::conformance::check::Check {
            id: $id,
            level: $crate::conformance::Level::$level,
            title: $title,
            waits: $crate::conformance::check::checks!(@waits $($waits)?),
            run: |scene| Box::pin($decide(scene)),
        } ),*]
    };
    (@waits) => { false };
    (@waits waits) => { true };
}

pub(crate) use checks;

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
    pub(crate) effect: Effect,
    pub(crate) run: for<'a> fn(&'a Scene) -> BoxFuture<'a, Verdict>,
}

/// What a check does to those that run beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    /// It lets the server's time pass.
    Waits,
    /// It restarts the server.
    Restarts,
}

/// Checks that belong together.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) checks: &'static [Check],
}

/// Lists checks: id, level, title, and the function that decides; `waits` or `restarts` where it has that effect on others.
macro_rules! checks {
    ($( $id:literal $level:ident $title:literal => $decide:path $(, $effect:ident)?; )*) => {
        &[$( $crate::conformance::check::Check {
            id: $id,
            level: $crate::conformance::Level::$level,
            title: $title,
            effect: $crate::conformance::check::checks!(@effect $($effect)?),
            run: |scene| Box::pin($decide(scene)),
        } ),*]
    };
    (@effect) => { $crate::conformance::check::Effect::Nothing };
    (@effect waits) => { $crate::conformance::check::Effect::Waits };
    (@effect restarts) => { $crate::conformance::check::Effect::Restarts };
}

pub(crate) use checks;

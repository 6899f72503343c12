//! Runtimes whose time passes by itself, and the panics on them that nobody planned.

use std::cell::RefCell;
use std::sync::Once;

use tokio::runtime::Runtime;

/// A runtime of one thread, whose time passes when nothing else happens.
pub(crate) fn virtual_runtime() -> Runtime {
    note_panics();
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

thread_local! {
    /// Panics that nobody planned: those of the simulation's own calls and transports are not told to the hook.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The panics of this thread that nobody planned.
pub(crate) fn take_panics() -> Vec<String> {
    PANICS.take()
}

fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.with_borrow_mut(|panics| panics.push(info.to_string()));
            before(info);
        }));
    });
}

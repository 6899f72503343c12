//! What is measured, by subject.

mod calls;
mod cold_start;
mod in_process;
mod journal;
mod json;
mod live_guards;
mod system_calls;

use crate::report::Figure;

/// A subject: its name on the command line, and what measures it in so many rounds.
pub(crate) type Suite = (&'static str, fn(usize) -> Vec<Figure>);

/// All of them.
pub(crate) const SUITES: [Suite; 10] = [
    ("same-core", calls::same_core),
    ("split", calls::split),
    ("multi", calls::two_workers),
    ("journal", journal::added),
    ("lag", journal::lag),
    ("in-process", in_process::calls),
    ("json", json::bodies),
    ("cold", cold_start::starts),
    ("system-calls", system_calls::counts),
    ("guards", live_guards::held),
];

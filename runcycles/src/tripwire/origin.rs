//! Which part of a program a call came from.

use std::backtrace::Backtrace;

/// Crates that carry calls, and make none of their own.
const CARRIERS: &[&str] = &[
    "alloc",
    "anyhow",
    "async_trait",
    "axum",
    "axum_core",
    "backtrace",
    "core",
    "futures",
    "futures_core",
    "futures_util",
    "http_body",
    "http_body_util",
    "hyper",
    "hyper_util",
    "reqwest",
    "reqwest_middleware",
    "reqwest_retry",
    "runcycles",
    "std",
    "test",
    "tokio",
    "tokio_util",
    "tower",
    "tower_http",
    "tower_layer",
    "tower_service",
    "tracing",
];

/// Where sources lie that are not the program's own.
const FOREIGN: &[&str] = &["/registry/src/", "/git/checkouts/", "/rustc/"];

/// A frame of a stack, as far as its symbols tell.
#[derive(Clone, Copy, Debug)]
struct Frame<'a> {
    function: &'a str,
    place: Option<&'a str>,
}

/// The function that a call came from: the innermost one of the program's own, or else of any crate that is no carrier. `None`
/// where the program has no symbols.
pub(super) fn origin(backtrace: &Backtrace) -> Option<String> {
    of_text(&backtrace.to_string())
}

fn of_text(text: &str) -> Option<String> {
    let frames: Vec<_> = frames(text).filter(|frame| !is_carrier(frame.function)).collect();
    let is_own = |frame: &&Frame<'_>| frame.place.is_some_and(|place| !FOREIGN.iter().any(|path| place.contains(path)));
    let Frame { function, place } = frames.iter().find(is_own).or(frames.first())?;
    let function = function.trim_end_matches("::{{closure}}");
    Some(match place {
        Some(place) => format!("{function} at {place}"),
        None => function.to_owned(),
    })
}

/// The frames of a stack's text: a number and a symbol, and its place in the line below where it is known.
fn frames(text: &str) -> impl Iterator<Item = Frame<'_>> {
    let mut lines = text.lines().map(str::trim).peekable();
    std::iter::from_fn(move || {
        loop {
            let (number, function) = lines.next()?.split_once(": ")?;
            let place = lines.next_if(|line| line.starts_with("at ")).map(|line| &line[3..]);
            if number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Some(Frame { function: without_hash(function), place: place.map(without_column) });
            }
        }
    })
}

/// Whether a function belongs to a crate that carries calls, or to none.
fn is_carrier(function: &str) -> bool {
    let path = function.trim_start_matches(['<', '&', '(', '*']).trim_start_matches("dyn ").trim_start_matches("mut ");
    match path.split_once("::") {
        Some((name, _)) => CARRIERS.contains(&name),
        // A function of no crate, such as the thread's start.
        None => true,
    }
}

/// A symbol without the hash that tells its instances apart.
fn without_hash(function: &str) -> &str {
    match function.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => function,
    }
}

/// A place without its column.
fn without_column(place: &str) -> &str {
    match place.rsplit_once(':') {
        Some((line, column)) if line.contains(':') && column.bytes().all(|byte| byte.is_ascii_digit()) => line,
        _ => place,
    }
}

#[cfg(test)]
mod tests {
    use super::of_text;

    const STACK: &str = "   0: std::backtrace_rs::backtrace::trace
             at /rustc/abc/library/std/src/../../backtrace/src/backtrace/mod.rs:66:14
   1: runcycles::tripwire::Tripwire::check
             at ./runcycles/src/tripwire/mod.rs:90:1
   2: <tower::util::oneshot::Oneshot<S,Req> as core::future::future::Future>::poll
   3: some_sdk::chat::create::{{closure}}
             at /root/.cargo/registry/src/index/some_sdk-1.0.0/src/chat.rs:12:9
   4: agent::summarise::{{closure}}::{{closure}}::h0123456789abcdef
             at ./src/agent.rs:42:17
   5: start_thread";

    #[test]
    fn a_call_comes_from_the_innermost_function_of_the_programs_own() {
        assert_eq!(of_text(STACK).as_deref(), Some("agent::summarise at ./src/agent.rs:42"));
    }

    #[test]
    fn without_places_it_comes_from_the_innermost_crate_that_is_no_carrier() {
        let names: Vec<_> = STACK.lines().filter(|line| !line.trim().starts_with("at ")).collect();
        assert_eq!(of_text(&names.join("\n")).as_deref(), Some("some_sdk::chat::create"));
    }

    #[test]
    fn a_program_without_symbols_tells_nothing() {
        assert_eq!(of_text("   0: <unknown>\n   1: <unknown>"), None);
        assert_eq!(of_text("disabled backtrace"), None);
        assert_eq!(of_text(""), None);
    }
}

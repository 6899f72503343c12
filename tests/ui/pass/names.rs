//! The names of the expansion and the names of the user do not meet.
#![deny(warnings)]
#![no_implicit_prelude]

use ::runcycles::cycles;

#[allow(dead_code)]
mod core {}
#[allow(dead_code)]
mod std {}

pub enum Result {}
pub enum Option {}
pub enum Call {}

#[cycles(call, "llm.completion", agent = guard, workflow = result, toolset = value, actual = |output| output.len() as u64)]
pub async fn arguments<'a>(
    call: u64,
    guard: &'a str,
    result: u8,
    value: u16,
) -> ::std::result::Result<&'a str, ::runcycles::Error> {
    let _ = (call, result, value);
    ::std::result::Result::Ok(guard)
}

fn main() {}

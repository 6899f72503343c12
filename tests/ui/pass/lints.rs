//! The lints of the function stay those of the function, and the expansion adds none.
#![deny(warnings, future_incompatible, nonstandard_style, rust_2018_idioms, unused)]
#![deny(let_underscore_drop, missing_docs, redundant_lifetimes, single_use_lifetimes, trivial_casts, unreachable_pub)]
#![deny(trivial_numeric_casts, unit_bindings, unused_import_braces, unused_qualifications, unused_results)]
#![deny(variant_size_differences, missing_debug_implementations, elided_lifetimes_in_paths, unsafe_code)]
#![deny(non_ascii_idents, explicit_outlives_requirements, ambiguous_negative_literals, if_let_rescope)]

use runcycles::{Error, cycles, usd};

/// Is used by the attribute alone, which is a use.
#[cycles(usd!(0.02), "llm.completion", agent = user)]
pub async fn used_by_the_attribute(user: &str) -> Result<(), Error> {
    Ok(())
}

/// Loses its value.
#[expect(unused_variables, reason = "the parameter is used nowhere")]
#[cycles(usd!(0.02), "llm.completion")]
pub async fn used_nowhere(user: &str) -> Result<(), Error> {
    Ok(())
}

/// Warns where the body would.
#[cycles(usd!(0.02), "llm.completion")]
#[expect(unused_mut, unused_variables, reason = "the lints of the body apply")]
pub async fn body() -> Result<(), Error> {
    let mut unused = 1;
    Ok(())
}

/// Is deprecated, and its attributes stay.
#[cycles(usd!(0.02), "llm.completion")]
#[deprecated = "ask another model"]
#[must_use = "the reply has been paid for"]
#[inline]
#[cfg_attr(all(), doc = "And documented.")]
pub async fn attributes() -> Result<(), Error> {
    Ok(())
}

#[expect(deprecated, unused_must_use, reason = "both attributes are on the function")]
fn main() {
    attributes();
}

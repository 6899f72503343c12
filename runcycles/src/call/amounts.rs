//! Amounts in several units.

use super::IntoAmount;
use crate::protocol::{Amount, Unit, ValidationError};

/// What a call cost, in each unit that it reserved.
#[derive(Debug)]
pub struct Amounts {
    pub(super) first: Result<Amount, ValidationError>,
    pub(super) also: Vec<Result<Amount, ValidationError>>,
}

impl Amounts {
    pub(super) fn one(amount: Result<Amount, ValidationError>) -> Self {
        Self { first: amount, also: Vec::new() }
    }
}

/// What a call cost, in each unit of its estimate and in their order.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an amount in each unit",
    label = "expected a tuple of amounts, in the order of the estimate",
    note = "write one amount for each unit of the estimate, such as `(usd!(0.02), tokens(1_000))`"
)]
pub trait IntoAmounts {
    /// The amounts; a bare number at the first place counts in `unit`, and elsewhere in microcents.
    fn into_amounts(self, unit: &Unit) -> Amounts;
}

/// Implements it for tuples.
macro_rules! tuples {
    ($( ($first:ident, $($other:ident),+) )*) => { $(
        #[diagnostic::do_not_recommend]
        impl<$first: IntoAmount, $($other: IntoAmount),+> IntoAmounts for ($first, $($other),+) {
            fn into_amounts(self, unit: &Unit) -> Amounts {
                #[allow(non_snake_case, reason = "a value is named as its type")]
                let ($first, $($other),+) = self;
                Amounts { first: $first.into_amount(unit), also: vec![$($other.into_amount(&Unit::UsdMicrocents)),+] }
            }
        }
    )* };
}

tuples! { (A, B) (A, B, C) (A, B, C, D) }

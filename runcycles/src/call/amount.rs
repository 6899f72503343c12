//! What can stand for an amount.

use crate::protocol::{Amount, MAX_AMOUNT, Unit, ValidationError};

/// A value that says how much: an [`Amount`], or a whole number that counts in the unit of its place.
///
/// `#[cycles]` takes it for the estimate and the actual amount. A bare number in the estimate counts in the attribute's
/// `unit`, which is `USD_MICROCENTS` unless given; one in the actual amount counts in the unit of the estimate.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an amount",
    label = "expected an `Amount` or a whole number",
    note = "write `usd!(0.02)`, `tokens(1_000)`, `credits(1)` or `risk_points(50)`; a bare integer counts in `unit`, by default USD_MICROCENTS"
)]
pub trait IntoAmount: Clone {
    /// The amount; a bare number counts in `unit`.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] where the number lies outside 0 to 2⁶³ − 1.
    fn into_amount(self, unit: &Unit) -> Result<Amount, ValidationError>;
}

impl IntoAmount for Amount {
    fn into_amount(self, _unit: &Unit) -> Result<Amount, ValidationError> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoAmount> IntoAmount for &T {
    fn into_amount(self, unit: &Unit) -> Result<Amount, ValidationError> {
        self.clone().into_amount(unit)
    }
}

/// Declares the integers that count in the unit of their place.
macro_rules! integers {
    ($( $integer:ty ),*) => {
        $( impl IntoAmount for $integer {
            fn into_amount(self, unit: &Unit) -> Result<Amount, ValidationError> {
                match u64::try_from(self) {
                    Ok(value) if value <= MAX_AMOUNT => Ok(Amount::new(unit.clone(), value)),
                    _ => Err(ValidationError::new("amount", self.to_string(), "0 to 9223372036854775807")),
                }
            }
        } )*
    };
}

integers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

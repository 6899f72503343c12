//! What can stand for a length of time.

use std::time::Duration;

use crate::protocol::ValidationError;

/// A length of time: a [`Duration`], or whole milliseconds.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a length of time",
    label = "expected a `Duration` or whole milliseconds",
    note = "write a `std::time::Duration`, an integer of milliseconds, or a literal such as \"30s\" or \"500ms\""
)]
pub trait Lasting {
    /// The time; `field` names its place in an error.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] where the number is negative or beyond 2⁶⁴ milliseconds.
    fn lasting(&self, field: &'static str) -> Result<Duration, ValidationError>;
}

impl Lasting for Duration {
    fn lasting(&self, _field: &'static str) -> Result<Duration, ValidationError> {
        Ok(*self)
    }
}

impl<T: Lasting + ?Sized> Lasting for &T {
    fn lasting(&self, field: &'static str) -> Result<Duration, ValidationError> {
        T::lasting(self, field)
    }
}

/// Declares the integers that count milliseconds.
macro_rules! integers {
    ($( $integer:ty ),*) => {
        $( impl Lasting for $integer {
            fn lasting(&self, field: &'static str) -> Result<Duration, ValidationError> {
                u64::try_from(*self)
                    .map(Duration::from_millis)
                    .map_err(|_| ValidationError::new(field, self.to_string(), "whole milliseconds, not negative"))
            }
        } )*
    };
}

integers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

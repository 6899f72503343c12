//! What can stand at a level of a scope.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use crate::scope::Scope;

/// A value for a level or a dimension of a guarded call, such as `agent = user_id`.
///
/// Text, integers and UUIDs are such values, and so are references to them and `Option`s of them: `None` leaves the level
/// out. Text of any characters becomes one by [`Encoded`]. Derive it for an enum, so that a level's values cannot be misspelt,
/// or implement it:
///
/// ```
/// use runcycles::ScopeValue;
///
/// enum Team {
///     Engineering,
///     Support,
/// }
///
/// impl ScopeValue for Team {
///     fn scope_value(&self) -> Option<String> {
///         let name = match self {
///             Team::Engineering => "engineering",
///             Team::Support => "support",
///         };
///         name.scope_value()
///     }
/// }
///
/// assert_eq!(Team::Support.scope_value().as_deref(), Some("support"));
/// assert_eq!(None::<Team>.scope_value(), None);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a scope's level or dimension",
    label = "expected text, an integer, a UUID, or an `Option` of one",
    note = "pass text, such as `value.to_string()`, or implement `runcycles::ScopeValue` for your own type"
)]
pub trait ScopeValue {
    /// The value as text; `None` leaves the level out. The text is checked where a request is made from it.
    fn scope_value(&self) -> Option<String>;
}

impl ScopeValue for str {
    fn scope_value(&self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl ScopeValue for String {
    fn scope_value(&self) -> Option<String> {
        Some(self.clone())
    }
}

impl<T: ScopeValue> ScopeValue for Option<T> {
    fn scope_value(&self) -> Option<String> {
        self.as_ref().and_then(T::scope_value)
    }
}

impl<T: ScopeValue + ToOwned + ?Sized> ScopeValue for Cow<'_, T> {
    fn scope_value(&self) -> Option<String> {
        T::scope_value(self)
    }
}

/// A value whose text may hold any characters, such as an address: [`Scope::encode`] makes it fit, and no two values the same.
///
/// ```
/// use runcycles::{Encoded, Error, ScopeValue, cycles, usd};
///
/// #[cycles(usd!(0.02), "llm.completion", agent = Encoded(email))]
/// async fn ask(email: &str) -> Result<(), Error> {
///     Ok(())
/// }
///
/// assert_eq!(Encoded("auth0|Jane").scope_value().as_deref(), Some("auth0_7c_4aane"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoded<T>(pub T);

impl<T: ScopeValue> ScopeValue for Encoded<T> {
    fn scope_value(&self) -> Option<String> {
        self.0.scope_value().map(|value| Scope::encode(&value))
    }
}

/// Declares the pointers that stand for what they point to.
macro_rules! pointers {
    ($( $pointer:ty ),*) => {
        $( impl<T: ScopeValue + ?Sized> ScopeValue for $pointer {
            fn scope_value(&self) -> Option<String> {
                T::scope_value(self)
            }
        } )*
    };
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

/// Declares the types whose `Display` is their value.
macro_rules! displayed {
    ($( $ty:ty ),*) => {
        $( impl ScopeValue for $ty {
            fn scope_value(&self) -> Option<String> {
                Some(self.to_string())
            }
        } )*
    };
}

displayed!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, uuid::Uuid);

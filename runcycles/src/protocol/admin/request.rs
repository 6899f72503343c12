//! Requests of the admin plane, and how they are built.

/// Declares a request.
///
/// Input: the members it starts with, the optional ones with plain setters, and those whose setters are written by hand.
/// Output: the struct with private members, `new`, the setters, and a serialisation that leaves out what is not set.
macro_rules! admin_request {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(#[$new_meta:meta])*
            new { $( $new:ident : $new_ty:ty, )* }
            optional { $( $(#[$set_meta:meta])* $set:ident : $set_ty:ty, )* }
            by_hand { $( $hand:ident : $hand_ty:ty, )* }
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[must_use = "a request does nothing until it is sent"]
        pub struct $name {
            $( $new: $new_ty, )*
            $( #[serde(skip_serializing_if = "Option::is_none")] $set: Option<$set_ty>, )*
            $( #[serde(skip_serializing_if = "Option::is_none")] $hand: Option<$hand_ty>, )*
        }

        impl $name {
            $(#[$new_meta])*
            #[allow(clippy::new_without_default, reason = "a request that says nothing is seldom meant")]
            pub fn new($( $new: impl Into<$new_ty> ),*) -> Self {
                Self {
                    $( $new: $new.into(), )*
                    $( $set: None, )*
                    $( $hand: None, )*
                }
            }

            $( $(#[$set_meta])*
            pub fn $set(mut self, $set: impl Into<$set_ty>) -> Self {
                self.$set = Some($set.into());
                self
            } )*
        }
    };
}

pub(super) use admin_request;

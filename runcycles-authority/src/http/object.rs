//! JSON objects of requests, read strictly.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A text, borrowed from the body where it has no escapes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::http) struct Text<'a>(pub(in crate::http) Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// An integer of the protocol: an int64, written without fraction or exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Integer(pub(in crate::http) i64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntegerVisitor;
        impl Visitor<'_> for IntegerVisitor {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer of 64 bits")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Integer, E> {
                Ok(Integer(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Integer, E> {
                let fits = i64::try_from(number);
                fits.map(Integer).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
        }
        deserializer.deserialize_i64(IntegerVisitor)
    }
}

/// Declares an object of a request.
///
/// Input: its members. Output: a struct in which every member is optional, since what is required is checked later and all
/// at once, and its `Deserialize`: only a JSON object is read, unknown and repeated members are refused, types are exact, and
/// `null` counts as absent. Members of an extension are read too, and left out where an error names those that there are:
/// whoever reads them refuses them where the authority does not speak the extension.
macro_rules! request_object {
    ($(#[$meta:meta])* $name:ident { $( $member:ident : $ty:ty, )* }) => {
        $crate::http::object::request_object! { $(#[$meta])* $name { $( $member: $ty, )* } extension {} }
    };
    (
        $(#[$meta:meta])*
        $name:ident { $( $member:ident : $ty:ty, )* } extension { $( $extra:ident : $extra_ty:ty, )* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        #[allow(dead_code, reason = "some members are checked and not kept")]
        pub(in crate::http) struct $name<'de> {
            $( pub(in crate::http) $member: Option<$ty>, )*
            $( pub(in crate::http) $extra: Option<$extra_ty>, )*
            pub(in crate::http) lifetime: std::marker::PhantomData<&'de ()>,
        }

        impl<'de> serde::Deserialize<'de> for $name<'de> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor;
                impl<'de> serde::de::Visitor<'de> for ObjectVisitor {
                    type Value = $name<'de>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a JSON object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name<'de>, A::Error> {
                        use serde::de::Error as _;
                        $( let mut $member: Option<Option<$ty>> = None; )*
                        $( let mut $extra: Option<Option<$extra_ty>> = None; )*
                        while let Some(name) = map.next_key::<$crate::http::object::Text<'de>>()? {
                            match &*name {
                                $( stringify!($member) => {
                                    if $member.is_some() {
                                        return Err(A::Error::duplicate_field(stringify!($member)));
                                    }
                                    $member = Some(map.next_value()?);
                                } )*
                                $( stringify!($extra) => {
                                    if $extra.is_some() {
                                        return Err(A::Error::duplicate_field(stringify!($extra)));
                                    }
                                    $extra = Some(map.next_value()?);
                                } )*
                                other => return Err(A::Error::unknown_field(other, &[$(stringify!($member)),*])),
                            }
                        }
                        Ok($name {
                            $( $member: $member.flatten(), )*
                            $( $extra: $extra.flatten(), )*
                            lifetime: std::marker::PhantomData,
                        })
                    }
                }
                deserializer.deserialize_map(ObjectVisitor)
            }
        }
    };
}

pub(in crate::http) use request_object;

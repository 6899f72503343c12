//! JSON objects that are strict about what they know and keep what they do not.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// Members of a response that this version of the crate does not know, in the order they arrived.
pub type Extra = serde_json::Map<String, serde_json::Value>;

/// A member's name, borrowed from the input where it has no escapes.
pub(crate) struct MemberName<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for MemberName<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = MemberName<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }

            fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(MemberName(Cow::Borrowed(name)))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(MemberName(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Declares a response object.
///
/// Input: members in three blocks. `required` ones must be present; `optional` ones become `Option<T>`, and `null` counts as
/// absent; `list` ones become `Vec<T>`, and absent counts as empty. Output: the struct with an `extra` map for unknown
/// members, a constructor from the required members, and the serde implementations. Types, required members and duplicates
/// are checked, and only a JSON object is accepted.
///
/// Implementation rationale: `#[serde(flatten)]` would keep unknown members too, but buffers every value on the way, and a
/// derived struct accepts a JSON array in place of the object.
macro_rules! wire_object {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            required { $( $(#[$required_meta:meta])* $required:ident : $required_ty:ty, )* }
            optional { $( $(#[$optional_meta:meta])* $optional:ident : $optional_ty:ty, )* }
            list { $( $(#[$list_meta:meta])* $list:ident : $list_ty:ty, )* }
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$required_meta])* pub $required: $required_ty, )*
            $( $(#[$optional_meta])* pub $optional: Option<$optional_ty>, )*
            $( $(#[$list_meta])* pub $list: Vec<$list_ty>, )*
            /// Members from newer servers that this version of the crate does not know.
            pub extra: $crate::protocol::Extra,
        }

        impl $name {
            /// A value with the required members; the others are absent until they are set.
            #[allow(clippy::too_many_arguments, clippy::new_without_default, reason = "one argument a required member")]
            pub fn new($($required: $required_ty),*) -> Self {
                Self {
                    $( $required, )*
                    $( $optional: None, )*
                    $( $list: Vec::new(), )*
                    extra: $crate::protocol::Extra::new(),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $( map.serialize_entry(stringify!($required), &self.$required)?; )*
                $( if let Some(value) = &self.$optional { map.serialize_entry(stringify!($optional), value)?; } )*
                $( if !self.$list.is_empty() { map.serialize_entry(stringify!($list), &self.$list)?; } )*
                for (name, value) in &self.extra {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a JSON object (", stringify!($name), ")"))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        #[allow(unused_imports, reason = "objects without required members do not use it")]
                        use serde::de::Error as _;
                        $( let mut $required: Option<$required_ty> = None; )*
                        $( let mut $optional: Option<Option<$optional_ty>> = None; )*
                        $( let mut $list: Option<Option<Vec<$list_ty>>> = None; )*
                        let mut extra = $crate::protocol::Extra::new();
                        while let Some(name) = map.next_key::<$crate::protocol::wire_object::MemberName<'de>>()? {
                            match &*name.0 {
                                $( stringify!($required) => $crate::protocol::wire_object::set_once(
                                    &mut $required, stringify!($required), &mut map)?, )*
                                $( stringify!($optional) => $crate::protocol::wire_object::set_once(
                                    &mut $optional, stringify!($optional), &mut map)?, )*
                                $( stringify!($list) => $crate::protocol::wire_object::set_once(
                                    &mut $list, stringify!($list), &mut map)?, )*
                                _ => {
                                    extra.insert(name.0.into_owned(), map.next_value()?);
                                }
                            }
                        }
                        Ok($name {
                            $( $required: $required.ok_or_else(|| A::Error::missing_field(stringify!($required)))?, )*
                            $( $optional: $optional.flatten(), )*
                            $( $list: $list.flatten().unwrap_or_default(), )*
                            extra,
                        })
                    }
                }
                deserializer.deserialize_map(Visitor)
            }
        }
    };
}

pub(crate) use wire_object;

/// Implements serde for a struct that requests carry too, whose `#[serde(remote = "Self")]` derives the reading and writing of
/// its members. What this adds is that only a JSON object is accepted: a derived struct accepts an array of its members too.
macro_rules! object_only {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $name::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a JSON object (", stringify!($name), ")"))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                        $name::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    }
                }
                deserializer.deserialize_map(Visitor)
            }
        }
    };
}

pub(crate) use object_only;

/// Reads the value of a known member, which may stand in the object once.
pub(crate) fn set_once<'de, T: Deserialize<'de>, A: de::MapAccess<'de>>(
    slot: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(de::Error::duplicate_field(name));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

//! How the parts of rows are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use runcycles::models::{ActionRules, Caps, DenyDetail, Metadata, ObserveMode, PolicyKeys, ReasonCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::super::decoder::{Decoder, Malformed};
use super::super::encoder::Encoder;
use crate::state::{Key, Subscription};

/// Something that is written in a row, and read back as it was.
pub(in super::super) trait Stored: Sized {
    fn write(&self, to: &mut Encoder<'_>);

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed>;
}

/// Writes the fields of a struct one after another. A field that is forgotten does not compile. Those after `then` came later: they
/// stand at the end of a row, and not at all where none of them holds anything.
macro_rules! stored_fields {
    ($type:ident { $($field:ident),* $(,)? } then { $($late:ident),* }) => {
        impl Stored for $type {
            fn write(&self, to: &mut Encoder<'_>) {
                let Self { $($field,)* $($late),* } = self;
                $($field.write(to);)*
                if $(*$late != Default::default())||* {
                    $($late.write(to);)*
                }
            }

            #[inline]
            fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
                Ok(Self {
                    $($field: Stored::read(from)?,)*
                    $($late: if from.is_empty() { Default::default() } else { Stored::read(from)? }),*
                })
            }
        }
    };
    ($type:ident { $($field:ident),* $(,)? }) => {
        impl Stored for $type {
            fn write(&self, to: &mut Encoder<'_>) {
                let Self { $($field),* } = self;
                $($field.write(to);)*
            }

            #[inline]
            fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
                Ok(Self { $($field: Stored::read(from)?),* })
            }
        }
    };
}

/// Writes an enum of words as one byte each.
macro_rules! stored_words {
    ($type:ident { $($word:ident = $byte:literal),* $(,)? }) => {
        impl Stored for $type {
            fn write(&self, to: &mut Encoder<'_>) {
                to.byte(match self { $(Self::$word => $byte),* });
            }

            fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
                match from.byte()? {
                    $($byte => Ok(Self::$word),)*
                    unknown => Err(Malformed::unknown_kind(stringify!($type), unknown)),
                }
            }
        }
    };
}

pub(super) use {stored_fields, stored_words};

impl Stored for u64 {
    fn write(&self, to: &mut Encoder<'_>) {
        to.number(*self);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        from.number()
    }
}

impl Stored for u32 {
    fn write(&self, to: &mut Encoder<'_>) {
        to.number(u64::from(*self));
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let number = from.number()?;
        Self::try_from(number).map_err(|_| Malformed::new(format!("{number} has more than 32 bits")))
    }
}

impl Stored for i64 {
    fn write(&self, to: &mut Encoder<'_>) {
        to.signed(*self);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        from.signed()
    }
}

impl Stored for bool {
    fn write(&self, to: &mut Encoder<'_>) {
        to.byte(u8::from(*self));
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            unknown => Err(Malformed::unknown_kind("yes or no", unknown)),
        }
    }
}

impl Stored for Uuid {
    fn write(&self, to: &mut Encoder<'_>) {
        to.raw(self.as_bytes());
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        from.array().map(Self::from_bytes)
    }
}

fn text<'a>(from: &mut Decoder<'a>) -> Result<&'a str, Malformed> {
    std::str::from_utf8(from.counted()?).map_err(|_| Malformed::new("a text is not UTF-8"))
}

/// Texts, whichever way they are held.
macro_rules! stored_texts {
    ($($type:ty),*) => {$(
        impl Stored for $type {
            fn write(&self, to: &mut Encoder<'_>) {
                to.counted(self.as_bytes());
            }

            fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
                text(from).map(Self::from)
            }
        }
    )*};
}

stored_texts!(String, Box<str>, Arc<str>);

impl Stored for Key {
    fn write(&self, to: &mut Encoder<'_>) {
        self.with(|text| to.counted(text.as_bytes()));
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        text(from).map(Self::from)
    }
}

impl<T: Stored> Stored for Option<T> {
    fn write(&self, to: &mut Encoder<'_>) {
        self.is_some().write(to);
        if let Some(value) = self {
            value.write(to);
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        if bool::read(from)? { T::read(from).map(Some) } else { Ok(None) }
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn write(&self, to: &mut Encoder<'_>) {
        to.number(self.len() as u64);
        for item in self {
            item.write(to);
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let length = from.number()?;
        // Every item takes a byte at least, so a length that was not written here reserves no memory.
        let fits = usize::try_from(length).ok().filter(|length| *length <= from.left());
        let length = fits.ok_or_else(|| Malformed::new(format!("a list of {length} in {} bytes", from.left())))?;
        let mut items = Self::with_capacity(length);
        for _ in 0..length {
            items.push(T::read(from)?);
        }
        Ok(items)
    }
}

impl<T: Stored> Stored for Arc<[T]> {
    fn write(&self, to: &mut Encoder<'_>) {
        to.number(self.len() as u64);
        for item in &**self {
            item.write(to);
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Vec::read(from).map(Self::from)
    }
}

impl<T: Stored> Stored for Box<[T]> {
    fn write(&self, to: &mut Encoder<'_>) {
        to.number(self.len() as u64);
        for item in self {
            item.write(to);
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Vec::read(from).map(Vec::into_boxed_slice)
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn write(&self, to: &mut Encoder<'_>) {
        self.0.write(to);
        self.1.write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok((A::read(from)?, B::read(from)?))
    }
}

impl Stored for BTreeMap<String, String> {
    fn write(&self, to: &mut Encoder<'_>) {
        to.number(self.len() as u64);
        for (key, value) in self {
            key.write(to);
            value.write(to);
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let length = from.number()?;
        (0..length).map(|_| Stored::read(from)).collect()
    }
}

impl<T: Stored> Stored for Arc<T> {
    fn write(&self, to: &mut Encoder<'_>) {
        (**self).write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        T::read(from).map(Self::new)
    }
}

impl<T: Stored> Stored for Box<T> {
    fn write(&self, to: &mut Encoder<'_>) {
        (**self).write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        T::read(from).map(Self::new)
    }
}

impl Stored for Metadata {
    fn write(&self, to: &mut Encoder<'_>) {
        write_json(self, to);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        read_json(from)
    }
}

/// Values of the protocol that are written as JSON.
macro_rules! stored_json {
    ($($type:ty),*) => {$(
        impl Stored for $type {
            fn write(&self, to: &mut Encoder<'_>) {
                write_json(self, to);
            }

            fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
                read_json(from)
            }
        }
    )*};
}

stored_json!(ActionRules, Caps, DenyDetail, ObserveMode, PolicyKeys);

impl Stored for ReasonCode {
    fn write(&self, to: &mut Encoder<'_>) {
        to.counted(self.as_str().as_bytes());
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        text(from).map(Self::from)
    }
}

impl Stored for Subscription {
    fn write(&self, to: &mut Encoder<'_>) {
        write_json(self, to);
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        read_json(from)
    }
}

/// Values whose shape belongs to the protocol and grows with it.
fn write_json(value: &impl Serialize, to: &mut Encoder<'_>) {
    // Came from JSON, so it can be written as JSON.
    to.counted(&serde_json::to_vec(value).unwrap_or_default());
}

fn read_json<T: DeserializeOwned>(from: &mut Decoder<'_>) -> Result<T, Malformed> {
    serde_json::from_slice(from.counted()?).map_err(|error| Malformed::new(format!("invalid JSON in a row: {error}")))
}

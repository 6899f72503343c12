//! Idempotency keys, as reservations keep them.

use std::fmt;

use uuid::Uuid;

/// An idempotency key. A UUID, which most keys are, takes no memory of its own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A UUID in its usual form: lower-case digits in five groups.
    Uuid(Uuid),
    Text(Box<str>),
}

impl Key {
    /// Looks at the text.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        match self {
            Self::Uuid(uuid) => look(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
            Self::Text(text) => look(text),
        }
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        let uuid = Uuid::try_parse(text).ok().map(Self::Uuid);
        uuid.filter(|key| *key == *text).unwrap_or_else(|| Self::Text(text.into()))
    }
}

impl PartialEq<str> for Key {
    fn eq(&self, other: &str) -> bool {
        self.with(|text| text == other)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|text| fmt::Debug::fmt(text, f))
    }
}

//! How binding a check is.

use std::fmt;
use std::str::FromStr;

/// How binding a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// `M`: required by the protocol. Any server must pass.
    Required,
    /// `S`: an optional operation, or what the protocol recommends. Skipped where the operation is absent.
    Optional,
    /// `R`: what the reference server does where the protocol is silent or loose.
    Reference,
    /// `A`: provisioning through the reference admin plane.
    Admin,
    /// `H`: what HTTP itself asks for. The reference server is believed to fail these.
    Hygiene,
    /// `P`: what holds after any sequence of calls, tried with random ones.
    Property,
}

impl Level {
    /// Every level, the most binding first.
    pub const ALL: [Self; 6] =
        [Self::Required, Self::Optional, Self::Reference, Self::Admin, Self::Hygiene, Self::Property];

    /// The letter of the level, as reports and the command line have it.
    pub fn letter(self) -> char {
        match self {
            Self::Required => 'M',
            Self::Optional => 'S',
            Self::Reference => 'R',
            Self::Admin => 'A',
            Self::Hygiene => 'H',
            Self::Property => 'P',
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.letter().fmt(f)
    }
}

/// A text that is no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown level {0:?}, expected one of M, S, R, A, H, P")]
pub struct UnknownLevel(String);

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let mut encoded = [0; 4];
        let found =
            Self::ALL.into_iter().find(|level| text.eq_ignore_ascii_case(level.letter().encode_utf8(&mut encoded)));
        found.ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

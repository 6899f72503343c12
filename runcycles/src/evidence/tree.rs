//! A document as it stands, member by member.
//!
//! Implementation rationale: a signature is over what was written, so nothing may be dropped, defaulted or taken twice on the way
//! in. `serde_json::Value` takes the last of two members of one name, and reads decimals to within a unit in the last place only;
//! with the text of every number at hand, the standard library reads it exactly.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{self, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::protocol::wire_object::MemberName;

/// How deep a document may be: far beyond what answers and their metadata are.
const MAX_DEPTH: usize = 32;

/// A JSON value. Numbers are what they are in the canonical form: doubles.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads one document. Refuses members of one name, numbers beyond a double, texts that are no Unicode, and what is too deep.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        Self::read(serde_json::from_slice(bytes)?, MAX_DEPTH)
    }

    /// What a value of this crate is on the wire.
    pub(super) fn of(value: &impl serde::Serialize) -> Result<Self, serde_json::Error> {
        Self::parse(&serde_json::to_vec(value)?)
    }

    fn read(raw: &RawValue, depth: usize) -> Result<Self, serde_json::Error> {
        let depth = depth.checked_sub(1).ok_or_else(|| invalid(format!("it is deeper than {MAX_DEPTH} levels")))?;
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let Members(members) = serde_json::Deserializer::from_str(text).deserialize_map(MembersVisitor)?;
                let read = |(name, value): (String, &RawValue)| Ok((name, Self::read(value, depth)?));
                Self::Object(members.into_iter().map(read).collect::<Result<_, serde_json::Error>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                Self::List(items.into_iter().map(|item| Self::read(item, depth)).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b't') => Self::Flag(true),
            Some(b'f') => Self::Flag(false),
            Some(b'n') => Self::Null,
            _ => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Self::Number(number),
                _ => return Err(invalid(format!("the number {text} is beyond a double"))),
            },
        })
    }

    /// A member of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// The members of an object; none of anything else.
    pub(super) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// Sets a member of an object that has it.
    pub(super) fn set(&mut self, name: &str, value: Self) {
        if let Self::Object(members) = self {
            members.iter_mut().filter(|(member, _)| member == name).for_each(|(_, old)| *old = value.clone());
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number, as far as an int64 goes.
    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            #[expect(clippy::cast_possible_truncation, reason = "the cast ends at the bounds of an int64")]
            Self::Number(number) if number.fract() == 0.0 => Some(*number as i64),
            _ => None,
        }
    }
}

/// The members of an object, none of which stands there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some(MemberName(name)) = map.next_key()? {
            if !names.insert(name.clone()) {
                return Err(de::Error::custom(format_args!("the member {name:?} stands there twice")));
            }
            members.push((name.into_owned(), map.next_value()?));
        }
        Ok(Members(members))
    }
}

fn invalid(problem: String) -> serde_json::Error {
    de::Error::custom(problem)
}

//! Shapes of values.

use super::super::tree::Tree;
use super::Flaw;

/// The bound of whole numbers: an int64, whose largest value is this as a double.
pub(super) const INT64: f64 = 9_223_372_036_854_775_808.0;

/// What a value must be. Lengths are in characters.
pub(super) enum Shape {
    Text {
        most: usize,
    },
    Key,
    Uri,
    Hex {
        digits: usize,
    },
    Word(&'static [&'static str]),
    Whole {
        least: f64,
        most: f64,
    },
    Flag,
    /// An object with any members.
    Open,
    /// An object of texts.
    Texts {
        most: usize,
        longest: usize,
    },
    List {
        of: &'static Shape,
        most: usize,
    },
    /// An object with these members and no other.
    Object(&'static [Field]),
}

/// A member of an object.
pub(super) struct Field {
    name: &'static str,
    is_required: bool,
    shape: Shape,
}

impl Field {
    pub(super) const fn required(name: &'static str, shape: Shape) -> Self {
        Self { name, is_required: true, shape }
    }

    pub(super) const fn optional(name: &'static str, shape: Shape) -> Self {
        Self { name, is_required: false, shape }
    }
}

impl Shape {
    pub(super) fn check(&self, value: &Tree) -> Result<(), Flaw> {
        match (self, value) {
            (Self::Text { most }, Tree::Text(text)) if text.chars().count() <= *most => Ok(()),
            (Self::Key, Tree::Text(text)) if (1..=256).contains(&text.chars().count()) => Ok(()),
            (Self::Uri, Tree::Text(text)) if is_uri(text) => Ok(()),
            (Self::Hex { digits }, Tree::Text(text)) if text.len() == *digits && is_lower_hex(text) => Ok(()),
            (Self::Word(words), Tree::Text(text)) if words.contains(&text.as_str()) => Ok(()),
            (Self::Whole { least, most }, Tree::Number(number))
                if number.fract() == 0.0 && (*least..=*most).contains(number) =>
            {
                Ok(())
            }
            (Self::Flag, Tree::Flag(_)) | (Self::Open, Tree::Object(_)) => Ok(()),
            (Self::Texts { most, longest }, Tree::Object(members)) if members.len() <= *most => {
                let text = Self::Text { most: *longest };
                members.iter().try_for_each(|(name, value)| text.check(value).map_err(|flaw| flaw.within(name)))
            }
            (Self::List { of, most }, Tree::List(items)) if items.len() <= *most => {
                let check = |(at, item)| of.check(item).map_err(|flaw| flaw.within(format!("[{at}]")));
                items.iter().enumerate().try_for_each(check)
            }
            (Self::Object(fields), Tree::Object(members)) => check_members(fields, members),
            (expected, found) => Err(Flaw::new(format!("found {}, expected {}", shown(found), expected.described()))),
        }
    }

    fn described(&self) -> String {
        match self {
            Self::Text { most } if *most == usize::MAX => "a text".to_owned(),
            Self::Text { most } => format!("a text of at most {most} characters"),
            Self::Key => "a text of 1 to 256 characters".to_owned(),
            Self::Uri => "a URI".to_owned(),
            Self::Hex { digits } => format!("{digits} lower-case hexadecimal digits"),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Self::Flag => "true or false".to_owned(),
            Self::Open | Self::Object(_) => "an object".to_owned(),
            Self::Texts { most, .. } => format!("an object of at most {most} texts"),
            Self::List { most, .. } if *most == usize::MAX => "a list".to_owned(),
            Self::List { most, .. } => format!("a list of at most {most}"),
        }
    }
}

fn check_members(fields: &[Field], members: &[(String, Tree)]) -> Result<(), Flaw> {
    for (name, value) in members {
        match fields.iter().find(|field| field.name == name) {
            Some(field) => field.shape.check(value).map_err(|flaw| flaw.within(name))?,
            None => {
                return Err(Flaw::new("found a member that the object does not have").within(name));
            }
        }
    }
    let missing = fields.iter().find(|field| field.is_required && !members.iter().any(|(name, _)| name == field.name));
    missing.map_or(Ok(()), |field| Err(Flaw::new("found nothing, expected the member").within(field.name)))
}

/// A value in a few words: it may be long, and it may be somebody's.
fn shown(value: &Tree) -> String {
    match value {
        Tree::Null => "null".to_owned(),
        Tree::Flag(flag) => flag.to_string(),
        Tree::Number(number) => number.to_string(),
        Tree::Text(text) => format!("a text of {} characters", text.chars().count()),
        Tree::List(items) => format!("a list of {}", items.len()),
        Tree::Object(_) => "an object".to_owned(),
    }
}

pub(super) fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
    let starts_well = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    starts_well
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && text.len() <= 2_048
}

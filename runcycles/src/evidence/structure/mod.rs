//! What an envelope must look like: closed objects, down to every value.

mod payloads;
mod rules;
mod shape;

use self::shape::{Field, Shape};
use super::EvidenceError;
use super::tree::Tree;

/// The version of the envelope, on the wire.
pub(super) const SCHEMA_VERSION: &str = "cycles-evidence/v0.1";

/// An envelope without its payload.
const ENVELOPE: &[Field] = &[
    Field::required("schema_version", Shape::Word(&[SCHEMA_VERSION])),
    Field::required("artifact_type", Shape::Word(&["decide", "reserve", "commit", "release", "error"])),
    Field::required("server_id", Shape::Uri),
    Field::required("signer_did", Shape::Text { most: 512 }),
    Field::required("issued_at_ms", Shape::Whole { least: 0.0, most: shape::INT64 }),
    Field::optional("trace_id", Shape::Hex { digits: 32 }),
    Field::required("payload", Shape::Open),
    Field::required("evidence_id", Shape::Hex { digits: 64 }),
    Field::required("signature", Shape::Hex { digits: 128 }),
];

/// Where an envelope is not as it must be, and how.
#[derive(Debug)]
pub(super) struct Flaw {
    /// From the innermost member out, so that each level adds its own.
    path: Vec<String>,
    problem: String,
}

impl Flaw {
    fn new(problem: impl Into<String>) -> Self {
        Self { path: Vec::new(), problem: problem.into() }
    }

    /// The flaw as the object around it sees it.
    fn within(mut self, member: impl AsRef<str>) -> Self {
        self.path.push(short(member.as_ref()));
        self
    }
}

/// The beginning of a text that whoever made the envelope chose.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

impl From<Flaw> for EvidenceError {
    fn from(mut flaw: Flaw) -> Self {
        flaw.path.reverse();
        Self::Malformed { path: flaw.path.join("."), problem: flaw.problem }
    }
}

/// Checks an envelope, its payload and what the one says of the other.
pub(super) fn check(envelope: &Tree) -> Result<(), EvidenceError> {
    if let Some(version) = envelope.get("schema_version").and_then(Tree::text).filter(|text| *text != SCHEMA_VERSION) {
        return Err(EvidenceError::UnknownVersion { found: short(version) });
    }
    Shape::Object(ENVELOPE).check(envelope)?;
    let artifact = envelope.get("artifact_type").and_then(Tree::text).unwrap_or_default();
    let payload = envelope.get("payload").map_or(&[][..], Tree::members);
    match payload {
        [(name, body)] if name == artifact => {
            payloads::check(artifact, body).map_err(|flaw| flaw.within(artifact).within("payload").into())
        }
        _ => {
            let found: Vec<_> = payload.iter().map(|(name, _)| short(name)).take(8).collect();
            Err(Flaw::new(format!("found [{}], expected {artifact} alone", found.join(", "))).within("payload").into())
        }
    }
}

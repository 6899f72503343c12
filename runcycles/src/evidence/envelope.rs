//! Envelopes.

use std::fmt;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::tree::Tree;
use super::{EvidenceError, hex, structure};

/// The largest document that is taken, in bytes. A request is not larger, and its answer is smaller.
const MAX_BYTES: usize = 2 << 20;

/// Signed evidence of one answer: of the shape that the protocol demands, with the id of its content. Who signed it is what an
/// [`EvidenceVerifier`](super::EvidenceVerifier) tells (Cycles evidence: `CyclesEvidence`).
#[derive(Clone, PartialEq)]
pub struct Envelope {
    tree: Tree,
    /// What the signature is over: the canonical form with an empty signature.
    signed: String,
    artifact: Artifact,
}

/// What an envelope is evidence of (Cycles evidence: `ArtifactType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Artifact {
    /// The answer to a decision request.
    Decide,
    /// The answer to a reservation or a dry run.
    Reserve,
    /// The answer to a commit.
    Commit,
    /// The answer to a release.
    Release,
    /// A refusal of one of these.
    Error,
}

impl Artifact {
    /// The artifact as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Reserve => "reserve",
            Self::Commit => "commit",
            Self::Release => "release",
            Self::Error => "error",
        }
    }

    fn of(text: &str) -> Self {
        [Self::Decide, Self::Reserve, Self::Commit, Self::Release]
            .into_iter()
            .find(|artifact| artifact.as_str() == text)
            .unwrap_or(Self::Error)
    }
}

impl Envelope {
    /// Reads an envelope, and computes the id of its content.
    ///
    /// Bounded to 2 MiB and 32 levels. Unlike answers, envelopes are closed: a member that is not known is refused, since nobody
    /// could say what was signed with it.
    ///
    /// # Errors
    ///
    /// [`EvidenceError`] where it is no envelope, or has the id of another.
    pub fn parse(document: &[u8]) -> Result<Self, EvidenceError> {
        if document.len() > MAX_BYTES {
            return Err(EvidenceError::TooLarge { bytes: document.len(), limit: MAX_BYTES });
        }
        let tree = Tree::parse(document).map_err(EvidenceError::Json)?;
        structure::check(&tree)?;
        let artifact = Artifact::of(tree.get("artifact_type").and_then(Tree::text).unwrap_or_default());
        let found = tree.get("evidence_id").and_then(Tree::text).unwrap_or_default().to_owned();
        let (computed, signed) = identify(tree.clone());
        if found != computed {
            return Err(EvidenceError::WrongId { found, computed });
        }
        Ok(Self { tree, signed, artifact })
    }

    /// What it is evidence of.
    pub fn artifact(&self) -> Artifact {
        self.artifact
    }

    /// The digest of its content: 64 lower-case hexadecimal digits.
    pub fn evidence_id(&self) -> &str {
        self.member("evidence_id")
    }

    /// The deployment that issued it, normally its address up to and including `/v1`.
    pub fn server_id(&self) -> &str {
        self.member("server_id")
    }

    /// Who it says has signed it: 64 hexadecimal digits of a key, or `did:cycles:…#kid`.
    pub fn signer_did(&self) -> &str {
        self.member("signer_did")
    }

    /// When it was issued, in milliseconds since 1970 by the signer's clock.
    pub fn issued_at_ms(&self) -> u64 {
        self.tree.get("issued_at_ms").and_then(Tree::whole).map_or(0, i64::unsigned_abs)
    }

    /// The trace that its request belonged to.
    pub fn trace_id(&self) -> Option<&str> {
        self.tree.get("trace_id")?.text()
    }

    /// The reservation it is about, where the operation has one.
    pub fn reservation_id(&self) -> Option<&str> {
        let named = self.body().get("reservation_id");
        named.or_else(|| self.body().get("response")?.get("reservation_id"))?.text()
    }

    /// The status of a refusal.
    pub fn http_status(&self) -> Option<u16> {
        u16::try_from(self.body().get("http_status")?.whole()?).ok()
    }

    /// The answer that it attests, as JSON in canonical form. Amounts beyond 2⁵³ − 1 are rounded there, as the signed form has
    /// them.
    pub fn response(&self) -> String {
        self.part("response").canonical()
    }

    /// The request that it attests, as JSON in canonical form; `null` for a refusal that does not have it.
    pub fn request(&self) -> String {
        self.part("request").canonical()
    }

    /// The whole envelope in canonical form, which is also what is fetched. Archive it with the key set of the day it was issued.
    pub fn to_canonical(&self) -> String {
        self.tree.canonical()
    }

    /// Whether it attests an answer that was received, such as a
    /// [`CommitResponse`](crate::models::CommitResponse) or an [`ErrorResponse`](crate::models::ErrorResponse).
    ///
    /// Left out of the comparison are the reference to the evidence and the remaining time to live, which no evidence attests, and
    /// members that are null or empty lists on either side.
    pub fn attests_response(&self, received: &impl Serialize) -> bool {
        Self::same(self.part("response"), received)
    }

    /// Whether it attests a request that was sent, with the subject that was filled in.
    pub fn attests_request(&self, sent: &impl Serialize) -> bool {
        Self::same(self.part("request"), sent)
    }

    fn same(attested: &Tree, other: &impl Serialize) -> bool {
        Tree::of(other).is_ok_and(|other| essence(other).canonical() == essence(attested.clone()).canonical())
    }

    /// The bytes that the signature is over.
    pub(super) fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    pub(super) fn signature(&self) -> Option<[u8; 64]> {
        hex::decode(self.member("signature"))
    }

    fn member(&self, name: &str) -> &str {
        // The structure was checked as the envelope was read.
        self.tree.get(name).and_then(Tree::text).unwrap_or_default()
    }

    fn body(&self) -> &Tree {
        self.tree.get("payload").and_then(|payload| payload.get(self.artifact.as_str())).unwrap_or(&Tree::Null)
    }

    fn part(&self, name: &str) -> &Tree {
        self.body().get(name).unwrap_or(&Tree::Null)
    }
}

/// The id of an envelope's content, and what its signature is over.
///
/// The id is over the canonical form in which both id and signature are there and empty; the signature is over the one in which the
/// id is there and the signature is empty.
pub(super) fn identify(mut tree: Tree) -> (String, String) {
    let empty = || Tree::Text(String::new());
    tree.set("evidence_id", empty());
    tree.set("signature", empty());
    let id = hex::encode(&Sha256::digest(tree.canonical()));
    tree.set("evidence_id", Tree::Text(id.clone()));
    let signed = tree.canonical();
    (id, signed)
}

/// What an answer says, apart from what no evidence attests and from nothing.
fn essence(tree: Tree) -> Tree {
    match tree {
        Tree::Object(members) => {
            let attested = |name: &str| name != "cycles_evidence" && name != "remaining_ttl_ms";
            spoken(Tree::Object(members.into_iter().filter(|(name, _)| attested(name)).collect()))
        }
        other => other,
    }
}

/// A value without the members that say nothing. What is free data is as it was written.
fn spoken(tree: Tree) -> Tree {
    const FREE: [&str; 3] = ["custom", "details", "metadata"];
    let says_something = |value: &Tree| *value != Tree::Null && *value != Tree::List(Vec::new());
    match tree {
        Tree::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| says_something(value));
            let members = members.map(|(name, value)| {
                let value = if FREE.contains(&name.as_str()) { value } else { spoken(value) };
                (name, value)
            });
            Tree::Object(members.collect())
        }
        Tree::List(items) => Tree::List(items.into_iter().map(spoken).collect()),
        other => other,
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("artifact", &self.artifact)
            .field("evidence_id", &self.evidence_id())
            .field("server_id", &self.server_id())
            .finish_non_exhaustive()
    }
}

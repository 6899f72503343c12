//! Key sets: which keys a server signs with, and when.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;

use super::AuthorityFailure;
use super::signer_id::{SignerId, server_digest};
use super::tree::Tree;

/// The keys that a server signs evidence with, retired ones included (Cycles evidence: `CyclesEvidenceJwks`).
///
/// Keep the set with the evidence: with it, evidence is verified without a network for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct KeySet {
    document: Bytes,
    keys: Vec<Key>,
    /// A name that stands in the set twice, whatever the keys are.
    has_duplicates: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Key {
    bytes: [u8; 32],
    kid: String,
    /// The first millisecond in which it signs.
    from: i64,
    /// The first millisecond in which it does not sign any more.
    until: Option<i64>,
}

impl KeySet {
    /// Reads a key set. Keys that cannot be used are left out, and members that are not known are passed over; both are what a
    /// newer server may add.
    ///
    /// # Errors
    ///
    /// [`serde_json::Error`] where it is no object with a list of keys.
    pub fn parse(document: impl Into<Bytes>) -> Result<Self, serde_json::Error> {
        let document = document.into();
        let invalid = |problem: &str| <serde_json::Error as serde::de::Error>::custom(problem);
        let tree = Tree::parse(&document)?;
        let Tree::Object(_) = &tree else { return Err(invalid("expected an object with keys")) };
        let Some(Tree::List(items)) = tree.get("keys") else { return Err(invalid("expected a list of keys")) };
        let mut kids: Vec<_> = items.iter().filter_map(|item| item.get("kid")?.text()).collect();
        let count = kids.len();
        kids.sort_unstable();
        kids.dedup();
        let has_duplicates = kids.len() < count;
        let keys = items.iter().filter_map(Key::read).collect();
        Ok(Self { document, keys, has_duplicates })
    }

    /// The document that it was read from, to be kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.document
    }

    /// The one key that may have signed at a time: by its name or its bytes, never by being current.
    pub(super) fn select(
        &self,
        signer: &SignerId,
        server_id: &str,
        issued_at_ms: u64,
    ) -> Result<[u8; 32], AuthorityFailure> {
        if let SignerId::Named { server, .. } = signer {
            if *server != server_digest(server_id) {
                return Err(AuthorityFailure::OtherServer);
            }
        }
        if self.has_duplicates {
            return Err(AuthorityFailure::DuplicateKey);
        }
        let named: Vec<_> = self.keys.iter().filter(|key| key.is_meant_by(signer)).collect();
        if named.is_empty() {
            return Err(AuthorityFailure::UnknownKey);
        }
        let issued_at = i64::try_from(issued_at_ms).unwrap_or(i64::MAX);
        let mut candidates = named.into_iter().filter(|key| key.signs_at(issued_at));
        match (candidates.next(), candidates.next()) {
            (Some(key), None) => Ok(key.bytes),
            (Some(_), Some(_)) => Err(AuthorityFailure::Ambiguous),
            (None, _) => Err(AuthorityFailure::OutsideWindow),
        }
    }
}

impl Key {
    /// A key, if it can be used.
    fn read(item: &Tree) -> Option<Self> {
        let text = |name: &str| item.get(name).and_then(Tree::text);
        let is_ed25519 = text("kty") == Some("OKP") && text("crv") == Some("Ed25519");
        let is_eddsa = item.get("alg").is_none_or(|alg| alg.text() == Some("EdDSA"));
        if !is_ed25519 || !is_eddsa {
            return None;
        }
        let until = match item.get("cycles_exp_ms") {
            None | Some(Tree::Null) => None,
            Some(until) => Some(until.whole()?),
        };
        Some(Self {
            bytes: BASE64_URL_SAFE_NO_PAD.decode(text("x")?).ok()?.try_into().ok()?,
            kid: text("kid")?.to_owned(),
            from: item.get("cycles_nbf_ms")?.whole()?,
            until,
        })
    }

    fn is_meant_by(&self, signer: &SignerId) -> bool {
        match signer {
            SignerId::Key(bytes) => self.bytes == *bytes,
            SignerId::Named { kid, .. } => self.kid == *kid,
        }
    }

    fn signs_at(&self, instant: i64) -> bool {
        self.from <= instant && self.until.is_none_or(|until| instant < until)
    }
}

//! Issuing evidence.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde::Serialize;
use serde_json::json;

use super::envelope::identify;
use super::signer_id::server_digest;
use super::tree::Tree;
use super::{Artifact, EvidenceError, hex, structure};

/// Issues evidence: for authorities, and for tests of what verifies it.
///
/// The id of an envelope is known before it is signed, so that an answer can refer to evidence that is signed later.
///
/// ```
/// use runcycles::evidence::{Artifact, Envelope, EvidenceSigner, EvidenceVerifier};
/// use serde_json::json;
///
/// # fn main() -> Result<(), runcycles::evidence::EvidenceError> {
/// let signer = EvidenceSigner::from_seed([7; 32], "https://cycles.example.com/v1");
/// let draft = signer.draft(Artifact::Release, 1_795_348_800_000, None, &json!({
///     "reservation_id": "rsv_1",
///     "request": { "idempotency_key": "key_1" },
///     "response": { "status": "RELEASED", "released": { "unit": "TOKENS", "amount": 12 } },
/// }))?;
/// let envelope = Envelope::parse(signer.sign(&draft).as_bytes())?;
/// assert_eq!(envelope.evidence_id(), draft.evidence_id());
///
/// let verifier = EvidenceVerifier::new("https://cycles.example.com/v1").pin(signer.signer_did());
/// assert!(verifier.verify(&envelope)?.is_trusted());
/// # Ok(())
/// # }
/// ```
pub struct EvidenceSigner {
    key: SigningKey,
    server_id: String,
    kid: Option<String>,
}

impl EvidenceSigner {
    /// A signer for a deployment, named by its key. The seed is the 32 bytes of an Ed25519 secret key; the server's id is a URI that
    /// never changes, normally the address up to and including `/v1`.
    pub fn from_seed(seed: [u8; 32], server_id: impl Into<String>) -> Self {
        Self { key: SigningKey::from_bytes(&seed), server_id: server_id.into(), kid: None }
    }

    /// Names the signer `did:cycles:…#kid` rather than by its key. Those who verify need the key set then.
    pub fn named(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The server's id.
    pub fn server_id(&self) -> &str {
        &self.server_id
    }

    /// How envelopes name this signer.
    pub fn signer_did(&self) -> String {
        match &self.kid {
            None => hex::encode(self.key.verifying_key().as_bytes()),
            Some(kid) => format!("did:cycles:{}#{kid}", hex::encode(&server_digest(&self.server_id))),
        }
    }

    /// This key as a member of a [`KeySet`](super::KeySet), valid from a time on, in milliseconds since 1970, and until another
    /// where it is retired then.
    pub fn jwk(&self, from_ms: u64, until_ms: Option<u64>) -> serde_json::Value {
        let bytes = self.key.verifying_key().to_bytes();
        let kid = self.kid.clone().unwrap_or_else(|| hex::encode(&bytes[..8]));
        let mut jwk = json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "kid": kid,
            "x": BASE64_URL_SAFE_NO_PAD.encode(bytes),
            "cycles_nbf_ms": from_ms,
            "status": if until_ms.is_some() { "retired" } else { "active" },
        });
        if let Some(until) = until_ms {
            jwk["cycles_exp_ms"] = until.into();
        }
        jwk
    }

    /// Makes an envelope of an artifact's body, with its id and without a signature.
    ///
    /// # Errors
    ///
    /// [`EvidenceError`] where the body is not what evidence of this kind may attest.
    pub fn draft(
        &self,
        artifact: Artifact,
        issued_at_ms: u64,
        trace_id: Option<&str>,
        body: &impl Serialize,
    ) -> Result<EvidenceDraft, EvidenceError> {
        let text = |text: &str| Tree::Text(text.to_owned());
        let body = Tree::of(body).map_err(EvidenceError::Json)?;
        #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
        let mut members = vec![
            ("schema_version".to_owned(), text(structure::SCHEMA_VERSION)),
            ("artifact_type".to_owned(), text(artifact.as_str())),
            ("server_id".to_owned(), text(&self.server_id)),
            ("signer_did".to_owned(), text(&self.signer_did())),
            ("issued_at_ms".to_owned(), Tree::Number(issued_at_ms as f64)),
            ("payload".to_owned(), Tree::Object(vec![(artifact.as_str().to_owned(), body)])),
            ("evidence_id".to_owned(), text(&"0".repeat(64))),
            ("signature".to_owned(), text(&"0".repeat(128))),
        ];
        if let Some(trace) = trace_id {
            members.push(("trace_id".to_owned(), text(trace)));
        }
        let envelope = Tree::Object(members);
        structure::check(&envelope)?;
        let (evidence_id, signed) = identify(envelope);
        Ok(EvidenceDraft { evidence_id, signed })
    }

    /// Signs an envelope: the same one each time. Returns it in canonical form.
    pub fn sign(&self, draft: &EvidenceDraft) -> String {
        const EMPTY: &str = "\"signature\":\"\"";
        let signature = hex::encode(&self.key.sign(draft.signed.as_bytes()).to_bytes());
        let mut envelope = draft.signed.clone();
        // The last one is the envelope's own: in canonical order, nothing but texts stands after it.
        if let Some(at) = envelope.rfind(EMPTY) {
            envelope.insert_str(at + EMPTY.len() - 1, &signature);
        }
        envelope
    }
}

/// An envelope that is not signed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceDraft {
    evidence_id: String,
    /// What the signature will be over.
    signed: String,
}

impl EvidenceDraft {
    /// The envelope's id, which the signature does not change.
    pub fn evidence_id(&self) -> &str {
        &self.evidence_id
    }

    /// How many bytes there are to sign.
    #[expect(clippy::len_without_is_empty, reason = "an envelope is never empty")]
    pub fn len(&self) -> usize {
        self.signed.len()
    }
}

impl fmt::Debug for EvidenceSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvidenceSigner")
            .field("server_id", &self.server_id)
            .field("signer_did", &self.signer_did())
            .finish_non_exhaustive()
    }
}

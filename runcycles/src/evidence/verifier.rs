//! Who signed an envelope.

use ed25519_dalek::{Signature, VerifyingKey};

use super::signer_id::SignerId;
use super::{AuthorityFailure, Disposition, Envelope, EvidenceError, KeySet, ResolutionFailure};

/// Tells who signed envelopes of one server. Asks nobody: what it knows is what it was given.
///
/// An envelope says itself which server it is of, and anybody can write one that names a server of theirs, with a key set to match.
/// So a verifier is for a server that its user names.
#[derive(Clone, Debug)]
pub struct EvidenceVerifier {
    server_id: String,
    expected_signer: Option<String>,
    keys: Keys,
}

/// What is known of a server's keys.
#[derive(Clone, Debug)]
enum Keys {
    /// No key set was given, or the server publishes none.
    None,
    Known(KeySet),
    Unreachable,
}

impl EvidenceVerifier {
    /// A verifier of a server's evidence. The server's id is compared byte for byte, as the protocol has it.
    pub fn new(server_id: impl Into<String>) -> Self {
        Self { server_id: server_id.into(), expected_signer: None, keys: Keys::None }
    }

    /// The signer that is expected, as envelopes name it: 64 hexadecimal digits of a key, or `did:cycles:…#kid`.
    pub fn pin(mut self, signer_did: impl Into<String>) -> Self {
        self.expected_signer = Some(signer_did.into());
        self
    }

    /// The server's key set, from an archive or from [`EvidenceSource::key_set`](super::EvidenceSource::key_set).
    pub fn keys(mut self, keys: KeySet) -> Self {
        self.keys = Keys::Known(keys);
        self
    }

    /// Notes that the key set could not be had, which is not the same as that there is none.
    pub fn keys_unreachable(mut self) -> Self {
        self.keys = Keys::Unreachable;
        self
    }

    /// The same keys for a server that is called otherwise in its evidence than where it is asked.
    pub(super) fn of_server(self, server_id: &str) -> Self {
        Self { server_id: server_id.to_owned(), ..self }
    }

    /// The server whose evidence this is for.
    pub fn server_id(&self) -> &str {
        &self.server_id
    }

    /// The key set that it knows, to be archived.
    pub fn key_set(&self) -> Option<&KeySet> {
        match &self.keys {
            Keys::Known(keys) => Some(keys),
            Keys::None | Keys::Unreachable => None,
        }
    }

    /// Tells who signed an envelope.
    ///
    /// Where the protocol leaves the order open, this is it: what cannot be found out comes first, then what the key set says, then
    /// the signature, as the algorithm has it. A key that stands in the envelope itself is [`Disposition::BindingOnly`] where there
    /// is no key set, also where the server answers that it publishes none.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::OtherServer`] where the envelope is of another server.
    pub fn verify(&self, envelope: &Envelope) -> Result<Verdict, EvidenceError> {
        if envelope.server_id() != self.server_id {
            let found = envelope.server_id().to_owned();
            return Err(EvidenceError::OtherServer { found, expected: self.server_id.clone() });
        }
        let signer_pin = self.expected_signer.as_ref().map(|expected| *expected == envelope.signer_did());
        Ok(Verdict { disposition: self.dispose(envelope), signer_pin })
    }

    fn dispose(&self, envelope: &Envelope) -> Disposition {
        let Some(signer) = SignerId::parse(envelope.signer_did()) else {
            return Disposition::SignerResolutionFailed(ResolutionFailure::UnknownMethod);
        };
        let (key, established) = match (&self.keys, &signer) {
            (Keys::Known(keys), _) => match keys.select(&signer, envelope.server_id(), envelope.issued_at_ms()) {
                Ok(key) => (key, Disposition::Authentic),
                Err(failure) => return Disposition::SignerAuthorityFailed(failure),
            },
            (Keys::Unreachable, _) => {
                return Disposition::SignerResolutionFailed(ResolutionFailure::Unreachable);
            }
            (Keys::None, SignerId::Key(key)) => (*key, Disposition::BindingOnly),
            (Keys::None, SignerId::Named { server, .. }) => {
                return if *server == super::signer_id::server_digest(envelope.server_id()) {
                    Disposition::SignerResolutionFailed(ResolutionFailure::NoKeySet)
                } else {
                    // No key set of this server could ever authorise it.
                    Disposition::SignerAuthorityFailed(AuthorityFailure::OtherServer)
                };
            }
        };
        if made(&key, envelope) { established } else { Disposition::SignatureInvalid }
    }
}

/// Whether a key made an envelope's signature. Keys and signatures that several messages or signers would share are refused.
fn made(key: &[u8; 32], envelope: &Envelope) -> bool {
    let (Ok(key), Some(signature)) = (VerifyingKey::from_bytes(key), envelope.signature()) else { return false };
    key.verify_strict(envelope.signed(), &Signature::from_bytes(&signature)).is_ok()
}

/// What a verifier says of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an envelope proves nothing until its verdict is looked at"]
pub struct Verdict {
    disposition: Disposition,
    /// Whether the signer is the expected one, where one is.
    signer_pin: Option<bool>,
}

impl Verdict {
    /// What is known of the signer.
    pub fn disposition(&self) -> &Disposition {
        &self.disposition
    }

    /// Whether a signer was expected and the envelope names exactly that one. Worth nothing unless the signature is valid.
    pub fn signer_pin_matched(&self) -> bool {
        self.signer_pin == Some(true)
    }

    /// Whether the envelope proves what it says: it is authentic, or is signed by the expected signer. An authentic envelope of
    /// another signer than the expected one does not.
    pub fn is_trusted(&self) -> bool {
        match (&self.disposition, self.signer_pin) {
            (Disposition::Authentic, pin) => pin != Some(false),
            (Disposition::BindingOnly, pin) => pin == Some(true),
            _ => false,
        }
    }
}

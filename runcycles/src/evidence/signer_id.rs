//! Who an envelope says has signed it.

use sha2::{Digest as _, Sha256};

use super::hex;

/// Who an envelope says has signed it (Cycles evidence: `signer_did`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SignerId {
    /// The key itself.
    Key([u8; 32]),
    /// A key of a server's key set, by the digest of the server's id and the key's name.
    Named { server: [u8; 32], kid: String },
}

impl SignerId {
    /// Reads 64 lower-case digits, or `did:cycles:<64 digits>#<kid>`; nothing of another method.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("did:cycles:") {
            None => hex::decode(text).map(Self::Key),
            Some(rest) => {
                let (server, kid) = rest.split_once('#')?;
                let server = hex::decode(server)?;
                (!kid.is_empty()).then(|| Self::Named { server, kid: kid.to_owned() })
            }
        }
    }
}

/// What a server is called by in `did:cycles`: the digest of its id, byte for byte as the envelope has it.
pub(super) fn server_digest(server_id: &str) -> [u8; 32] {
    Sha256::digest(server_id).into()
}

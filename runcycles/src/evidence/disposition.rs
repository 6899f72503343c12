//! What is known of an envelope's signer.

/// What is known of who signed an envelope: exactly one of these (Cycles evidence: verification dispositions).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// The signature is valid, and the server's key set authorises the key for the time of issue.
    Authentic,
    /// The signature is valid; whether the key may sign for the server is not known. Anybody can sign with a key of their own, so
    /// this is trust only together with a [pin](super::Verdict::signer_pin_matched).
    BindingOnly,
    /// The server's key set does not authorise the key. What the signature is worth was not asked.
    SignerAuthorityFailed(AuthorityFailure),
    /// Which keys may sign could not be found out. This says nothing about the envelope.
    SignerResolutionFailed(ResolutionFailure),
    /// The key did not make the signature.
    SignatureInvalid,
}

impl Disposition {
    /// The disposition as the protocol names it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Authentic => "authentic",
            Self::BindingOnly => "binding_only",
            Self::SignerAuthorityFailed(_) => "signer_authority_failed",
            Self::SignerResolutionFailed(_) => "signer_resolution_failed",
            Self::SignatureInvalid => "signature_invalid",
        }
    }
}

/// Why a key set does not authorise a signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorityFailure {
    /// The signer is named as one of another server.
    OtherServer,
    /// The set has no such key.
    UnknownKey,
    /// The set has the key, and not for the time of issue.
    OutsideWindow,
    /// The set has several such keys for the time of issue.
    Ambiguous,
    /// The set has several keys of one name, so no name in it means anything.
    DuplicateKey,
}

/// Why it could not be found out which keys may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResolutionFailure {
    /// The signer is named in a way that is not known.
    UnknownMethod,
    /// There is no key set to look the name up in: none was given, or the server publishes none.
    NoKeySet,
    /// The key set could not be fetched, or could not be read.
    Unreachable,
}

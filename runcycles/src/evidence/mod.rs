//! Evidence: answers that an authority has signed, and what they prove.
//!
//! Needs the feature `evidence`. Answers and refusals may refer to evidence (`cycles_evidence`, [`Error::evidence`](crate::Error)):
//! an envelope with the request, the answer and a signature, which anybody can check without asking the authority.
//!
//! Three questions, in this order:
//!
//! 1. Is it an envelope? [`Envelope::parse`] checks its shape, down to the last member, and that its id is the digest of its
//!    content in canonical form (RFC 8785).
//! 2. Who signed it? [`EvidenceVerifier::verify`] gives one [`Disposition`]. A valid signature alone is `binding_only`: anybody can
//!    sign with a key of their own. [`Verdict::is_trusted`] wants the server's key set to authorise the key for the time of issue,
//!    or the expected signer.
//! 3. Is it about what happened here? [`Envelope::attests_response`] and [`attests_request`](Envelope::attests_request) compare it
//!    with what was received and sent.
//!
//! A verifier asks nobody. What is fetched comes from servers that were listed: from the client's own authority
//! ([`CyclesClient::evidence`](crate::CyclesClient::evidence)), or from those of an [`EvidenceSource`].
//!
//! ```
//! use runcycles::evidence::{Disposition, Envelope, EvidenceError, EvidenceVerifier, KeySet};
//!
//! /// From an archive, years later, without a network.
//! fn is_proven(envelope: &[u8], key_set: Vec<u8>) -> Result<bool, Box<dyn std::error::Error>> {
//!     let verifier = EvidenceVerifier::new("https://cycles.example.com/v1").keys(KeySet::parse(key_set)?);
//!     let verdict = verifier.verify(&Envelope::parse(envelope)?)?;
//!     Ok(*verdict.disposition() == Disposition::Authentic)
//! }
//! ```
//!
//! Cycles evidence, envelope version `cycles-evidence/v0.1`.

mod canonical;
mod disposition;
mod envelope;
mod error;
mod hex;
mod key_set;
mod signer;
mod signer_id;
mod source;
mod structure;
mod tree;
mod verifier;

#[cfg(test)]
mod tests;

pub use self::disposition::{AuthorityFailure, Disposition, ResolutionFailure};
pub use self::envelope::{Artifact, Envelope};
pub use self::error::{EvidenceError, FetchError};
pub use self::key_set::KeySet;
pub use self::signer::{EvidenceDraft, EvidenceSigner};
pub use self::source::EvidenceSource;
pub use self::verifier::{EvidenceVerifier, Verdict};

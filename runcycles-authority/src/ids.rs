//! Fresh identifiers.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// Makes UUIDs of version 4 without a system call each.
///
/// A counter goes through a hash keyed with 128 random bits from the operating system, twice, so that ids neither repeat
/// nor tell anything about each other.
#[derive(Debug)]
pub(crate) struct IdSource {
    key: RandomState,
    counter: AtomicU64,
}

impl IdSource {
    pub(crate) fn new() -> Self {
        Self { key: RandomState::new(), counter: AtomicU64::new(0) }
    }

    /// A fresh UUID.
    pub(crate) fn next(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.next_bits().to_be_bytes()).into_uuid()
    }

    /// An id with a prefix and 16 characters, such as `pol_…`.
    pub(crate) fn next_named(&self, prefix: &str) -> String {
        format!("{prefix}{}", &URL_SAFE_NO_PAD.encode(self.next_bits().to_be_bytes())[..16])
    }

    /// 128 fresh bits.
    pub(crate) fn next_bits(&self) -> u128 {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (self.key.hash_one(2 * count), self.key.hash_one(2 * count + 1));
        (u128::from(high) << 64) | u128::from(low)
    }
}

/// An API key in the form of the protocol: 32 characters after its prefix, out of the operating system's random bits.
pub(crate) fn random_api_key() -> String {
    format!("cyc_live_{}", random_text())
}

/// A secret that webhooks are signed with.
pub(crate) fn random_secret() -> String {
    format!("whsec_{}", random_text())
}

fn random_text() -> String {
    let mut secret = [0; 24];
    secret[..16].copy_from_slice(Uuid::new_v4().as_bytes());
    secret[16..].copy_from_slice(&Uuid::new_v4().as_bytes()[8..]);
    URL_SAFE_NO_PAD.encode(secret)
}

//! The name of an identity's directory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pbkdf2::pbkdf2_hmac;
use sha2::{Digest as _, Sha256};

/// How many rounds make a principal expensive to guess from its directory's name. Shared with the other clients.
const ROUNDS: u32 = 30_000;

/// How many identities a process remembers.
const REMEMBERED: usize = 256;

/// What identifies an identity in memory, without the key in it.
type Digest = [u8; 32];

/// The fingerprints that this process has computed, the oldest first. A lock because writers of several clients share it; held
/// for a look-up, not for a computation.
static COMPUTED: Mutex<VecDeque<(Digest, u64)>> = Mutex::new(VecDeque::new());

/// The name of the directory of a principal and an authority: the first 8 bytes of a derived key, in hexadecimal. It takes some
/// milliseconds of computation the first time.
pub(super) fn of(principal: &str, base_url: &str) -> String {
    let digest = Sha256::new().chain_update(Sha256::digest(principal)).chain_update(base_url).finalize().into();
    let known = computed().iter().find(|(known, _)| *known == digest).map(|(_, fingerprint)| *fingerprint);
    let fingerprint = known.unwrap_or_else(|| {
        let fingerprint = derive(principal, base_url);
        remember(&mut computed(), digest, fingerprint);
        fingerprint
    });
    format!("{fingerprint:016x}")
}

fn computed() -> MutexGuard<'static, VecDeque<(Digest, u64)>> {
    // The list is whole between any two operations on it.
    COMPUTED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(computed: &mut VecDeque<(Digest, u64)>, digest: Digest, fingerprint: u64) {
    if computed.len() == REMEMBERED {
        computed.pop_front();
    }
    computed.push_back((digest, fingerprint));
}

fn derive(principal: &str, base_url: &str) -> u64 {
    let salt = format!("runcycles-commit-journal\n{base_url}");
    let mut key = [0; 8];
    // The derivation gives its first block first, so 8 bytes are the beginning of the 32 that the format names.
    pbkdf2_hmac::<Sha256>(principal.as_bytes(), salt.as_bytes(), ROUNDS, &mut key);
    u64::from_be_bytes(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_remembers_the_latest_identities_and_no_more_than_its_limit() {
        let mut computed = VecDeque::new();
        for n in 0..300 {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&u64::to_be_bytes(n));
            remember(&mut computed, digest, n);
        }
        let kept: Vec<u64> = computed.iter().map(|(_, fingerprint)| *fingerprint).collect();
        assert_eq!(kept, (44..300).collect::<Vec<_>>());
    }

    #[test]
    fn the_whole_derived_key_is_the_shared_formats() {
        let mut key = [0; 32];
        pbkdf2_hmac::<Sha256>(b"key\ntest-key", b"runcycles-commit-journal\nhttp://localhost", ROUNDS, &mut key);
        let (first, last) = key.split_at(16);
        assert_eq!(first, 0x68c9_0501_7df7_dbfc_2247_7fe2_080d_ca48_u128.to_be_bytes());
        assert_eq!(last, 0x9441_ab7f_8760_cd09_51fd_6f81_c706_65a1_u128.to_be_bytes());
        assert_eq!(derive("key\ntest-key", "http://localhost"), 0x68c9_0501_7df7_dbfc);
    }
}

//! Maps by ids that the authority makes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use uuid::Uuid;

use super::LedgerId;

/// A map by ids that are random.
pub(crate) type IdMap<T> = HashMap<Uuid, T, BuildHasherDefault<OwnIdHasher>>;

/// A map by places in the table of ledgers.
pub(crate) type LedgerMap<T> = HashMap<LedgerId, T, BuildHasherDefault<OwnIdHasher>>;

/// Spreads the bits of an id. Nobody but the authority chooses one, so nobody can choose those that collide.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OwnIdHasher(u64);

impl Hasher for OwnIdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for bits in bytes.chunks(8) {
            let mut number = [0; 8];
            number[..bits.len()].copy_from_slice(bits);
            self.write_u64(u64::from_le_bytes(number));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// The length of an id, which all ids share.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        // The product's upper bits depend on all of the id's, and maps use the lower ones too.
        self.0.rotate_left(32)
    }
}

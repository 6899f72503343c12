//! Values as bytes.

/// The largest number that is one byte.
pub(super) const LONGEST_SHORT: u8 = 247;

/// Appends values to a buffer.
///
/// A number up to 247 takes one byte. A byte above that says how many bytes follow, from one for 248 to eight for 255, and
/// those are the number, lowest byte first. Texts and lists carry their length. Nothing is aligned or padded.
#[derive(Debug)]
pub(super) struct Encoder<'a> {
    bytes: &'a mut Vec<u8>,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes }
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Bytes whose number the reader knows.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    #[inline]
    pub(super) fn number(&mut self, number: u64) {
        match u8::try_from(number) {
            Ok(short) if short <= LONGEST_SHORT => self.bytes.push(short),
            _ => {
                let length = 8 - number.leading_zeros() / 8;
                let [length, ..] = length.to_le_bytes();
                self.bytes.push(LONGEST_SHORT + length);
                self.bytes.extend_from_slice(&number.to_le_bytes()[..usize::from(length)]);
            }
        }
    }

    /// A number with a sign; small ones of either sign are short.
    #[inline]
    pub(super) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    /// Bytes with their number.
    #[inline]
    pub(super) fn counted(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }
}

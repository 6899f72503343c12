//! Bytes as values.

use super::encoder::LONGEST_SHORT;

/// Takes values off a slice, in the order in which an [`Encoder`](super::encoder::Encoder) wrote them.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    rest: &'a [u8],
}

/// Bytes that are no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) String);

impl Malformed {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }

    pub(super) fn unknown_kind(what: &str, found: u8) -> Self {
        Self(format!("unknown kind {found} of {what}"))
    }
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or_else(|| ends_early(1, 0))?;
        self.rest = rest;
        Ok(*first)
    }

    /// The next bytes, as many as are asked for.
    #[inline]
    pub(super) fn raw(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| ends_early(length, self.rest.len()))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| ends_early(N, self.rest.len()))?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let first = self.byte()?;
        if first <= LONGEST_SHORT {
            return Ok(u64::from(first));
        }
        let length = first - LONGEST_SHORT;
        let found = self.raw(usize::from(length))?;
        let mut bytes = [0; 8];
        bytes[..found.len()].copy_from_slice(found);
        Ok(u64::from_le_bytes(bytes))
    }

    #[inline]
    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// Bytes that follow their number.
    #[inline]
    pub(super) fn counted(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.number()?;
        let length = usize::try_from(length).map_err(|_| ends_early(usize::MAX, self.rest.len()))?;
        self.raw(length)
    }
}

fn ends_early(expected: usize, found: usize) -> Malformed {
    Malformed::new(format!("expected {expected} more bytes, found {found}"))
}

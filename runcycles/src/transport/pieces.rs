//! Bodies of answers, put together up to a limit.

use bytes::{Bytes, BytesMut};

use crate::error::{TransportError, TransportErrorKind};

/// The largest answer that is read, in bytes. The largest one of the protocol is a page of 200 reservations with metadata.
const MAX_BODY_BYTES: usize = 16 << 20;

/// A body that arrives in pieces. One that arrives in one piece is not copied.
#[derive(Default)]
pub(super) struct Pieces {
    whole: BytesMut,
    last: Bytes,
}

impl Pieces {
    pub(super) fn push(&mut self, piece: Bytes) -> Result<(), TransportError> {
        if self.whole.len() + self.last.len() + piece.len() > MAX_BODY_BYTES {
            return Err(TransportError::new(TransportErrorKind::BodyTooLarge));
        }
        if !self.last.is_empty() {
            self.whole.extend_from_slice(&self.last);
        }
        self.last = piece;
        Ok(())
    }

    pub(super) fn join(mut self) -> Bytes {
        if self.whole.is_empty() {
            return self.last;
        }
        self.whole.extend_from_slice(&self.last);
        self.whole.freeze()
    }
}

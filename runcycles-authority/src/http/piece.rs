//! Memory of answers.
//!
//! An answer with three budgets is beyond the sizes that allocators hand out quickly, and its headers are many small ones. So both
//! are cut from larger pieces: one that is kept holds a piece, and those that are dropped give it back whole.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};

/// Bytes of a piece. What is longer has memory of its own.
pub(super) const PIECE: usize = 1 << 14;

thread_local! {
    static ROOM: RefCell<BytesMut> = RefCell::new(BytesMut::with_capacity(PIECE));
}

/// A copy of some bytes, cut from this thread's piece.
pub(super) fn cut(bytes: &[u8]) -> Bytes {
    ROOM.with_borrow_mut(|room| {
        room.extend_from_slice(bytes);
        room.split().freeze()
    })
}

//! The Cycles authority, embedded.

//! The API of a model provider on loopback, with answers that a test chooses.

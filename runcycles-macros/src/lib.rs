//! The `#[cycles]` attribute.

//! What can stand for metadata.

use serde_json::Value;

use crate::protocol::Metadata;

/// Names and values that go with a commit: anything that gives pairs of them, such as an array or a [`Metadata`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not metadata",
    label = "expected pairs of a name and a JSON value",
    note = "write an array such as `[(\"model\", model)]`, or a `runcycles::models::Metadata`"
)]
pub trait IntoMetadata {
    /// The members.
    fn into_metadata(self) -> Metadata;
}

#[diagnostic::do_not_recommend]
impl<I: IntoIterator<Item: Member>> IntoMetadata for I {
    fn into_metadata(self) -> Metadata {
        self.into_iter().map(Member::into_member).collect()
    }
}

/// A name and its value.
pub trait Member {
    /// The name and the value.
    fn into_member(self) -> (String, Value);
}

impl<K: Into<String>, V: Into<Value>> Member for (K, V) {
    fn into_member(self) -> (String, Value) {
        (self.0.into(), self.1.into())
    }
}

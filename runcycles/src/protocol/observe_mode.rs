//! Whether calls are held to what the authority says.

use super::string_enum::string_enum;

string_enum! {
    /// Whether calls are held to what the authority says (protocol v0.1.26: `ObserveModeEnum`).
    pub enum ObserveMode {
        /// They are, the same as [`Enforce`](Self::Enforce).
        Disabled = "DISABLED",
        /// They are not: everything is evaluated, nothing is held, and operators are told what would have been denied.
        Observe = "OBSERVE",
        /// They are.
        Enforce = "ENFORCE",
    }
}

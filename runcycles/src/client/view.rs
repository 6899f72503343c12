//! What a view of a client adds to it.

use std::sync::Arc;

use super::bounds::Limits;
use super::watch::Watch;
use crate::protocol::Subject;

/// What a view of a client adds to it: where its calls belong, what they may not leave, and who looks on.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(super) scope: Arc<Subject>,
    pub(super) limits: Limits,
    pub(super) watch: Option<Arc<Watch>>,
}

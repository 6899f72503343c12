//! What becomes of a request that may not be made.

use crate::error::Error;

/// Makes a response or an error of the service's own of the reason why a request was not made.
pub trait RefuseRequest<Res, E> {
    /// What the caller gets.
    fn refuse(&self, error: Error) -> Result<Res, E>;
}

/// Converts the reason into the service's error.
#[derive(Clone, Copy, Debug)]
pub struct IntoServiceError;

impl<Res, E: From<Error>> RefuseRequest<Res, E> for IntoServiceError {
    fn refuse(&self, error: Error) -> Result<Res, E> {
        Err(error.into())
    }
}

/// Makes a response of the reason.
#[derive(Clone, Copy, Debug)]
pub struct MapToResponse<F>(pub(super) F);

impl<Res, E, F: Fn(Error) -> Res> RefuseRequest<Res, E> for MapToResponse<F> {
    fn refuse(&self, error: Error) -> Result<Res, E> {
        Ok(self.0(error))
    }
}

/// Makes an error of the service's own of the reason.
#[derive(Clone, Copy, Debug)]
pub struct MapToError<F>(pub(super) F);

impl<Res, E, F: Fn(Error) -> E> RefuseRequest<Res, E> for MapToError<F> {
    fn refuse(&self, error: Error) -> Result<Res, E> {
        Err(self.0(error))
    }
}

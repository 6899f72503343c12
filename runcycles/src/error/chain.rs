//! Finding a denial below other errors.

use std::error::Error as StdError;

use super::Error;

/// Finds a denial anywhere in an error's chain of sources: below `anyhow`, boxes, or an application's own errors.
///
/// ```
/// # fn answer() -> Result<String, Box<dyn std::error::Error + Send + Sync>> { Ok("hello".into()) }
/// match answer() {
///     Err(error) if runcycles::denial(&*error).is_some() => println!("stopped by the budget"),
///     other => drop(other),
/// }
/// ```
pub fn denial<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        // `Error::Action` shows its cause as a source, so the walk passes through it.
        match error.downcast_ref::<Error>() {
            Some(found) if found.is_denied() => return Some(found),
            // The action ran, whatever its settlement was refused for.
            Some(Error::Unsettled { .. }) => return None,
            _ => next = error.source(),
        }
    }
    None
}

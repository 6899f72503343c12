//! What an answer says it used.

use bytes::Bytes;
use http::response::Parts;
use http_body::Frame;
use runcycles::models::Amount;
use serde_json::Value;

/// Reads an answer frame by frame, and `None` at its end.
pub type Reader = Box<dyn FnMut(Option<&Frame<Bytes>>) -> Option<Amount> + Send>;

/// A reader for answers in JSON: `cost` says what their member `usage` comes to. It is found at the end of the answer.
pub fn usage_in_json<F>(cost: F) -> impl Fn(&Parts) -> Reader + Clone
where
    F: Fn(&Value) -> Option<Amount> + Clone + Send + 'static,
{
    move |_| {
        let (cost, mut text) = (cost.clone(), Vec::new());
        Box::new(move |frame| match frame {
            Some(frame) => {
                text.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
                None
            }
            None => cost(serde_json::from_slice::<Value>(&text).ok()?.get("usage")?),
        })
    }
}

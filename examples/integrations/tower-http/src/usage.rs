//! What an answer says it used.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http_body::Frame;
use runcycles::models::Amount;
use serde_json::Value;

/// The longest answer that is kept to be read.
const LONGEST: usize = 4 * 1024 * 1024;

/// Reads an answer frame by frame, and `None` at its end.
pub type Reader = Box<dyn FnMut(Option<&Frame<Bytes>>) -> Option<Amount> + Send>;

/// A reader for answers in JSON: `cost` says what their member `usage` comes to. It is found at the end of the answer.
///
/// Answers that are not `application/json`, such as streams of events, and those of more than 4 MiB cost their estimate.
pub fn usage_in_json<F>(cost: F) -> impl Fn(&Parts) -> Reader + Clone
where
    F: Fn(&Value) -> Option<Amount> + Clone + Send + 'static,
{
    move |head| {
        // The answer so far, for as long as it may be read.
        let (cost, mut text) = (cost.clone(), is_json(head).then(Vec::new));
        Box::new(move |frame| match frame {
            Some(frame) => {
                let part = frame.data_ref().map_or(&[][..], |data| data);
                text = text.take().filter(|text| text.len() + part.len() <= LONGEST);
                if let Some(text) = &mut text {
                    text.extend_from_slice(part);
                }
                None
            }
            None => cost(serde_json::from_slice::<Value>(text.as_deref()?).ok()?.get("usage")?),
        })
    }
}

fn is_json(head: &Parts) -> bool {
    let media_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

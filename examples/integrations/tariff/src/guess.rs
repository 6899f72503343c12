//! How many tokens a request has, where nobody has counted them.

use serde::Serialize;
use serde_json::Value;

/// How many bytes of a request make a token, at least. English has four; code, numbers and most other languages have fewer.
const BYTES_PER_TOKEN: usize = 3;

/// What an image or a file counts for, whatever its size: providers scale them down.
const TOKENS_PER_ATTACHMENT: u64 = 2_000;

/// The members of requests that hold images and files, as the providers name them. What is elsewhere is text, whatever it looks like.
const ATTACHMENTS: [&str; 5] = ["url", "image_url", "data", "file_data", "b64_json"];

/// Data that says nothing of what it is counts as text up to this length.
const LONGEST_BARE: usize = 4_096;

/// The longest head of a data URL: a media type with its parameters.
const LONGEST_MEDIA_TYPE: usize = 128;

/// Guesses how many tokens a request, or a part of one, has: a token for each three bytes of its JSON, so that tools and schemas
/// count too, and 2,000 for each image or file in it. Those are base64 in a member for it, such as `url`, `data` or `file_data`.
///
/// It is more than what most requests have, which is what an estimate wants. A provider's own count is better where there is one,
/// and costs a request of its own.
///
/// ```
/// use cycles_tariff::guess_tokens;
///
/// assert_eq!(guess_tokens(&"Why is the sky blue?"), 8);
/// ```
pub fn guess_tokens(request: &impl Serialize) -> u64 {
    let Ok(request) = serde_json::to_value(request) else { return 0 };
    let (mut bytes, mut attachments) = (0, 0);
    count(&request, false, &mut bytes, &mut attachments);
    let text = u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX);
    text.saturating_add(TOKENS_PER_ATTACHMENT.saturating_mul(attachments))
}

/// Counts a value, which may be an attachment where its member is one for it.
fn count(value: &Value, may_be_attached: bool, bytes: &mut usize, attachments: &mut u64) {
    match value {
        Value::Null => {}
        Value::Bool(_) => *bytes += 4,
        Value::Number(number) => *bytes += number.to_string().len(),
        Value::String(text) if may_be_attached && is_attachment(text) => *attachments += 1,
        Value::String(text) => *bytes += text.len() + 2,
        Value::Array(items) => items.iter().for_each(|item| count(item, false, bytes, attachments)),
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
                *bytes += name.len() + 3;
                count(member, ATTACHMENTS.contains(&name.as_str()), bytes, attachments);
            }
        }
    }
}

/// Whether a string is the data of an image or a file, and nothing else.
fn is_attachment(text: &str) -> bool {
    match text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((media_type, data)) => media_type.len() <= LONGEST_MEDIA_TYPE && is_base64(data),
        None => text.len() > LONGEST_BARE && is_base64(text),
    }
}

fn is_base64(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte))
}

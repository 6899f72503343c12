//! How many tokens a request has, where nobody has counted them.

use serde::Serialize;
use serde_json::Value;

/// How many bytes of a request make a token, at least. English has four; code, numbers and most other languages have fewer.
const BYTES_PER_TOKEN: usize = 3;

/// What an image or a file counts for, whatever its size: providers scale them down.
const TOKENS_PER_ATTACHMENT: u64 = 2_000;

/// Guesses how many tokens a request, or a part of one, has: a token for each three bytes of its JSON, so that tools and schemas
/// count too, and 2,000 for each image or file in it.
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
    count(&request, &mut bytes, &mut attachments);
    let text = u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX);
    text.saturating_add(TOKENS_PER_ATTACHMENT.saturating_mul(attachments))
}

fn count(value: &Value, bytes: &mut usize, attachments: &mut u64) {
    match value {
        Value::Null => {}
        Value::Bool(_) => *bytes += 4,
        Value::Number(number) => *bytes += number.to_string().len(),
        Value::String(text) if is_text(text) => *bytes += text.len() + 2,
        Value::String(_) => *attachments += 1,
        Value::Array(items) => items.iter().for_each(|item| count(item, bytes, attachments)),
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
                *bytes += name.len() + 3;
                count(member, bytes, attachments);
            }
        }
    }
}

/// Whether a string is text, rather than the data of an image or a file: base64 has no spaces, and much of it.
fn is_text(text: &str) -> bool {
    let is_data = text.starts_with("data:") && text.contains(";base64,");
    let is_base64 =
        text.len() > 4_096 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte));
    !is_data && !is_base64
}

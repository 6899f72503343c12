//! The most tokens that a request allows.

use async_openai::types::chat::CreateChatCompletionRequest;
use cycles_tariff::Tariff;
use runcycles::models::Caps;

/// The most tokens of a request, in whichever of its two members it says so.
#[expect(deprecated, reason = "many compatible providers know max_tokens alone")]
fn said(request: &mut CreateChatCompletionRequest) -> &mut Option<u32> {
    if request.max_completion_tokens.is_none() && request.max_tokens.is_some() {
        &mut request.max_tokens
    } else {
        &mut request.max_completion_tokens
    }
}

/// Has a request say how much it allows, and tells how much that is.
pub(crate) fn set(request: &mut CreateChatCompletionRequest, tariff: &Tariff) -> u64 {
    let limit = said(request);
    let most = tariff.output_of(limit.map(u64::from));
    *limit = Some(u32::try_from(most).unwrap_or(u32::MAX));
    most
}

/// Has a request allow no more than the caps do, and tells how much that is.
pub(crate) fn clamp(request: &mut CreateChatCompletionRequest, most: u64, caps: Option<&Caps>) -> u64 {
    let most = caps.map_or(most, |caps| caps.clamp_max_tokens(most));
    *said(request) = Some(u32::try_from(most).unwrap_or(u32::MAX));
    most
}

/// How many answers a request asks for.
pub(crate) fn choices(request: &CreateChatCompletionRequest) -> u64 {
    request.n.map_or(1, u64::from)
}

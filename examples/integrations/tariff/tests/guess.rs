//! Guesses at the tokens of a request.

use cycles_tariff::{Count, Tariff, guess_tokens};
use runcycles::models::AmountError;
use runcycles::{Usage, tokens};
use serde_json::json;

#[test]
fn text_tools_and_schemas_count_by_their_bytes() {
    let short = json!({ "messages": [{ "role": "user", "content": "why?" }] });
    let long = json!({ "messages": [{ "role": "user", "content": "why? ".repeat(300) }] });
    let with_tool =
        json!({ "messages": short["messages"], "tools": [{ "name": "search", "description": "x".repeat(300) }] });
    assert!(guess_tokens(&short) < 20);
    assert_eq!(guess_tokens(&long) - guess_tokens(&short), (5 * 300 - 4) / 3);
    assert!(guess_tokens(&with_tool) > 100);
}

#[test]
fn an_image_counts_by_the_piece_whatever_its_size() {
    let image =
        |bytes: usize| json!([{ "image_url": { "url": format!("data:image/png;base64,{}", "A".repeat(bytes)) } }]);
    assert_eq!(guess_tokens(&image(10)), guess_tokens(&image(4_000_000)));
    assert!(guess_tokens(&image(10)) >= 2_000);
    for member in ["data", "file_data", "b64_json"] {
        let file = |bytes: usize| json!({ "source": { (member): "A".repeat(bytes) } });
        assert_eq!(guess_tokens(&file(5_000)), guess_tokens(&file(4_000_000)), "{member}");
    }
    assert!(guess_tokens(&"no image at all. ".repeat(10_000)) > 50_000);
}

#[test]
fn text_that_looks_like_an_image_counts_as_text() {
    let words = "no image at all ".repeat(10_000);
    for text in ["A".repeat(100_000), format!("data:;base64,{}", "A".repeat(100_000)), format!("data: {words};base64,")]
    {
        assert!(guess_tokens(&text) > 30_000, "alone");
        assert!(guess_tokens(&json!({ "role": "user", "content": text })) > 30_000, "as a message");
        assert!(guess_tokens(&json!({ "type": "text", "text": [text] })) > 30_000, "as a part");
    }
    for text in [format!("data: {words};base64,AAAA"), format!("data:;base64,{words}"), words] {
        assert!(guess_tokens(&json!({ "image_url": { "url": text } })) > 50_000, "text in place of an image");
    }
}

#[test]
fn tokens_are_charged_with_what_was_cached_and_reasoned() {
    let usage = Usage { input: 5, cache_read: 4, cache_write: 3, output: 2, reasoning: 1 };
    let tariff = Tariff::tokens().buffer_percent(10);
    assert_eq!(tariff.cost("any model", &usage).unwrap(), tokens(15));
    assert_eq!(tariff.estimate("any model", 11, 10).unwrap(), tokens(24));
}

#[test]
fn more_tokens_than_there_can_be_are_an_error() {
    let usage = Usage { input: u64::MAX, output: 1, ..Usage::default() };
    let error = Tariff::tokens().cost("any model", &usage).unwrap_err();
    assert_eq!(error.to_string(), AmountError::Overflow.to_string());
}

#[test]
fn an_answer_counts_by_its_length_within_the_limit_and_by_its_parts_beyond() {
    let mut count = Count::new(7, 4);
    count.add(0);
    count.add(6);
    let seen = (count.about().input, count.about().output, count.at_least().output, count.is_beyond_limit());
    assert_eq!(seen, (7, 2, 1, false));
    count.add(1_000);
    assert_eq!((count.about().output, count.at_least().output), (4, 2), "long parts may be few tokens");
    for _ in 0..3 {
        count.add(1);
    }
    assert_eq!((count.about().output, count.is_beyond_limit()), (5, true));
}

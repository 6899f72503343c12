//! Answers as server-sent events.

use std::io;

use futures_util::stream::{self, Stream, StreamExt};
use serde_json::{Value, json};

use crate::answer::{Answer, End, Kind, Message};

/// A stream of packets.
type Packets = stream::BoxStream<'static, io::Result<String>>;

/// An answer as it is sent piece by piece.
pub(crate) fn of(answer: Answer, request: &Value) -> Packets {
    let message = match answer.0 {
        Kind::Message(message) => message.within(request),
        Kind::Refused { body: bytes, .. } | Kind::Raw(bytes) => return sent([bytes]).boxed(),
    };
    let model = request["model"].clone();
    let (words, rest) = (words(&message, &model), rest(&message, &model, request));
    match message.end {
        End::Whole => sent(words).chain(sent(rest)).boxed(),
        End::Broken(after) => {
            // What was sent before the break arrives.
            let broken = stream::once(yielding(Err(io::Error::other("the connection breaks"))));
            sent(words).take(after).chain(broken).boxed()
        }
        End::Short(after) => sent(words).take(after).boxed(),
        End::Silent(after) => sent(words).take(after).chain(stream::pending()).boxed(),
        End::Garbage(after, data) => {
            let garbage = sent([format!("data: {data}\n\n")]);
            let later: Vec<_> = words.iter().skip(after).cloned().collect();
            sent(words).take(after).chain(garbage).chain(sent(later)).chain(sent(rest)).boxed()
        }
        End::Endless => stream::iter(words.into_iter().cycle()).map(Ok).then(yielding).boxed(),
    }
}

/// Lets the server send what it has.
async fn yielding(packet: io::Result<String>) -> io::Result<String> {
    tokio::task::yield_now().await;
    packet
}

fn sent(packets: impl IntoIterator<Item = String, IntoIter: Send + 'static>) -> impl Stream<Item = io::Result<String>> {
    stream::iter(packets.into_iter().map(Ok))
}

/// An event of a chunk.
fn event(model: &Value, choices: &Value, usage: &Value) -> String {
    let mut chunk = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_763_775_000,
        "model": model,
        "choices": choices,
    });
    if !usage.is_null() {
        chunk["usage"] = usage.clone();
    }
    format!("data: {chunk}\n\n")
}

/// A chunk for each word.
fn words(message: &Message, model: &Value) -> Vec<String> {
    let word = |word: &String| {
        let delta = json!({ "role": "assistant", "content": word });
        event(model, &json!([{ "index": 0, "delta": delta, "finish_reason": null }]), &Value::Null)
    };
    message.words.iter().map(word).collect()
}

/// What follows the words: the tool call in two parts, the reason of the end, what it took, and the end.
fn rest(message: &Message, model: &Value, request: &Value) -> Vec<String> {
    let mut events = Vec::new();
    if let Some((tool, arguments)) = &message.tool {
        let arguments = arguments.to_string();
        let middle = (0..=arguments.len() / 2).rev().find(|at| arguments.is_char_boundary(*at)).unwrap_or(0);
        let (first, second) = arguments.split_at(middle);
        for call in [
            json!({ "index": 0, "id": "call_1", "type": "function", "function": { "name": tool, "arguments": first } }),
            json!({ "index": 0, "function": { "arguments": second } }),
        ] {
            let delta = json!({ "role": "assistant", "tool_calls": [call] });
            events.push(event(model, &json!([{ "index": 0, "delta": delta, "finish_reason": null }]), &Value::Null));
        }
    }
    let end = json!([{ "index": 0, "delta": {}, "finish_reason": message.finish_reason(request) }]);
    events.push(event(model, &end, &Value::Null));
    if request["stream_options"]["include_usage"] == true
        && let Some(usage) = message.usage()
    {
        events.push(event(model, &json!([]), &usage));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

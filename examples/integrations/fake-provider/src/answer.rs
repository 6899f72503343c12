//! What a provider answers.

use serde_json::{Value, json};

/// The tokens that an answer says it took, beside the words of its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Input, with what was read from a cache.
    pub prompt: u64,
    /// Input that was read from a cache.
    pub cached: u64,
    /// Reasoning, which comes on top of the text.
    pub reasoning: u64,
}

/// An answer of the provider.
#[derive(Clone, Debug)]
#[must_use = "a provider answers what it is told to"]
pub struct Answer(pub(crate) Kind);

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A message of the model.
    Message(Message),
    /// An HTTP error.
    Refused { status: u16, body: String },
    /// Bytes in place of an answer.
    Raw(String),
}

/// A message of the model, and how it is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) words: Vec<String>,
    pub(crate) tool: Option<(String, Value)>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) end: End,
}

/// How a streamed message ends.
#[derive(Clone, Debug, Default)]
pub(crate) enum End {
    /// With all of its parts.
    #[default]
    Whole,
    /// The connection breaks after so many words.
    Broken(usize),
    /// The answer ends after so many words as if it were whole.
    Short(usize),
    /// Nothing comes after so many words, and the connection stays open.
    Silent(usize),
    /// Something else comes after so many words, and then the rest.
    Garbage(usize, String),
    /// The words come again and again, whatever the request's limit.
    Endless,
}

impl Answer {
    /// A text; each word is a token and, in a stream, a chunk.
    pub fn text(text: &str) -> Self {
        let words = text.split_inclusive(' ').map(str::to_owned).collect();
        Self(Kind::Message(Message { words, tokens: Some(Tokens::default()), ..Message::default() }))
    }

    /// A call of a tool; it counts as ten tokens.
    pub fn tool_call(tool: &str, arguments: Value) -> Self {
        let tool = Some((tool.to_owned(), arguments));
        Self(Kind::Message(Message { tool, tokens: Some(Tokens::default()), ..Message::default() }))
    }

    /// An HTTP error with a message.
    pub fn refused(status: u16, message: &str) -> Self {
        let body = json!({ "error": { "message": message, "type": "error", "param": null, "code": null } });
        Self(Kind::Refused { status, body: body.to_string() })
    }

    /// Bytes in place of an answer, under status 200.
    pub fn raw(bytes: &str) -> Self {
        Self(Kind::Raw(bytes.to_owned()))
    }

    /// Says how many tokens it took.
    pub fn tokens(self, tokens: Tokens) -> Self {
        self.with(|message| message.tokens = Some(tokens))
    }

    /// Says nothing of tokens.
    pub fn without_usage(self) -> Self {
        self.with(|message| message.tokens = None)
    }

    /// Breaks the connection after so many words of a stream.
    pub fn broken_after(self, words: usize) -> Self {
        self.with(|message| message.end = End::Broken(words))
    }

    /// Ends a stream after so many words, in good order but without what should follow.
    pub fn short_after(self, words: usize) -> Self {
        self.with(|message| message.end = End::Short(words))
    }

    /// Sends nothing more after so many words of a stream, and leaves the connection open.
    pub fn silent_after(self, words: usize) -> Self {
        self.with(|message| message.end = End::Silent(words))
    }

    /// Sends an event of other data after so many words of a stream, and goes on.
    pub fn garbage_after(self, words: usize, data: &str) -> Self {
        self.with(|message| message.end = End::Garbage(words, data.to_owned()))
    }

    /// Says its words again and again, whatever the request's limit of tokens.
    pub fn endless(self) -> Self {
        self.with(|message| message.end = End::Endless)
    }

    fn with(mut self, change: impl FnOnce(&mut Message)) -> Self {
        if let Kind::Message(message) = &mut self.0 {
            change(message);
        }
        self
    }

    /// The answer in one piece.
    pub(crate) fn whole(self, request: &Value) -> String {
        let message = match self.0 {
            Kind::Message(message) => message.within(request),
            Kind::Refused { body: bytes, .. } | Kind::Raw(bytes) => return bytes,
        };
        let mut body = json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_763_775_000,
            "model": request["model"],
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": message.content(), "refusal": null },
                "finish_reason": message.finish_reason(request),
                "logprobs": null,
            }],
        });
        if let Some((tool, arguments)) = &message.tool {
            body["choices"][0]["message"]["tool_calls"] = json!([{
                "id": "call_1",
                "type": "function",
                "function": { "name": tool, "arguments": arguments.to_string() },
            }]);
        }
        if let Some(usage) = message.usage() {
            body["usage"] = usage;
        }
        body.to_string()
    }
}

impl Message {
    /// The message within the request's limit of tokens.
    pub(crate) fn within(mut self, request: &Value) -> Self {
        if let (Some(limit), false) = (limit(request), matches!(self.end, End::Endless)) {
            self.words.truncate(limit);
        }
        self
    }

    fn content(&self) -> Value {
        if self.tool.is_some() { Value::Null } else { self.words.concat().into() }
    }

    /// Why the message ends.
    pub(crate) fn finish_reason(&self, request: &Value) -> &'static str {
        match &self.tool {
            Some(_) => "tool_calls",
            None if limit(request).is_some_and(|limit| limit == self.words.len()) => "length",
            None => "stop",
        }
    }

    /// What the message says it took.
    pub(crate) fn usage(&self) -> Option<Value> {
        let tokens = self.tokens?;
        let said = if self.tool.is_some() { 10 } else { self.words.len() as u64 };
        let completion = said + tokens.reasoning;
        Some(json!({
            "prompt_tokens": tokens.prompt,
            "completion_tokens": completion,
            "total_tokens": tokens.prompt + completion,
            "prompt_tokens_details": { "cached_tokens": tokens.cached },
            "completion_tokens_details": { "reasoning_tokens": tokens.reasoning },
        }))
    }
}

/// The most tokens that a request asks for.
fn limit(request: &Value) -> Option<usize> {
    let limit = request["max_completion_tokens"].as_u64().or_else(|| request["max_tokens"].as_u64())?;
    usize::try_from(limit).ok()
}

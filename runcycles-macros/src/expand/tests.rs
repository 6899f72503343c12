//! Expansions, written as their user could have written them.

use proc_macro2::TokenStream;

use super::cycles;

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("tokens")
}

/// Checks what a function becomes, apart from white space and the path of the names that only expansions use.
fn becomes(arguments: &str, function: &str, expected: &str) {
    let dense = |text: String| text.split_whitespace().collect::<String>();
    let expanded = dense(cycles(tokens(arguments), &tokens(function)).to_string());
    assert_eq!(expanded.replace("::runcycles::__private::", ""), dense(expected.to_owned()));
}

#[test]
fn a_function_becomes_what_its_user_could_have_written() {
    becomes(
        r#"usd!(0.02), "llm.completion", agent = user, ttl = "30s", actual = |reply| reply.cost()"#,
        "pub async fn chat(user: &str) -> Result<Reply, AgentError> { ask(user).await }",
        r#"
        pub async fn chat(user: &str) -> Result<Reply, AgentError> {
            let mut call = CallBuilder::new("llm.completion", "chat", ::core::option::Option::None, &usd!(0.02));
            call.level(Level::Agent, &user);
            call.ttl(&::core::time::Duration::from_millis(30000u64));
            let call = call.build();
            let guard = guard::<Result<Reply, AgentError>, _>();
            let body = ::core::pin::pin!(::core::option::Option::Some(async move {
                if let ::core::option::Option::Some(result) = guard.no_result() {
                    return result;
                }
                { ask(user).await }
            }));
            let body = PinnedBody::new(body);
            #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
            let result = guard.run_metered(call, body, |reply| reply.cost()).await;
            result
        }
        "#,
    );
}

#[test]
fn a_fallback_stands_after_the_body_which_leaves_it_the_parameters() {
    becomes(
        r#"5, "llm.completion", fallback = economy(&prompt).await"#,
        "async fn chat(prompt: String) -> Result<impl Display, AgentError> { ask(&prompt).await }",
        r#"
        async fn chat(prompt: String) -> Result<impl Display, AgentError> {
            let call = CallBuilder::new("llm.completion", "chat", ::core::option::Option::None, &5u64);
            let call = call.build();
            let guard = guard::<Result<_, AgentError>, Fallible>();
            let result = {
                let body = ::core::pin::pin!(::core::option::Option::Some(async {
                    if let ::core::option::Option::Some(result) = guard.no_result() {
                        return result;
                    }
                    { ask(&prompt).await }
                }));
                let body = PinnedBody::new(body);
                let body = guard.attempt(body);
                let guard = guard.attempts();
                let result = guard.run(call, body).await;
                result
            };
            match guard.unless_exhausted(result) {
                ::core::option::Option::Some(result) => result,
                ::core::option::Option::None => economy(&prompt).await,
            }
        }
        "#,
    );
}

#[test]
fn a_method_of_async_trait_keeps_its_shape() {
    becomes(
        r#"5, "llm.completion", agent = self.name"#,
        "fn ask<'a>(&'a self, text: String) -> Pin<Box<dyn Future<Output = Result<u8, Error>> + Send + 'a>> {
            Box::pin(async move {
                let __self = self;
                let text = text;
                let __ret: Result<u8, Error> = { Ok(__self.count(text)) };
                __ret
            })
        }",
        r#"
        fn ask<'a>(&'a self, text: String) -> Pin<Box<dyn Future<Output = Result<u8, Error>> + Send + 'a>> {
            Box::pin(async move {
                let __self = self;
                let text = text;
                let mut call = CallBuilder::new("llm.completion", "ask", ::core::option::Option::None, &5u64);
                call.level(Level::Agent, &__self.name);
                let call = call.build();
                let __ret: Result<u8, Error> = {
                    let guard = guard::<Result<u8, Error>, _>();
                    let body = ::core::pin::pin!(::core::option::Option::Some(async move {
                        if let ::core::option::Option::Some(result) = guard.no_result() {
                            return result;
                        }
                        { Ok(__self.count(text)) }
                    }));
                    let body = PinnedBody::new(body);
                    let result = guard.run(call, body).await;
                    result
                };
                __ret
            })
        }
        "#,
    );
}

#[test]
fn policies_that_streams_do_not_have_are_refused_there() {
    for policy in [r#"on_unsettled = "error""#, r#"heartbeat = "cancel""#] {
        let arguments = format!(r#"5, "llm.completion", actual = |chunk| chunk.tokens, {policy}"#);
        let function = "fn chat() -> impl Stream<Item = Result<Chunk, AgentError>> { ask() }";
        let expanded = cycles(tokens(&arguments), &tokens(function)).to_string();
        assert!(expanded.contains("on a function that gives a stream, where it has no effect"), "{expanded}");
    }
}

#[test]
fn a_stream_is_counted_item_by_item() {
    becomes(
        r#"5, "llm.completion", agent = user, actual = |chunk| chunk.tokens"#,
        "fn chat(user: &str) -> impl Stream<Item = Result<Chunk, AgentError>> { ask(user) }",
        r#"
        fn chat(user: &str) -> impl Stream<Item = Result<Chunk, AgentError>> {
            let mut call = CallBuilder::new("llm.completion", "chat", ::core::option::Option::None, &5u64);
            call.level(Level::Agent, &user);
            let call = call.build();
            let guard = guard::<Result<Chunk, AgentError>, _>();
            let body = move || { ask(user) };
            #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
            let stream = guard.stream(call, body, move |chunk| chunk.tokens);
            stream
        }
        "#,
    );
    becomes(
        r#"5, "llm.completion", actual = |chunk| chunk.tokens"#,
        "async fn chat() -> Result<BoxStream<'static, Result<Chunk, AgentError>>, AgentError> { ask().await }",
        r#"
        async fn chat() -> Result<BoxStream<'static, Result<Chunk, AgentError>>, AgentError> {
            let call = CallBuilder::new("llm.completion", "chat", ::core::option::Option::None, &5u64);
            let call = call.build();
            let guard = guard::<Result<BoxStream<'static, Result<Chunk, AgentError>>, AgentError>, _>();
            let body = ::core::pin::pin!(::core::option::Option::Some(async move {
                if let ::core::option::Option::Some(result) = guard.no_result() {
                    return result;
                }
                { ask().await }
            }));
            let body = PinnedBody::new(body);
            #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
            let result = guard.open(call, body, move |chunk| chunk.tokens).await;
            match result {
                ::core::result::Result::Ok(stream) => ::core::result::Result::Ok(::std::boxed::Box::pin(stream)),
                ::core::result::Result::Err(error) => ::core::result::Result::Err(error),
            }
        }
        "#,
    );
}

#[cfg(feature = "blocking")]
#[test]
fn a_plain_function_waits_for_what_an_async_one_awaits() {
    becomes(
        r#"5, "llm.completion""#,
        "fn ask(text: &str) -> Result<u8, Error> { count(text) }",
        r#"
        fn ask(text: &str) -> Result<u8, Error> {
            let call = CallBuilder::new("llm.completion", "ask", ::core::option::Option::None, &5u64);
            let call = call.build();
            let guard = guard::<Result<u8, Error>, _>();
            guard.block_on(async {
                let guard = guard::<Result<u8, Error>, _>();
                let body = ::core::pin::pin!(::core::option::Option::Some(async move {
                    if let ::core::option::Option::Some(result) = guard.no_result() {
                        return result;
                    }
                    { count(text) }
                }));
                let body = PinnedBody::new(body);
                let result = guard.run(call, body).await;
                result
            })
        }
        "#,
    );
}

#[cfg(not(feature = "blocking"))]
#[test]
fn a_plain_function_is_told_of_the_feature_that_guards_it() {
    let expanded = cycles(tokens(r#"5, "a.b""#), &tokens("fn ask() -> Result<u8, Error> { Ok(7) }")).to_string();
    assert!(expanded.contains("found a plain `fn`"), "{expanded}");
    assert!(expanded.contains("enable the feature `blocking` of runcycles"), "{expanded}");
}

//! What is exported of a guarded agent.

use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use runcycles::{CyclesClient, tokens};
use runcycles_authority::Authority;
use runcycles_with_opentelemetry::{agent, current_trace, subscriber};
use tracing::Instrument as _;

const QUESTION: &str = "xyzzy-do-not-show";

fn value(span: &SpanData, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == name);
    found.map(|attribute| attribute.value.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn calls_are_exported_in_the_trace_that_the_authority_has_and_show_no_prompt_and_no_key() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let _guard = tracing::subscriber::set_default(subscriber(&provider));
    let authority = Authority::builder().budget("tenant:acme", tokens(140)).start().await.unwrap();
    let key = authority.api_key("acme");
    let client = CyclesClient::builder(&*key, "http://in-process")
        .tenant("acme")
        .transport(authority.transport())
        .trace_context(current_trace)
        .build();

    let request = tracing::info_span!("request");
    agent(&client, QUESTION).instrument(request.clone()).await.unwrap();
    let denied = agent(&client, QUESTION).instrument(request.clone()).await.unwrap_err();
    drop(request);

    let spans = exporter.get_finished_spans().unwrap();
    let calls: Vec<_> = spans.iter().filter(|span| span.name == "cycles.call").collect();
    assert_eq!(calls.len(), 4, "{spans:#?}");
    let answer = calls[1];
    for (name, expected) in [
        ("action.kind", "llm.completion"),
        ("scope", "tenant:acme"),
        ("estimate", "100"),
        ("decision", "ALLOW"),
        ("actual", "42"),
        ("settlement", "committed"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.usage.output_tokens", "12"),
    ] {
        assert_eq!(value(answer, name), expected, "{name}");
    }
    assert_eq!(value(calls[3], "decision"), "DENY");
    for call in &calls {
        let trace = call.span_context.trace_id().to_string();
        assert_eq!(value(call, "trace.id"), trace, "the authority's trace is this one");
        assert_eq!(denied.trace_id(), Some(&*trace));
    }
    let told = format!("{spans:?}");
    assert!(!told.contains(QUESTION) && !told.contains(&key), "{told}");
}

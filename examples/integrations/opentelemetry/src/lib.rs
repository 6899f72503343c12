//! Guarded calls in the traces of OpenTelemetry.
//!
//! A subscriber with the layer of `tracing-opentelemetry` turns the client's spans into OpenTelemetry's; [`current_trace`] gives their
//! trace to the authority, so that its answers and its log have the same id.

use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use runcycles::telemetry::gen_ai::ModelUsage;
use runcycles::{CyclesClient, Error, TraceContext, WithCyclesConfig, cycles, tokens};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

/// A subscriber that hands spans to a provider.
pub fn subscriber(provider: &SdkTracerProvider) -> impl Subscriber + Send + Sync + use<> {
    let tracer = provider.tracer("agent");
    tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer))
}

/// The trace of the span that is current, as a client's
/// [`trace_context`](runcycles::CyclesClientBuilder::trace_context) hook gives it.
pub fn current_trace() -> Option<TraceContext> {
    let context = tracing::Span::current().context();
    let span = context.span().span_context().clone();
    let flags = span.trace_flags().to_u8();
    let parent = format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id());
    span.is_valid().then(|| TraceContext::parse(&parent)).flatten()
}

/// An agent that answers a question in two guarded steps: a search by a closure, and a model by an attribute.
///
/// # Errors
///
/// What the authority says against a step.
pub async fn agent(client: &CyclesClient, question: &str) -> Result<String, Error> {
    let search = WithCyclesConfig::new(tokens(10)).action("web.search", "index");
    let found: String = client
        .execute(search, |context| async move {
            context.set_actual(tokens(3)).ok();
            Ok::<_, Error>("a page about it".to_owned())
        })
        .await?;
    client.run(answer(question, &found)).await
}

#[cycles(tokens(100), "llm.completion", action_name = "gpt-4o", actual = |_| tokens(42))]
async fn answer(question: &str, found: &str) -> Result<String, Error> {
    // Call your model here. Its usage goes on the span; what was asked and answered does not.
    if let Some(context) = runcycles::context() {
        context.record_model_usage(&ModelUsage::new("gpt-4o").provider("openai").tokens(30, 12));
    }
    Ok(format!("{question} {found}"))
}

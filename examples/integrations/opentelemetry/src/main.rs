//! A guarded agent whose spans go to the standard output: `cargo run -p runcycles-with-opentelemetry`.

use opentelemetry_sdk::trace::SdkTracerProvider;
use runcycles::tokens;
use runcycles_authority::Authority;
use runcycles_with_opentelemetry::{agent, current_trace, subscriber};
use tracing::Instrument as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In production: an exporter of OTLP in the place of this one.
    let exporter = opentelemetry_stdout::SpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).build();
    tracing::subscriber::set_global_default(subscriber(&provider))?;

    let authority = Authority::builder().budget("tenant:acme", tokens(140)).start().await?;
    let client = runcycles::CyclesClient::builder(authority.api_key("acme"), "http://in-process")
        .tenant("acme")
        .transport(authority.transport())
        .trace_context(current_trace)
        .build();
    for question in ["why is the sky blue?", "why is the sea blue?"] {
        let request = tracing::info_span!("request");
        match agent(&client, question).instrument(request).await {
            Ok(_) => println!("answered"),
            Err(error) => println!("{error}"),
        }
    }
    provider.shutdown()?;
    Ok(())
}

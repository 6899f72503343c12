//! A server whose customers have budgets, on an authority in the same process.
//!
//! `cargo run --manifest-path examples/integrations/Cargo.toml -p runcycles-with-axum` serves it on loopback and prints what to
//! ask it; with `--once` it asks itself, prints the answers and ends.

use std::convert::Infallible;
use std::error::Error as StdError;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use runcycles::{CyclesClient, Error, JournalConfig, Scope, TenantClients, context, cycles, usd};
use runcycles_authority::Authority;
use runcycles_with_axum::{Caller, Callers, Refused, ScopeOf, Tenant, as_caller, route_budget};
use serde_json::{Value, json};
use tower::ServiceExt;

/// The model behind `#[cycles]`, for the client and the scope of whoever asks.
#[cycles(usd!(0.01), "llm.completion", action_name = "gpt-4o-mini", actual = |answer: &String| usd!(0.0001).checked_mul(answer.len() as u64).unwrap_or(usd!(0.01)))]
async fn ask_model(question: &str) -> Result<String, Error> {
    Ok(format!("{question}? because."))
}

/// A handler whose calls are guarded one by one.
async fn chat(Tenant(tenant): Tenant, question: String) -> Result<Json<Value>, Refused> {
    Ok(Json(json!({ "tenant": tenant, "answer": ask_model(&question).await? })))
}

/// A handler whose route has a budget. Its answer is a stream, which tells what it costs as it goes.
async fn story() -> Body {
    let words = stream::iter(["once ", "upon ", "a ", "time\n"]).map(|word| {
        if let Some(context) = context() {
            // A context of dollars takes dollars.
            drop(context.record_usage(&usd!(0.002)));
        }
        Ok::<_, Infallible>(Bytes::from_static(word.as_bytes()))
    });
    Body::from_stream(words)
}

async fn whoami(ScopeOf(scope): ScopeOf) -> String {
    format!("{scope}\n")
}

/// Who a token belongs to: a tenant, and a user of theirs.
fn identify(clients: &TenantClients, head: &Parts) -> Option<Caller> {
    let token = head.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let (tenant, user) = match token {
        "token-of-jane" => ("acme", "jane"),
        "token-of-joe" => ("globex", "joe"),
        _ => return None,
    };
    let client: CyclesClient = clients.get(tenant).ok()?;
    Some(Caller::new(client, Scope::tenant(tenant).agent(user)))
}

fn app(clients: TenantClients) -> Router {
    Router::new()
        .route("/chat", post(chat))
        .route("/story", get(story).route_layer(route_budget(usd!(0.01), "http.request")))
        .route("/whoami", get(whoami))
        .layer(middleware::from_fn_with_state(Callers::new(move |head| identify(&clients, head)), as_caller))
}

/// What there is to ask: a token, a route, and a question.
const QUESTIONS: [(&str, &str, Option<&str>); 6] = [
    ("token-of-jane", "/whoami", None),
    ("token-of-jane", "/story", None),
    ("token-of-jane", "/chat", Some("why is the sky blue")),
    ("token-of-joe", "/chat", Some("why is the sea blue")),
    ("token-of-joe", "/story", None),
    ("token-of-nobody", "/story", None),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let authority =
        Authority::builder().budget("tenant:acme", usd!(1)).budget("tenant:globex", usd!(0.009)).start().await?;
    let keys = [("acme", authority.api_key("acme")), ("globex", authority.api_key("globex"))];
    let clients = TenantClients::new("http://authority", move |tenant| {
        keys.iter().find(|(name, _)| *name == tenant).map(|(_, key)| key.clone())
    })
    .settings(|_, builder| builder.journal(JournalConfig::disabled()))
    .transport(authority.transport());
    let app = app(clients);

    if std::env::args().any(|argument| argument == "--once") {
        for (token, path, question) in QUESTIONS {
            let request = Request::builder().uri(path).header(AUTHORIZATION, format!("Bearer {token}"));
            let request = match question {
                Some(question) => request.method("POST").body(Body::from(question))?,
                None => request.body(Body::empty())?,
            };
            let (head, body) = app.clone().oneshot(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            println!("{} {path} as {token}: {}", head.status, String::from_utf8_lossy(&body).trim_end());
        }
        for tenant in ["acme", "globex"] {
            let ledger = authority.ledger(&format!("tenant:{tenant}"));
            println!(
                "{tenant} has spent {}",
                ledger.map_or_else(|| "nothing".to_owned(), |ledger| ledger.spent.to_string())
            );
        }
        return Ok(());
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    for (token, path, question) in QUESTIONS {
        let data = question.map_or_else(String::new, |question| format!(" -d '{question}'"));
        println!("curl -i http://{address}{path} -H 'authorization: Bearer {token}'{data}");
    }
    Ok(axum::serve(listener, app).await?)
}

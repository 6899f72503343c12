//! Routes with budgets.

use std::convert::Infallible;
use std::process::Command;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use runcycles::{
    BoxFuture, CyclesClient, Error, JournalConfig, Scope, Transport, TransportError, TransportErrorKind,
    WithCyclesConfig, context, cycles, tokens, usd,
};
use runcycles_authority::Authority;
use runcycles_with_axum::{
    Caller, Callers, Exhausted, Problems, Refused, ScopeOf, Tenant, as_caller, route_budget, route_budget_with,
};
use serde_json::{Value, json};
use tower::ServiceExt;

/// What becomes of a request of Jane's.
async fn ask(app: &Router, method: &str, path: &str) -> Response {
    let request = Request::builder().method(method).uri(path).header(AUTHORIZATION, "Bearer jane");
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn problem(response: Response) -> Value {
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    serde_json::from_str(&text(response).await).unwrap()
}

/// Routes whose caller is Jane of `acme`, by her token.
fn as_jane(client: CyclesClient, routes: Router) -> Router {
    let callers = Callers::new(move |head| {
        (head.headers.get(AUTHORIZATION)? == "Bearer jane")
            .then(|| Caller::new(client.clone(), Scope::tenant("acme").agent("jane")))
    });
    routes.layer(middleware::from_fn_with_state(callers, as_caller))
}

async fn authority(budget: runcycles::Amount) -> Authority {
    Authority::builder().budget("tenant:acme/agent:jane", budget).start().await.unwrap()
}

#[tokio::test]
async fn a_route_is_charged_to_its_caller_and_denied_when_their_budget_is_used_up() {
    let authority = authority(usd!(0.05)).await;
    let budget = route_budget(usd!(0.02), "http.request");
    let app = as_jane(authority.client("acme"), Router::new().route("/chat", post(async || "hi").route_layer(budget)));
    for _ in 0..2 {
        assert_eq!(text(ask(&app, "POST", "/chat").await).await, "hi");
    }
    let denied = ask(&app, "POST", "/chat").await;
    assert_eq!(denied.status(), 402);
    assert_eq!(problem(denied).await["type"], "urn:runcycles:problem:budget-exceeded",);
    let ledger = authority.ledger("tenant:acme/agent:jane").unwrap();
    assert_eq!((ledger.spent, ledger.reserved.value()), (usd!(0.04), 0));
}

#[tokio::test]
async fn each_route_has_a_budget_of_its_own_and_others_have_none() {
    let authority = authority(tokens(100)).await;
    let routes = Router::new()
        .route("/cheap", get(async || "cheap").route_layer(route_budget(tokens(1), "http.request")))
        .route("/dear/{id}", get(async || "dear").route_layer(route_budget(tokens(99), "http.request")))
        .route("/free", get(async || if context().is_some() { "guarded" } else { "free" }));
    let app = as_jane(authority.client("acme"), routes);
    assert_eq!(text(ask(&app, "GET", "/free").await).await, "free");
    assert_eq!(ask(&app, "GET", "/dear/7").await.status(), 200);
    assert_eq!(ask(&app, "GET", "/cheap").await.status(), 200);
    assert_eq!(ask(&app, "GET", "/cheap").await.status(), 402);
    assert_eq!(ask(&app, "GET", "/nowhere").await.status(), 404);
    assert_eq!(authority.ledger("tenant:acme/agent:jane").unwrap().spent, tokens(100));
}

#[tokio::test]
async fn what_a_handler_records_is_what_the_request_cost() {
    let authority = authority(tokens(100)).await;
    let handler = async || {
        context().unwrap().record_usage(&tokens(3)).unwrap();
        StatusCode::OK
    };
    let failing = async || {
        context().unwrap().record_usage(&tokens(4)).unwrap();
        StatusCode::BAD_GATEWAY
    };
    let routes = Router::new()
        .route("/works", get(handler).route_layer(route_budget(tokens(50), "http.request")))
        .route("/fails", get(failing).route_layer(route_budget(tokens(50), "http.request")))
        .route("/breaks", get(async || StatusCode::BAD_GATEWAY).route_layer(route_budget(tokens(50), "http.request")));
    let app = as_jane(authority.client("acme"), routes);
    for (path, spent) in [("/works", 3), ("/fails", 7), ("/breaks", 7)] {
        ask(&app, "GET", path).await;
        assert_eq!(authority.ledger("tenant:acme/agent:jane").unwrap().spent, tokens(spent), "{path}");
    }
}

/// A body of words, each of which costs a token.
fn words() -> Body {
    let words = stream::iter(["one ", "two ", "three"]).map(|word| {
        context().unwrap().record_usage(&tokens(1)).unwrap();
        Ok::<_, Infallible>(Bytes::from_static(word.as_bytes()))
    });
    Body::from_stream(words)
}

#[tokio::test]
async fn a_streaming_answer_is_settled_at_its_end_with_what_it_told() {
    let authority = authority(tokens(100)).await;
    let client = authority.client("acme");
    let route = get(async || words()).route_layer(route_budget(tokens(50), "http.request"));
    let app = as_jane(client.clone(), Router::new().route("/story", route));
    let response = ask(&app, "GET", "/story").await;
    assert_eq!(authority.ledger("tenant:acme/agent:jane").unwrap().reserved, tokens(50).into());
    assert_eq!(text(response).await, "one two three");
    let ledger = authority.ledger("tenant:acme/agent:jane").unwrap();
    assert_eq!((ledger.spent, ledger.reserved.value()), (tokens(3), 0));

    let mut hung_up = ask(&app, "GET", "/story").await.into_body();
    hung_up.frame().await.unwrap().unwrap();
    drop(hung_up);
    client.flush(std::time::Duration::from_secs(5)).await;
    let ledger = authority.ledger("tenant:acme/agent:jane").unwrap();
    assert_eq!((ledger.spent, ledger.reserved.value()), (tokens(4), 0));
}

#[tokio::test]
async fn over_a_socket_an_answer_of_known_length_and_a_streaming_one_are_settled_and_so_is_head() {
    let authority = authority(tokens(100)).await;
    let routes = Router::new()
        .route("/whole", get(async || "whole").route_layer(route_budget(tokens(10), "http.request")))
        .route("/story", get(async || words()).route_layer(route_budget(tokens(10), "http.request")));
    let app = as_jane(authority.client("acme"), routes);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, app).into_future());
    for (request, end, spent) in
        [("GET /whole", "whole", 10), ("GET /story", "0\r\n\r\n", 13), ("HEAD /whole", "\r\n\r\n", 23)]
    {
        let answer = over_a_socket(address, request).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(end), "{answer:?}");
        assert_eq!(authority.ledger("tenant:acme/agent:jane").unwrap().spent, tokens(spent), "{request}");
    }
    server.abort();
}

/// The bytes of an answer.
async fn over_a_socket(address: std::net::SocketAddr, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let head =
        format!("{request} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer jane\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn handlers_know_the_tenant_and_the_scope_of_their_caller() {
    let authority = authority(tokens(100)).await;
    let handler = async |Tenant(tenant): Tenant, ScopeOf(scope): ScopeOf| format!("{tenant}: {scope}");
    let app = as_jane(authority.client("acme"), Router::new().route("/whoami", get(handler)));
    assert_eq!(text(ask(&app, "GET", "/whoami").await).await, "acme: tenant:acme/agent:jane");

    let nobody = app.oneshot(Request::builder().uri("/whoami").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(nobody.status(), 401);
    assert_eq!(problem(nobody).await["type"], "urn:runcycles:problem:unknown-caller");

    let unwired = Router::new().route("/whoami", get(handler));
    let answer = ask(&unwired, "GET", "/whoami").await;
    assert_eq!(answer.status(), 500);
    assert!(problem(answer).await["detail"].as_str().unwrap().contains("as_caller"));
}

#[cycles(tokens(10), "llm.completion", action_name = "gpt-4o")]
async fn ask_model() -> Result<&'static str, Error> {
    Ok("because")
}

#[tokio::test]
async fn functions_with_cycles_are_charged_to_the_caller_and_their_errors_are_answers() {
    let authority = authority(tokens(15)).await;
    let handler = async || Ok::<_, Refused>(ask_model().await?);
    let app = as_jane(authority.client("acme"), Router::new().route("/chat", post(handler)));
    assert_eq!(text(ask(&app, "POST", "/chat").await).await, "because");
    assert_eq!(ask(&app, "POST", "/chat").await.status(), 402);
    assert_eq!(authority.ledger("tenant:acme/agent:jane").unwrap().spent, tokens(10));
}

/// Answers every request in one way.
struct Always(fn() -> Result<(u16, Value), TransportErrorKind>);

impl Transport for Always {
    fn call(
        &self,
        _request: axum::http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<axum::http::Response<Bytes>, TransportError>> {
        let answer = (self.0)().map_err(TransportError::new).map(|(status, body)| {
            let mut response = axum::http::Response::new(body.to_string().into());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response.headers_mut().insert(RETRY_AFTER, 90.into());
            response
        });
        Box::pin(std::future::ready(answer))
    }
}

/// How a route answers, whose authority answers in one way.
async fn refused(problems: Problems, answer: fn() -> Result<(u16, Value), TransportErrorKind>) -> Response {
    let client = CyclesClient::builder("cyc_key", "http://authority")
        .journal(JournalConfig::disabled())
        .transport(Always(answer))
        .build();
    let budget = route_budget_with(problems, "http.request", |_| WithCyclesConfig::new(tokens(10)));
    let app = as_jane(client, Router::new().route("/", get(async || "never").route_layer(budget)));
    ask(&app, "GET", "/").await
}

fn says(code: &str) -> Result<(u16, Value), TransportErrorKind> {
    let details = json!({ "scope": "tenant:acme", "requested": 10, "remaining": 3, "unit": "TOKENS" });
    Ok((409, json!({ "error": code, "message": "no", "request_id": "req_7", "details": details })))
}

#[tokio::test]
async fn a_budget_that_is_used_up_has_the_status_that_the_server_chose() {
    for (exhausted, status) in
        [(Exhausted::PaymentRequired, 402), (Exhausted::TooManyRequests, 429), (Exhausted::ServiceUnavailable, 503)]
    {
        let response = refused(Problems::default().exhausted(exhausted), || says("BUDGET_EXCEEDED")).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()[RETRY_AFTER], "90");
        assert_eq!(problem(response).await["status"], status);
    }
}

#[tokio::test]
async fn callers_learn_of_scopes_and_amounts_only_where_the_server_explains() {
    let quiet = problem(refused(Problems::default(), || says("BUDGET_EXCEEDED")).await).await;
    assert_eq!(
        quiet,
        json!({
            "type": "urn:runcycles:problem:budget-exceeded", "title": "The budget is used up", "status": 402,
            "request_id": "req_7",
        })
    );
    let open = problem(refused(Problems::default().explaining(), || says("BUDGET_EXCEEDED")).await).await;
    assert!(
        open["detail"].as_str().unwrap().contains("tenant:acme has 3 tokens left and 10 tokens was asked for"),
        "{open}"
    );
    assert_eq!((&open["scope"], &open["reason"]), (&json!("tenant:acme"), &json!("BUDGET_EXCEEDED")));
}

#[tokio::test]
async fn other_refusals_have_a_status_that_says_whose_turn_it_is() {
    let status = async |answer| refused(Problems::default(), answer).await.status().as_u16();
    assert_eq!(status(|| says("BUDGET_FROZEN")).await, 403);
    assert_eq!(status(|| says("TENANT_CLOSED")).await, 403);
    assert_eq!(
        status(|| Ok((404, json!({ "error": "NOT_FOUND", "message": "no budget", "request_id": "r" })))).await,
        403
    );
    assert_eq!(status(|| Ok((401, json!({ "error": "UNAUTHORIZED", "message": "no", "request_id": "r" })))).await, 500);
    let away = refused(Problems::default(), || Err(TransportErrorKind::Connect)).await;
    assert_eq!((away.status().as_u16(), &away.headers()[RETRY_AFTER]), (503, &"5".parse().unwrap()));
    let busy = refused(Problems::default(), || says("LIMIT_EXCEEDED")).await;
    assert_eq!((busy.status().as_u16(), &busy.headers()[RETRY_AFTER]), (503, &"90".parse().unwrap()));
}

#[tokio::test]
async fn calls_made_while_an_answer_streams_are_the_callers() {
    let authority = authority(tokens(100)).await;
    let story = || Body::from_stream(stream::iter(0..2).then(|_| ask_model()));
    let budget = route_budget(tokens(5), "http.request");
    let routes = Router::new()
        .route("/story", get(async move || story()))
        .route("/governed", get(async move || story()).route_layer(budget));
    let app = as_jane(authority.client("acme"), routes);
    for (path, spent) in [("/story", 20), ("/governed", 45)] {
        assert_eq!(text(ask(&app, "GET", path).await).await, "becausebecause");
        assert_eq!(authority.ledger("tenant:acme/agent:jane").unwrap().spent, tokens(spent), "{path}");
    }
}

#[tokio::test]
async fn a_denial_below_an_error_of_the_applications_own_is_a_denial() {
    let authority = authority(tokens(1)).await;
    let config = WithCyclesConfig::new(tokens(10)).action("a", "b").subject(Scope::agent("jane"));
    let denied = authority.client("acme").execute(config, async |_| Ok::<_, Error>(())).await.unwrap_err();
    assert_eq!(Refused::from(Error::Action(Box::new(denied))).into_response().status(), 402);
    let failed = Error::Action(Box::new(std::io::Error::other("the disk is full")));
    assert_eq!(Refused::from(failed).into_response().status(), 500);
}

#[test]
fn the_example_server_answers_customers_by_their_budgets() {
    let output = Command::new(env!("CARGO_BIN_EXE_server")).arg("--once").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in [
        "200 OK /whoami as token-of-jane: tenant:acme/agent:jane",
        "200 OK /story as token-of-jane: once upon a time",
        "402 Payment Required /chat as token-of-joe: ",
        "402 Payment Required /story as token-of-joe: ",
        "401 Unauthorized /story as token-of-nobody: ",
        "acme has spent $0.0109",
        "globex has spent $0",
    ] {
        assert!(text.lines().any(|told| told.starts_with(line)), "no {line:?} in\n{text}");
    }
}

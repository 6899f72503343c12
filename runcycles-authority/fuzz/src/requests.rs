//! Requests of any kind, through the router and without a socket.
//!
//! An input is a sequence of requests with a zero byte between them. Each is a line with method and path, lines of headers, an
//! empty line and a body. `$ID` stands for the latest reservation.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use runcycles::tokens;
use runcycles_authority::{Authority, Budget, ManualClock};
use serde_json::Value;

use crate::caller::{ADMIN_KEY, API_KEY, NOW_MS, block_on, send};

const SCOPES: [&str; 3] = ["tenant:acme", "tenant:acme/agent:a", "tenant:acme/agent:b"];

/// Makes the requests of an input.
///
/// # Panics
///
/// Where an answer is a server's failure or is not JSON, or a ledger does not add up.
pub fn run(data: &[u8]) {
    let authority = authority();
    let mut latest = String::from("none");
    for text in data.split(|byte| *byte == 0) {
        let Some(request) = read(text, &latest) else { continue };
        let is_text = ["/metrics", "/actuator/prometheus"].contains(&request.uri().path());
        let answer = send(&authority, request);
        if !is_text {
            let body: Value = serde_json::from_slice(answer.body()).expect("every body is JSON");
            if !answer.status().is_success() {
                assert!(["error", "message", "request_id"].iter().all(|name| body[*name].is_string()), "{body}");
            }
            if let Some(id) = body["reservation_id"].as_str() {
                id.clone_into(&mut latest);
            }
        }
    }
    for ledger in SCOPES.iter().flat_map(|scope| authority.ledgers(scope)) {
        let [allocated, spent, reserved, debt] =
            [&ledger.allocated, &ledger.spent, &ledger.reserved, &ledger.debt].map(|amount| i128::from(amount.value()));
        assert_eq!(i128::from(ledger.remaining.value()), allocated - spent - reserved - debt, "{ledger}");
    }
}

fn authority() -> Authority {
    let limit = |allocated, limit| Budget::new(tokens(allocated)).overdraft_limit(tokens(limit));
    let builder =
        Authority::builder().clock(ManualClock::at_epoch_ms(NOW_MS)).api_key(API_KEY, "acme").admin_key(ADMIN_KEY);
    let builder = builder.budget(SCOPES[0], limit(1_000, 0)).budget(SCOPES[1], limit(600, 50));
    let builder = builder.budget(SCOPES[2], limit(i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs()));
    block_on(builder.start()).expect("a valid set-up")
}

/// A request, if an HTTP server could have read one.
fn read(text: &[u8], latest: &str) -> Option<Request<Bytes>> {
    let end = text.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((text, &b""[..]), |end| (&text[..end], &text[end + 2..]));
    let mut lines = head.split(|byte| *byte == b'\n');
    let (method, path) = lines.next()?.split_once_at(b' ')?;
    let path = String::from_utf8_lossy(path).replace("$ID", latest);
    let mut request = Request::new(fill(body, latest));
    *request.method_mut() = Method::from_bytes(method).ok()?;
    *request.uri_mut() = path.parse::<Uri>().ok()?;
    for line in lines {
        let (name, value) = line.split_once_at(b':')?;
        let name = HeaderName::from_bytes(name).ok()?;
        request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
    }
    Some(request)
}

fn fill(body: &[u8], latest: &str) -> Bytes {
    match std::str::from_utf8(body) {
        Ok(text) if text.contains("$ID") => text.replace("$ID", latest).into(),
        _ => Bytes::copy_from_slice(body),
    }
}

trait SplitOnce {
    fn split_once_at(&self, at: u8) -> Option<(&[u8], &[u8])>;
}

impl SplitOnce for [u8] {
    fn split_once_at(&self, at: u8) -> Option<(&[u8], &[u8])> {
        let position = self.iter().position(|byte| *byte == at)?;
        Some((&self[..position], &self[position + 1..]))
    }
}

/// Every operation once, well-formed and with most of its members.
pub fn seeds() -> Vec<Vec<u8>> {
    let runtime =
        |line: &str, body: &str| format!("{line}\nx-cycles-api-key:{API_KEY}\ncontent-type:application/json\n\n{body}");
    let admin = |line: &str, body: &str| {
        format!("{line}\nx-admin-api-key:{ADMIN_KEY}\ncontent-type:application/json\n\n{body}")
    };
    let reserve = runtime("POST /v1/reservations", RESERVE);
    let on_it = |line: &str, body: &str| format!("{reserve}\0{}", runtime(line, body));
    let scope = "scope=tenant:acme/agent:a&unit=TOKENS";
    let seeds = [
        reserve.clone(),
        on_it(
            "POST /v1/reservations/$ID/commit",
            r#"{"idempotency_key":"c","actual":{"unit":"TOKENS","amount":30},"metrics":{"tokens_input":1,"tokens_output":2,"latency_ms":3,"model_version":"m","custom":{"x":[1]}},"metadata":{"b":1}}"#,
        ),
        on_it("POST /v1/reservations/$ID/release", r#"{"idempotency_key":"r","reason":"no"}"#),
        on_it("POST /v1/reservations/$ID/extend", r#"{"idempotency_key":"e","extend_by_ms":1000,"metadata":{}}"#),
        on_it("GET /v1/reservations/$ID", ""),
        on_it(
            "GET /v1/reservations?status=ACTIVE&sort_by=created_at_ms&sort_dir=asc&limit=1&include=metadata&from=2025-11-22T00:00:00Z",
            "",
        ),
        runtime(
            "POST /v1/decide",
            &RESERVE.replace(
                r#""ttl_ms":60000,"grace_period_ms":500,"overage_policy":"ALLOW_WITH_OVERDRAFT","dry_run":false,"#,
                "",
            ),
        ),
        runtime(
            "POST /v1/events",
            r#"{"idempotency_key":"v","subject":{"agent":"b","tenant":"acme"},"action":{"kind":"k","name":"n"},"actual":{"unit":"TOKENS","amount":9223372036854775807},"overage_policy":"ALLOW_WITH_OVERDRAFT","client_time_ms":1}"#,
        ),
        runtime("GET /v1/balances?tenant=acme&agent=a&include_children=true&limit=2", ""),
        format!(
            "GET /v1/balances?tenant=acme\ntraceparent:00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\nx-cycles-api-key:{API_KEY}\n\n"
        ),
        "GET /metrics\n\n".to_owned(),
        "GET /actuator/health/readiness\n\n".to_owned(),
        admin(
            "POST /v1/admin/tenants",
            r#"{"tenant_id":"other","name":"Other","default_reservation_ttl_ms":1000,"max_reservation_extensions":0}"#,
        ),
        admin("PATCH /v1/admin/tenants/acme", r#"{"status":"CLOSED"}"#),
        admin(
            "POST /v1/admin/api-keys",
            r#"{"tenant_id":"acme","name":"k","permissions":["budgets:read"],"expires_at":"2027-01-01T00:00:00Z"}"#,
        ),
        admin(
            "POST /v1/admin/budgets",
            r#"{"tenant_id":"acme","scope":"tenant:acme/app:x","unit":"CREDITS","allocated":{"unit":"CREDITS","amount":5},"overdraft_limit":{"unit":"CREDITS","amount":1}}"#,
        ),
        admin(
            "GET /v1/admin/budgets?tenant_id=acme&sort_by=utilization&limit=1&has_debt=false&utilization_min=0.1",
            "",
        ),
        admin(
            &format!("POST /v1/admin/budgets/fund?{scope}&tenant_id=acme"),
            r#"{"operation":"RESET_SPENT","amount":{"unit":"TOKENS","amount":7},"spent":{"unit":"TOKENS","amount":3},"idempotency_key":"f"}"#,
        ),
        admin(&format!("POST /v1/admin/budgets/freeze?{scope}"), "{}"),
        admin(&format!("PATCH /v1/admin/budgets?{scope}"), r#"{"overdraft_limit":{"unit":"TOKENS","amount":0}}"#),
        admin(
            "POST /v1/admin/policies?tenant_id=acme",
            r#"{"tenant_id":"acme","name":"p","scope_pattern":"tenant:acme/*","priority":1,"caps":{"max_tokens":5}}"#,
        ),
        admin("GET /v1/auth/introspect", ""),
    ];
    seeds.into_iter().map(String::into_bytes).collect()
}

const RESERVE: &str = r#"{"idempotency_key":"k","subject":{"tenant":"acme","agent":"a","dimensions":{"run":"1"}},"action":{"kind":"k","name":"n","tags":["t"]},"estimate":{"unit":"TOKENS","amount":40},"ttl_ms":60000,"grace_period_ms":500,"overage_policy":"ALLOW_WITH_OVERDRAFT","dry_run":false,"metadata":{"a":{"b":[1,"\u00e9",null]}}}"#;

//! What every answer carries.

use super::errors::{CODES, provoke};
use crate::conformance::check::{Check, checks};
use crate::conformance::scene::Scene;
use crate::conformance::wire::{Answer, Verdict};

pub(super) const CHECKS: &[Check] = checks! {
    "C-04" Required "an error has a known code, a message and the request's id" => error_body;
    "C-05" Required "every answer has a request id, and an error repeats it" => request_id;
    "C-06" Required "every answer has a trace id, and an error repeats it" => trace_id;
    "C-07" Required "a valid traceparent is continued" => traceparent;
    "C-08" Required "a valid X-Cycles-Trace-Id is continued" => own_trace_header;
    "C-09" Required "traceparent goes before X-Cycles-Trace-Id" => traceparent_first;
    "C-10" Required "a malformed traceparent counts as absent" => malformed_traceparent;
    "C-11" Required "a traceparent of zeros or of version ff counts as absent" => empty_traceparent;
    "C-12" Required "calls without a trace get one each" => fresh_traces;
    "C-13" Reference "answers name the key's tenant" => tenant_header;
    "C-14" Reference "a request id sent by the client is not taken over" => foreign_request_id;
};

const SPAN: &str = "00f067aa0ba902b7";

fn new_trace() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn continuing(trace: &str) -> String {
    format!("00-{trace}-{SPAN}-01")
}

/// A few calls that succeed.
async fn successes(scene: &Scene) -> Verdict<Vec<Answer>> {
    let agent = scene.funded(100).await?;
    let hold = scene.hold(&agent, 10).await?;
    let read = scene.balances(&agent).ok().await?;
    let released = scene.release(&hold.id).ok().await?;
    Ok(vec![hold.answer, read, released])
}

/// The trace id of an answer.
fn trace_of(answer: &Answer) -> Verdict<&str> {
    let is_hex = |text: &str| text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let trace = answer.header("x-cycles-trace-id").filter(|text| is_hex(text) && text.bytes().any(|byte| byte != b'0'));
    trace.ok_or_else(|| {
        let found = answer.header("x-cycles-trace-id").unwrap_or("none");
        answer.fault(format!(
            "X-Cycles-Trace-Id of 32 lower-case hexadecimal digits, not all zero; the header is {found}"
        ))
    })
}

fn has_trace(answer: &Answer, expected: &str) -> Verdict {
    let found = trace_of(answer)?;
    answer.expect(found == expected, format!("X-Cycles-Trace-Id {expected}; the header is {found}")).map(drop)
}

async fn error_body(scene: &Scene) -> Verdict {
    for error in provoke(scene).await? {
        let code = error.text("error")?;
        error.expect(CODES.contains(&code), "error as one of the protocol's codes")?;
        error.text("message")?;
        error.text("request_id")?;
    }
    Ok(())
}

async fn request_id(scene: &Scene) -> Verdict {
    for success in successes(scene).await? {
        let id = success.header("x-request-id").unwrap_or_default();
        success.expect(!id.is_empty(), "an X-Request-Id")?;
    }
    for error in provoke(scene).await? {
        let id = error.header("x-request-id").unwrap_or_default();
        error.expect(!id.is_empty(), "an X-Request-Id")?.has("request_id", id)?;
    }
    Ok(())
}

async fn trace_id(scene: &Scene) -> Verdict {
    for success in successes(scene).await? {
        trace_of(&success)?;
    }
    for error in provoke(scene).await? {
        error.has("trace_id", trace_of(&error)?)?;
    }
    Ok(())
}

async fn traceparent(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    for estimate in [1, 101] {
        let trace = new_trace();
        let answer = scene.reserve(&agent, estimate).header("traceparent", continuing(&trace)).await?;
        has_trace(&answer, &trace)?;
    }
    Ok(())
}

async fn own_trace_header(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    for estimate in [1, 101] {
        let trace = new_trace();
        let answer = scene.reserve(&agent, estimate).header("x-cycles-trace-id", &trace).await?;
        has_trace(&answer, &trace)?;
    }
    Ok(())
}

async fn traceparent_first(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let trace = new_trace();
    let call = scene.reserve(&agent, 1).header("traceparent", continuing(&trace));
    has_trace(&call.header("x-cycles-trace-id", new_trace()).ok().await?, &trace)
}

async fn malformed_traceparent(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let other = new_trace();
    for malformed in [
        "garbage".to_owned(),
        format!("00-{other}-{SPAN}"),
        format!("00-{}-{SPAN}-01", &other[1..]),
        format!("00-{other}-{}-01", &SPAN[1..]),
        format!("00-{}-{SPAN}-01", "g".repeat(32)),
    ] {
        let trace = new_trace();
        let call = scene.reserve(&agent, 1).header("traceparent", malformed);
        has_trace(&call.header("x-cycles-trace-id", &trace).ok().await?, &trace)?;
    }
    Ok(())
}

async fn empty_traceparent(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let trace = new_trace();
    for empty in [
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-{trace}-{}-01", "0".repeat(16)),
        format!("ff-{trace}-{SPAN}-01"),
    ] {
        let answer = scene.reserve(&agent, 1).header("traceparent", empty).ok().await?;
        let found = trace_of(&answer)?;
        answer.expect(found != trace, format!("a trace id other than {trace}"))?;
    }
    Ok(())
}

async fn fresh_traces(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let (first, second) = (scene.balances(&agent).ok().await?, scene.balances(&agent).ok().await?);
    let trace = trace_of(&first)?;
    second.expect(trace_of(&second)? != trace, format!("a trace id other than {trace}")).map(drop)
}

async fn tenant_header(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let tenant = scene.acme.tenant.as_str();
    for call in
        [scene.reserve(&agent, 1), scene.reserve(&agent, 101), scene.reserve(&scene.agent(), 1), scene.balances(&agent)]
    {
        let answer = call.await?;
        let found = answer.header("x-cycles-tenant");
        answer.expect(found == Some(tenant), format!("X-Cycles-Tenant {tenant}; the header is {found:?}"))?;
    }
    Ok(())
}

async fn foreign_request_id(scene: &Scene) -> Verdict {
    let agent = scene.funded(100).await?;
    let answer = scene.balances(&agent).header("x-request-id", "foo").ok().await?;
    let found = answer.header("x-request-id");
    answer.expect(found.is_some_and(|id| id != "foo"), "an X-Request-Id other than foo").map(drop)
}

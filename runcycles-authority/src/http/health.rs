//! Whether the authority is up, for scripts that wait for it.

use http::Method;

use super::exchange::Reply;
use super::json;
use super::problem::Problem;

/// The answer on a path that anybody may ask; nothing on other paths.
pub(super) fn answer(method: &Method, path: &str) -> Option<Result<Reply, Problem>> {
    match path {
        "/actuator/health" | "/actuator/health/liveness" | "/actuator/health/readiness" => {
            let up = || Reply::ok(json::object(|answer| answer.plain("status", "UP")));
            Some(if method == Method::GET { Ok(up()) } else { Err(Problem::method_not_allowed("GET")) })
        }
        _ => None,
    }
}

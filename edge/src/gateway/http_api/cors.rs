//! CORS: what a browser is told. Where the API has a configuration, the integration's own
//! headers do not count. Follows "Configure CORS for HTTP APIs".

use http::{HeaderMap, Method};
use model::estate::apigateway::Cors;

use crate::gateway::call::Call;
use crate::gateway::forward;
use crate::listen::Answer;
use crate::plain;

/// The origin as it may be told back, if it is allowed.
fn allowed(cors: &Cors, origin: &str) -> Option<String> {
    for pattern in cors.allow_origins.iter().flatten() {
        if pattern == "*" {
            return Some("*".to_owned());
        }
        let whole_scheme =
            pattern.strip_suffix('*').is_some_and(|p| p.ends_with("://") && origin.starts_with(p));
        if whole_scheme || pattern == origin {
            return Some(origin.to_owned());
        }
    }
    None
}

fn common(headers: &mut HeaderMap, cors: &Cors, origin: &str) {
    forward::set(headers, "access-control-allow-origin", origin);
    if cors.allow_credentials == Some(true) {
        forward::set(headers, "access-control-allow-credentials", "true");
    }
    if origin != "*" {
        forward::set(headers, "vary", "Origin");
    }
}

/// The answer to a preflight request; it never reaches a route.
pub(super) fn preflight(call: &Call, cors: &Cors) -> Option<Answer> {
    let origin = call.header("origin")?;
    call.header("access-control-request-method").filter(|_| call.method == Method::OPTIONS)?;
    let mut answer = plain::whole(204, "text/plain", "");
    answer.headers_mut().clear();
    let Some(told) = allowed(cors, origin) else { return Some(answer) };
    let headers = answer.headers_mut();
    common(headers, cors, &told);
    for (name, values) in [
        ("access-control-allow-methods", &cors.allow_methods),
        ("access-control-allow-headers", &cors.allow_headers),
    ] {
        if let Some(values) = values.as_ref().filter(|v| !v.is_empty()) {
            forward::set(headers, name, &values.join(","));
        }
    }
    if let Some(age) = cors.max_age {
        forward::set(headers, "access-control-max-age", &age.to_string());
    }
    Some(answer)
}

/// Puts the API's own CORS headers in place of the integration's.
pub(super) fn decorate(call: &Call, cors: &Cors, headers: &mut HeaderMap) {
    let theirs: Vec<_> =
        headers.keys().filter(|n| n.as_str().starts_with("access-control-")).cloned().collect();
    for name in theirs {
        headers.remove(name);
    }
    let Some(told) = call.header("origin").and_then(|origin| allowed(cors, origin)) else { return };
    common(headers, cors, &told);
    if let Some(exposed) = cors.expose_headers.as_ref().filter(|v| !v.is_empty()) {
        forward::set(headers, "access-control-expose-headers", &exposed.join(","));
    }
}

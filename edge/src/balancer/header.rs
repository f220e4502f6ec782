//! Headers of a request on its way to a target, and of the answer on its way back.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use model::plane::Plane;

use super::fleet::Front;
use super::serve::Client;

/// Headers that are about one connection only (RFC 9110, 7.6.1).
const HOP_BY_HOP: &[&str] =
    &["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];
/// What only the balancer may say of a client.
const OWN: &[&str] = &[
    "x-amzn-mtls-clientcert",
    "x-amzn-mtls-clientcert-serial-number",
    "x-amzn-mtls-clientcert-issuer",
    "x-amzn-mtls-clientcert-subject",
    "x-amzn-mtls-clientcert-validity",
    "x-amzn-mtls-clientcert-leaf",
    "x-amzn-tls-version",
    "x-amzn-tls-cipher-suite",
    "x-amzn-oidc-accesstoken",
    "x-amzn-oidc-data",
    "x-amzn-oidc-identity",
];
/// More addresses than these in `X-Forwarded-For` are refused with 463.
const FORWARDED: usize = 30;

/// Takes out what is about this connection only. `upgrade` keeps what asks for another protocol.
pub(super) fn without_hops(headers: &mut HeaderMap, upgrade: bool) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let asked = headers.get(header::UPGRADE).cloned().filter(|_| upgrade);
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(*name);
    }
    if let Some(asked) = asked {
        headers.insert(header::UPGRADE, asked);
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Header names of letters, digits and hyphens; others are invalid to AWS though valid to HTTP.
pub(super) fn invalid(headers: &HeaderMap) -> Vec<HeaderName> {
    let good = |name: &HeaderName| name.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    headers.keys().filter(|n| !good(n)).cloned().collect()
}

/// Whether the request claims to have come through too many hands.
pub(super) fn forwarded_too_often(headers: &HeaderMap) -> bool {
    let all = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
    all.flat_map(|v| v.split(',')).count() > FORWARDED
}

/// Makes the headers of a client's request those of the request to a target.
pub(super) fn to_target(plane: &Plane, front: &Front, client: &Client, trace: &str, headers: &mut HeaderMap) {
    for name in OWN {
        headers.remove(*name);
    }
    forwarded_for(front, client, headers);
    let proto = if client.secure { "https" } else { "http" };
    headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
    set(headers, "x-forwarded-port", &front.listener.port.to_string());
    traced(plane, trace, headers);
    host(front, headers);
    if let Some(tls) = client
        .tls
        .as_ref()
        .filter(|_| front.is_on("routing.http.x_amzn_tls_version_and_cipher_suite.enabled"))
    {
        set(headers, "x-amzn-tls-version", &tls.version);
        set(headers, "x-amzn-tls-cipher-suite", &tls.cipher);
    }
    for (name, value) in client.tls.iter().flat_map(|t| &t.identity) {
        set(headers, name, value);
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn forwarded_for(front: &Front, client: &Client, headers: &mut HeaderMap) {
    const NAME: &str = "x-forwarded-for";
    let peer = match front.is_on("routing.http.xff_client_port.enabled") {
        true => client.peer.to_string(),
        false => client.peer.ip().to_string(),
    };
    match front.attribute("routing.http.xff_header_processing.mode") {
        "preserve" => {}
        "remove" => {
            headers.remove(NAME);
        }
        _ => {
            let given: Vec<&str> = headers.get_all(NAME).iter().filter_map(|v| v.to_str().ok()).collect();
            let chain = given.into_iter().chain([peer.as_str()]).collect::<Vec<_>>().join(", ");
            set(headers, NAME, &chain);
        }
    }
}

/// Adds this balancer's own stop to the trace that the client began, or begins one.
fn traced(plane: &Plane, root: &str, headers: &mut HeaderMap) {
    const NAME: &str = "x-amzn-trace-id";
    let given = headers.get(NAME).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let rest: Vec<String> = given
        .iter()
        .flat_map(|g| g.split(';'))
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty() && !part.starts_with("Self=") && !part.starts_with("Root="))
        .collect();
    let value = match given {
        None => format!("Root={root}"),
        Some(_) => {
            let first = format!("Self={};Root={root}", plane.trace());
            std::iter::once(first).chain(rest).collect::<Vec<_>>().join(";")
        }
    };
    set(headers, NAME, &value);
}

/// "If the listener port is not the default, the port is appended to the host header", unless it is preserved.
fn host(front: &Front, headers: &mut HeaderMap) {
    if front.is_on("routing.http.preserve_host_header.enabled") || [80, 443].contains(&front.listener.port) {
        return;
    }
    let given = headers.get(header::HOST).and_then(|h| h.to_str().ok()).map(str::to_owned);
    if let Some(given) = given.filter(|h| !h.contains(':')) {
        let with = format!("{given}:{}", front.listener.port);
        if let Ok(value) = HeaderValue::from_str(&with) {
            headers.insert(header::HOST, value);
        }
    }
}

/// Headers that a listener adds to every answer, by the attribute that gives their value.
const ADDED: &[(&str, &str)] = &[
    ("strict_transport_security", "strict-transport-security"),
    ("access_control_allow_origin", "access-control-allow-origin"),
    ("access_control_allow_methods", "access-control-allow-methods"),
    ("access_control_allow_headers", "access-control-allow-headers"),
    ("access_control_allow_credentials", "access-control-allow-credentials"),
    ("access_control_expose_headers", "access-control-expose-headers"),
    ("access_control_max_age", "access-control-max-age"),
    ("content_security_policy", "content-security-policy"),
    ("x_content_type_options", "x-content-type-options"),
    ("x_frame_options", "x-frame-options"),
];

/// What the listener's attributes want of every answer.
pub(super) fn to_client(front: &Front, headers: &mut HeaderMap) {
    for (attribute, name) in ADDED {
        let key = format!("routing.http.response.{attribute}.header_value");
        if let Some(value) = front.listener.attributes.get(&key).filter(|v| !v.is_empty()) {
            set(headers, name, value);
        }
    }
    let server = front.listener.attributes.get("routing.http.response.server.enabled");
    if server.is_some_and(|s| s == "false") {
        headers.remove(header::SERVER);
    }
}

/// The root of the trace that a client says it belongs to, if in AWS's form.
pub(super) fn root(headers: &HeaderMap) -> Option<String> {
    let given = headers.get("x-amzn-trace-id")?.to_str().ok()?;
    let root = given.split(';').find_map(|part| part.trim().strip_prefix("Root="))?;
    let good = root.len() < 64 && root.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    good.then(|| root.to_owned())
}

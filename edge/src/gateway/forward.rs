//! What of a request goes on, and what of an answer comes back.
//!
//! A header that says who the caller is comes from the gateway or does not go on at all.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::Full;
use hyper::Request;

use super::call::Call;
use super::upstream::Destination;

/// Meant for the connection, not for whoever is behind it (RFC 9110, 7.6.1).
const HOPS: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];
/// Only the gateway may say these.
const OURS: &[&str] = &["x-amzn-", "apigw-", "x-forwarded-"];
const OURS_WHOLE: &[&str] = &["forwarded", "via", "host", "content-length", "expect", "x-amz-security-token"];

/// Removes the headers that end at this connection.
pub(super) fn without_hops(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all("connection")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for name in named.iter().map(String::as_str).chain(HOPS.iter().copied()) {
        if let Ok(name) = HeaderName::try_from(name) {
            headers.remove(name);
        }
    }
}

/// The client's headers that go on.
pub(super) fn onward(call: &Call) -> HeaderMap {
    let mut headers = call.headers.clone();
    without_hops(&mut headers);
    let ours = |name: &str| OURS.iter().any(|p| name.starts_with(p)) || OURS_WHOLE.contains(&name);
    let gone: Vec<HeaderName> = headers.keys().filter(|n| ours(n.as_str())).cloned().collect();
    for name in gone {
        headers.remove(name);
    }
    // A signature for this API is nobody else's business.
    if call.header("authorization").is_some_and(|a| a.starts_with("AWS4-HMAC-SHA256")) {
        headers.remove("authorization");
    }
    // HTTP/2 clients may split their cookies.
    let cookies: Vec<&str> = headers.get_all("cookie").iter().filter_map(|v| v.to_str().ok()).collect();
    if cookies.len() > 1
        && let Ok(joined) = HeaderValue::from_str(&cookies.join("; "))
    {
        headers.insert("cookie", joined);
    }
    set(&mut headers, "x-amzn-trace-id", &format!("Root={}", call.journey.trace));
    headers
}

/// Sets a header, whatever it was; a value that HTTP cannot carry takes it away.
pub(super) fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    let Ok(name) = HeaderName::try_from(name) else { return };
    match HeaderValue::from_str(value) {
        Ok(value) => {
            headers.insert(name, value);
        }
        Err(_) => {
            headers.remove(name);
        }
    }
}

pub(super) fn port(call: &Call) -> &'static str {
    if call.connection.secure { "443" } else { "80" }
}

pub(super) fn scheme(call: &Call) -> &'static str {
    if call.connection.secure { "https" } else { "http" }
}

/// A URL taken apart: `scheme://authority/path?query`.
pub(super) struct Url<'a> {
    pub(super) https: bool,
    pub(super) authority: &'a str,
    /// With its slash; empty where there is none.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
}

impl<'a> Url<'a> {
    pub(super) fn parse(url: &'a str) -> Option<Url<'a>> {
        let (scheme, rest) = url.split_once("://")?;
        let https = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(at)?;
        (!authority.is_empty() && !authority.contains('@')).then_some(Url { https, authority, path, query })
    }

    pub(super) fn host(&self) -> &'a str {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => host,
            _ => self.authority,
        }
    }

    pub(super) fn port(&self) -> u16 {
        let given = self.authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        given.unwrap_or(if self.https { 443 } else { 80 })
    }
}

/// Where a URL without a VPC link leads: to this runtime itself, or nowhere.
pub(super) fn own(call: &Call, url: &Url<'_>) -> Option<Destination> {
    let endpoint = &call.plane.estate.settings().endpoint;
    let own = Url::parse(endpoint)?;
    let mut labels = url.host().split('.').skip(1);
    let (second, third) = (labels.next(), labels.next());
    let ours = url.authority == own.authority || second == Some("execute-api") || third == Some("elb");
    let address = own.authority.parse().ok()?;
    ours.then(|| Destination { address, server_name: url.https.then(|| url.host().to_owned()) })
}

/// The request as it goes on.
pub(super) fn request(
    method: http::Method,
    path: &str,
    query: &str,
    headers: HeaderMap,
    body: Bytes,
) -> Option<Request<Full<Bytes>>> {
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut request = Request::builder().method(method).uri(target).body(Full::new(body)).ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

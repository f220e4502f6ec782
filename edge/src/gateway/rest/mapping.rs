//! Parameter mappings: `integration.request.header.X` from `context.authorizer.claims.sub`.

use http::HeaderMap;
use model::estate::apigateway::Integration;

use crate::gateway::call::Call;
use crate::gateway::forward;
use crate::gateway::path::{decoded, escaped, pairs};

/// What the mappings make of a request.
#[derive(Default)]
pub(super) struct Mapped {
    /// Values for `{name}` in the URI, raw.
    pub(super) path: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
}

/// The value of a mapping's source; `None` where there is nothing.
pub(super) fn value(call: &Call, source: &str) -> Option<String> {
    if let Some(text) = source.strip_prefix('\'').and_then(|s| s.strip_suffix('\'')) {
        return Some(text.to_owned());
    }
    let parts: Vec<&str> = source.splitn(4, '.').collect();
    match parts.as_slice() {
        ["method", "request", "header" | "multivalueheader", name] => {
            let all: Vec<&str> = call.headers.get_all(*name).iter().filter_map(|v| v.to_str().ok()).collect();
            (!all.is_empty()).then(|| all.join(","))
        }
        ["method", "request", "querystring" | "multivaluequerystring", name] => {
            let found = pairs(&call.query).into_iter().rfind(|(n, _)| n == name);
            found.map(|(_, value)| value)
        }
        ["method", "request", "path", name] => {
            let raw = call.variables.iter().find(|(n, _)| n == name).map(|(_, v)| v)?;
            decoded(raw)
        }
        _ => call.context.reference(source),
    }
}

/// Applies the request mappings. A mapped header is the gateway's: what the client sent under
/// its name is gone, also where there is nothing to put in its place.
pub(super) fn request(call: &Call, integration: &Integration, headers: &mut HeaderMap) -> Mapped {
    let mut mapped = Mapped::default();
    for (target, source) in &integration.request_parameters {
        let parts: Vec<&str> = target.splitn(4, '.').collect();
        match parts.as_slice() {
            ["integration", "request", "header", name] => {
                headers.remove(*name);
                if let Some(value) = value(call, source) {
                    forward::set(headers, name, &value);
                }
            }
            ["integration", "request", "querystring", name] => {
                let value = value(call, source);
                mapped.query.extend(value.map(|v| ((*name).to_owned(), v)));
            }
            ["integration", "request", "path", name] => {
                // A path variable goes on as it came.
                let raw = source
                    .strip_prefix("method.request.path.")
                    .and_then(|n| call.variables.iter().find(|(own, _)| own == n).map(|(_, v)| v.clone()));
                let value = raw.or_else(|| value(call, source).map(|v| escaped(&v)));
                mapped.path.extend(value.map(|v| ((*name).to_owned(), v)));
            }
            _ => {}
        }
    }
    mapped
}

/// The client's query with the mapped parameters in it: a mapped one replaces the client's.
pub(super) fn query(own: &str, client: &str, mapped: &[(String, String)]) -> String {
    let kept = client.split('&').filter(|pair| {
        let name = pairs(pair).into_iter().next().map(|(n, _)| n).unwrap_or_default();
        !pair.is_empty() && !mapped.iter().any(|(n, _)| *n == name)
    });
    let added = mapped.iter().map(|(n, v)| format!("{}={}", escaped(n), escaped(v)));
    let own = own.split('&').filter(|p| !p.is_empty()).map(str::to_owned);
    own.chain(kept.map(str::to_owned)).chain(added).collect::<Vec<_>>().join("&")
}

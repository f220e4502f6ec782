//! Parameter mappings of HTTP APIs: `overwrite:header.x` from `$context.authorizer.claims.sub`.

use std::collections::BTreeMap;

use http::HeaderMap;

use crate::gateway::call::Call;
use crate::gateway::forward;
use crate::gateway::path::{decoded, escaped, pairs};

/// What a request becomes.
pub(super) struct Changed {
    pub(super) path: String,
    pub(super) query: String,
}

/// What a reference stands for. In a path, variables stay as they came.
fn reference(call: &Call, name: &str, rest: &str, raw: bool) -> Option<String> {
    if name == "request.path" {
        return Some(rest.to_owned());
    }
    if let Some(name) = name.strip_prefix("request.path.") {
        let value = call.variables.iter().find(|(n, _)| n == name).map(|(_, v)| v)?;
        return if raw { Some(value.clone()) } else { decoded(value) };
    }
    if let Some(name) = name.strip_prefix("request.header.") {
        let all: Vec<&str> = call.headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).collect();
        return (!all.is_empty()).then(|| all.join(","));
    }
    if let Some(name) = name.strip_prefix("request.querystring.") {
        let all: Vec<String> =
            pairs(&call.query).into_iter().filter(|(n, _)| n == name).map(|(_, v)| v).collect();
        return (!all.is_empty()).then(|| all.join(","));
    }
    call.context.reference(name)
}

/// A value with its references filled in; `None` if it is one reference to nothing.
fn value(call: &Call, template: &str, rest: &str, raw: bool, answer: Option<&HeaderMap>) -> Option<String> {
    let found = std::cell::Cell::new(0_usize);
    let text = call.context.render(template, |name, _| {
        let from_answer = name.strip_prefix("response.header.").and_then(|n| answer?.get(n)?.to_str().ok());
        let value = from_answer.map(str::to_owned).or_else(|| reference(call, name, rest, raw));
        found.set(found.get() + usize::from(value.is_some()));
        value.unwrap_or_default()
    });
    let nothing = text.is_empty() && found.get() == 0 && template.starts_with('$');
    (!nothing).then_some(text)
}

/// Applies the request mappings. An overwritten header is the gateway's: what the client sent
/// under its name is gone, also where there is nothing to put in its place.
pub(super) fn request(
    call: &Call,
    parameters: &BTreeMap<String, String>,
    headers: &mut HeaderMap,
    (path, rest): (String, &str),
) -> Changed {
    let mut changed = Changed { path, query: call.query.clone() };
    for (target, template) in parameters {
        let Some((action, place)) = target.split_once(':') else { continue };
        let filled =
            if action == "remove" { None } else { value(call, template, rest, place == "path", None) };
        match place.split_once('.') {
            None if place == "path" => changed.path = filled.unwrap_or(changed.path),
            Some(("header", name)) => apply(headers, action, name, filled),
            Some(("querystring", name)) => {
                if action != "append" {
                    let kept = changed.query.split('&').filter(|pair| {
                        !pair.is_empty() && pairs(pair).into_iter().next().is_none_or(|(n, _)| n != name)
                    });
                    changed.query = kept.collect::<Vec<_>>().join("&");
                }
                if let Some(value) = filled {
                    let pair = format!("{}={}", escaped(name), escaped(&value));
                    changed.query =
                        if changed.query.is_empty() { pair } else { format!("{}&{pair}", changed.query) };
                }
            }
            _ => {}
        }
    }
    changed
}

fn apply(headers: &mut HeaderMap, action: &str, name: &str, value: Option<String>) {
    match (action, value) {
        ("append", None) => {}
        ("append", Some(value)) => {
            let own = headers.get(name).and_then(|v| v.to_str().ok()).map(|v| format!("{v},{value}"));
            forward::set(headers, name, &own.unwrap_or(value));
        }
        (_, Some(value)) => forward::set(headers, name, &value),
        (_, None) => {
            headers.remove(name);
        }
    }
}

/// Applies the changes for an answer's status; gives the status if that is changed, too.
pub(super) fn response(
    call: &Call,
    changes: &BTreeMap<String, String>,
    headers: &mut HeaderMap,
) -> Option<u16> {
    let before = headers.clone();
    let mut status = None;
    for (target, template) in changes {
        let Some((action, place)) = target.split_once(':') else { continue };
        let filled = if action == "remove" { None } else { value(call, template, "", false, Some(&before)) };
        match place.split_once('.') {
            None => status = filled.and_then(|s| s.parse().ok()),
            Some((_, name)) => apply(headers, action, name, filled),
        }
    }
    status
}

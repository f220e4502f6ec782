//! Parameter mappings: only what the data plane carries out may be written.
//! Follows "Transform API requests and responses for HTTP APIs", reserved headers included.

use model::Fault;

use crate::document::{bad_request, not_served};

const RESERVED: &[&str] = &[
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "forwarded",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "via",
];
const RESERVED_PREFIXES: &[&str] = &["access-control-", "apigw-", "x-amz-", "x-amzn-"];

fn header(name: &str) -> Result<(), Fault> {
    let name = name.to_ascii_lowercase();
    if name.is_empty()
        || RESERVED.contains(&name.as_str())
        || RESERVED_PREFIXES.iter().any(|p| name.starts_with(p))
    {
        return Err(bad_request(format!("Operations on header {name} are restricted")));
    }
    Ok(())
}

/// `overwrite:header.x`, `remove:querystring.y`, `overwrite:path` and what they are set to.
pub(crate) fn request(target: &str, source: &str) -> Result<(), Fault> {
    let invalid = || bad_request(format!("Invalid mapping expression specified: {target}"));
    let (action, place) = target.split_once(':').ok_or_else(invalid)?;
    match (action, place.split_once('.')) {
        ("append" | "overwrite" | "remove", Some(("header", name))) => header(name)?,
        ("append" | "overwrite" | "remove", Some(("querystring", name))) if !name.is_empty() => {}
        ("overwrite", None) if place == "path" => {}
        _ => return Err(invalid()),
    }
    if action == "remove" { Ok(()) } else { sources(source, &["request.", "context.", "stageVariables."]) }
}

/// `overwrite:statuscode`, `append:header.x` of an answer.
pub(crate) fn response(target: &str, source: &str) -> Result<(), Fault> {
    let invalid = || bad_request(format!("Invalid mapping expression specified: {target}"));
    let (action, place) = target.split_once(':').ok_or_else(invalid)?;
    match (action, place.split_once('.')) {
        ("append" | "overwrite" | "remove", Some(("header", name))) => header(name)?,
        ("overwrite", None) if place == "statuscode" => {}
        _ => return Err(invalid()),
    }
    if action == "remove" {
        Ok(())
    } else {
        sources(source, &["response.header.", "context.", "stageVariables."])
    }
}

pub(crate) fn status(text: &str) -> Result<(), Fault> {
    match text.parse::<u16>() {
        Ok(200..=599) => Ok(()),
        _ => Err(bad_request(format!("Invalid status code {text} for response parameters"))),
    }
}

/// Every `$name` and `${name}` of a value must be one that can be filled.
fn sources(text: &str, allowed: &[&str]) -> Result<(), Fault> {
    for reference in text.split('$').skip(1) {
        let name = reference.strip_prefix('{').unwrap_or(reference);
        if name.starts_with("request.body") || name.starts_with("response.body") {
            return Err(not_served("mapping from a body"));
        }
        if !allowed.iter().any(|p| name.starts_with(p)) {
            return Err(bad_request(format!("Invalid mapping expression specified: ${reference}")));
        }
    }
    Ok(())
}

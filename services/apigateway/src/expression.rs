//! What may be written in mappings and templates: only what the data plane carries out.
//! Follows "Parameter mapping source reference for REST APIs".

use std::collections::BTreeMap;

use model::Fault;
use model::estate::apigateway::Method;

use crate::document::{bad_request, not_served};

fn invalid(what: &str) -> Fault {
    bad_request(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: {what}]"
    ))
}

/// `integration.request.header.X` from a constant, the request, the context or a stage variable.
pub(crate) fn request_mapping(method: &Method, target: &str, source: &str) -> Result<(), Fault> {
    let parts: Vec<&str> = target.splitn(4, '.').collect();
    match parts.as_slice() {
        ["integration", "request", "header" | "querystring" | "path", name] if !name.is_empty() => {}
        _ => return Err(invalid(target)),
    }
    if constant(source) || source.starts_with("stageVariables.") {
        return Ok(());
    }
    if let Some(variable) = source.strip_prefix("context.") {
        return context(variable, source);
    }
    if source.starts_with("method.request.body") {
        return Err(not_served("mapping from the request's body"));
    }
    match method.request_parameters.contains_key(source) {
        true => Ok(()),
        false => Err(invalid(source)),
    }
}

/// `method.response.header.X` or `gatewayresponse.header.X`, from where.
pub(crate) fn response_mapping(target: &str, prefix: &str, source: &str) -> Result<(), Fault> {
    if target.strip_prefix(prefix).is_none_or(str::is_empty) {
        return Err(invalid(target));
    }
    let from = ["context.", "stageVariables.", "integration.response.header.", "method.request."];
    if constant(source) || from.iter().any(|p| source.starts_with(p)) {
        return Ok(());
    }
    Err(invalid(source))
}

fn constant(source: &str) -> bool {
    source.len() >= 2 && source.starts_with('\'') && source.ends_with('\'')
}

/// The variables that the data plane fills; `authorizer.claims.` and any claim after it.
const VARIABLES: &[&str] = &[
    "accountId",
    "apiId",
    "authorizer.principalId",
    "domainName",
    "domainPrefix",
    "error.message",
    "error.messageString",
    "error.responseType",
    "extendedRequestId",
    "httpMethod",
    "identity.accountId",
    "identity.apiKey",
    "identity.apiKeyId",
    "identity.caller",
    "identity.sourceIp",
    "identity.user",
    "identity.userAgent",
    "identity.userArn",
    "path",
    "protocol",
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "resourceId",
    "resourcePath",
    "stage",
    "xrayTraceId",
];

fn context(variable: &str, source: &str) -> Result<(), Fault> {
    let claim = variable.strip_prefix("authorizer.claims.").is_some_and(|c| !c.is_empty());
    match claim || VARIABLES.contains(&variable) {
        true => Ok(()),
        false => Err(invalid(source)),
    }
}

/// Templates may hold text, `$context.x` and `$stageVariables.x`; the template language is not served.
pub(crate) fn templates(templates: &BTreeMap<String, String>) -> Result<(), Fault> {
    for text in templates.values() {
        let directive =
            text.split('#').skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_alphabetic()));
        let reference = text.split('$').skip(1).any(|after| {
            let after = after.trim_start_matches(['{', '!']);
            !after.starts_with("context.")
                && !after.starts_with("stageVariables.")
                && !after.starts_with("schema")
        });
        if directive || reference {
            return Err(not_served("the mapping template language beyond `$context` and `$stageVariables`"));
        }
    }
    Ok(())
}

//! Which operation of which service a request means: by target header, path of
//! rpc-v2-cbor, signature scope, host name, `Action` parameter, or method and path.

use model::api::{Api, Operation, Protocol};
use percent_encoding::percent_decode_str;

use crate::rest::query_pairs;
use crate::{Head, form};

/// The operation that a request means.
#[derive(Debug)]
pub struct Route<'a> {
    pub api: &'a Api,
    pub operation: &'a Operation,
    pub protocol: Protocol,
    /// Members that stand in the path, decoded.
    pub labels: Vec<(String, String)>,
}

/// What a request seems to mean when no operation can be found.
#[derive(Debug)]
pub enum Lost<'a> {
    /// No service of ours.
    Service,
    /// The service is known; the operation it names (if it does) is not served.
    Operation { api: &'a Api, protocol: Protocol, name: String },
}

/// Finds the operation. `body` is looked at only for forms.
pub fn identify<'a>(
    head: &Head,
    body: &[u8],
    apis: impl Iterator<Item = &'a Api> + Clone,
) -> Result<Route<'a>, Lost<'a>> {
    if let Some(target) = head.header("x-amz-target") {
        return by_target(target, head, apis);
    }
    if head.header("smithy-protocol") == Some("rpc-v2-cbor") {
        return by_cbor_path(head, apis);
    }
    let scope = scope(head);
    let host = head.header("host").unwrap_or_default();
    let of_host = host_service(host);
    let named = |api: &&Api| match (&scope, of_host) {
        (Some(scope), _) => api.signing_name == scope,
        (None, Some(service)) => api.endpoint_prefix == service,
        (None, None) => false,
    };
    let form = is_form(head);
    let action = parameter(head, body, form, "Action");
    if let Some(action) = action {
        let version = parameter(head, body, form, "Version").unwrap_or_default();
        let speaks = |api: &&Api| api.protocols.iter().any(|p| matches!(p, Protocol::Query | Protocol::Ec2));
        let found = apis
            .clone()
            .filter(speaks)
            .find(|api| named(api) && (version.is_empty() || api.api_version == version))
            .or_else(|| {
                apis.clone()
                    .filter(speaks)
                    .find(|api| api.api_version == version && api.operation(&action).is_some())
            });
        let Some(api) = found else { return Err(Lost::Service) };
        let protocol = api
            .protocols
            .iter()
            .copied()
            .find(|p| matches!(p, Protocol::Query | Protocol::Ec2))
            .unwrap_or(Protocol::Query);
        return operation(api, protocol, &action);
    }
    by_path(head, apis, &scope, of_host)
}

fn operation<'a>(api: &'a Api, protocol: Protocol, name: &str) -> Result<Route<'a>, Lost<'a>> {
    match api.operation(name) {
        Some(operation) => Ok(Route { api, operation, protocol, labels: Vec::new() }),
        None => Err(Lost::Operation { api, protocol, name: name.to_owned() }),
    }
}

fn by_target<'a>(
    target: &str,
    head: &Head,
    apis: impl Iterator<Item = &'a Api> + Clone,
) -> Result<Route<'a>, Lost<'a>> {
    let Some((prefix, name)) = target.rsplit_once('.') else { return Err(Lost::Service) };
    let Some(api) = apis.clone().find(|api| api.target_prefix == prefix) else { return Err(Lost::Service) };
    let json10 = head.header("content-type").is_some_and(|t| t.contains("json-1.0"));
    let protocol = match json10 {
        true => Protocol::Json10,
        false => api
            .protocols
            .iter()
            .copied()
            .find(|p| matches!(p, Protocol::Json10 | Protocol::Json11))
            .unwrap_or(Protocol::Json11),
    };
    operation(api, protocol, name)
}

/// `/service/NAME/operation/OPERATION`.
fn by_cbor_path<'a>(
    head: &Head,
    mut apis: impl Iterator<Item = &'a Api> + Clone,
) -> Result<Route<'a>, Lost<'a>> {
    let mut parts = head.path.rsplit('/');
    let (Some(name), Some("operation"), Some(service)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Lost::Service);
    };
    let own = |api: &&Api| {
        api.target_prefix == service || api.service_id.replace(' ', "") == service || api.name == service
    };
    let Some(api) = apis.find(own) else { return Err(Lost::Service) };
    operation(api, Protocol::Cbor, name)
}

fn is_form(head: &Head) -> bool {
    head.header("content-type").is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"))
}

fn parameter(head: &Head, body: &[u8], form: bool, name: &str) -> Option<String> {
    let in_query = form::pairs(head.query.as_bytes()).find(|(n, _)| n == name);
    let in_body = || form.then(|| form::pairs(body).find(|(n, _)| n == name)).flatten();
    in_query.or_else(in_body).map(|(_, v)| v)
}

/// The service of the credential scope, from header or query.
fn scope(head: &Head) -> Option<String> {
    let credential = match head.header("authorization") {
        Some(header) => header.split_once("Credential=")?.1.split([',', ' ']).next()?.to_owned(),
        None => query_pairs(&head.query).find(|(n, _)| n == "X-Amz-Credential")?.1,
    };
    credential.rsplit('/').nth(1).map(str::to_owned)
}

/// `kms` of `kms.us-east-1.amazonaws.com` or `kms.localhost`.
fn host_service(host: &str) -> Option<&str> {
    let host = host.split(':').next()?;
    if !host.ends_with(".amazonaws.com") && !host.ends_with(".localhost") {
        return None;
    }
    host.split('.').next()
}

/// The bucket of a virtual-hosted S3 request: `bucket.s3.us-east-1.amazonaws.com`, `bucket.s3.localhost`,
/// or `bucket.localhost` as clients make it from an endpoint `localhost`.
pub(crate) fn bucket_of(host: &str) -> Option<&str> {
    let host = host.split(':').next()?;
    for suffix in [".amazonaws.com", ".localhost"] {
        if let Some(rest) = host.strip_suffix(suffix) {
            let at = [".s3.", ".s3-"].iter().filter_map(|m| rest.find(m)).min();
            let end = at.or_else(|| rest.strip_suffix(".s3").map(str::len));
            return end.and_then(|at| rest.get(..at)).filter(|b| !b.is_empty());
        }
    }
    None
}

fn by_path<'a>(
    head: &Head,
    apis: impl Iterator<Item = &'a Api> + Clone,
    scope: &Option<String>,
    of_host: Option<&str>,
) -> Result<Route<'a>, Lost<'a>> {
    let host = head.header("host").unwrap_or_default();
    let s3_host = bucket_of(host).is_some();
    let rest = apis.filter(|api| matches!(api.protocol(), Protocol::RestJson | Protocol::RestXml));
    let candidates: Vec<&'a Api> = match scope {
        Some(scope) => rest.filter(|api| api.signing_name == scope).collect(),
        None if s3_host => rest.filter(|api| api.name == "s3").collect(),
        None => {
            let named: Vec<_> = rest.clone().filter(|api| Some(api.endpoint_prefix) == of_host).collect();
            // What is unsigned and names nobody may still be an anonymous request for an object.
            if named.is_empty() { rest.filter(|api| api.name == "s3").collect() } else { named }
        }
    };
    let Some(first) = candidates.first().copied() else { return Err(Lost::Service) };
    let path = match bucket_of(host) {
        Some(bucket) if first.name == "s3" => format!("/{bucket}{}", head.path),
        _ => head.path.clone(),
    };
    let mut best: Option<(usize, Route<'a>)> = None;
    for api in &candidates {
        for operation in api.operations.iter().filter(|o| o.method == head.method.as_str()) {
            if (api.name != "s3" || of_this_subresource(operation, head))
                && let Some((score, labels)) = fits(operation, &path, head)
                && best.as_ref().is_none_or(|(s, _)| score > *s)
            {
                best = Some((score, Route { api, operation, protocol: api.protocol(), labels }));
            }
        }
    }
    let lost = || Lost::Operation {
        api: first,
        protocol: first.protocol(),
        name: format!("{} {}", head.method, head.path),
    };
    best.map(|(_, route)| route).ok_or_else(lost)
}

/// The labels, if method, path and fixed query fit; a higher score fits more closely.
fn fits(operation: &Operation, path: &str, head: &Head) -> Option<(usize, Vec<(String, String)>)> {
    let (template, fixed) = operation.uri.split_once('?').unwrap_or((operation.uri, ""));
    if head.query.is_empty() && !fixed.is_empty() {
        return None;
    }
    let mut score = 0;
    for wanted in fixed.split('&').filter(|f| !f.is_empty()) {
        let (name, value) = wanted.split_once('=').unwrap_or((wanted, ""));
        query_pairs(&head.query).find(|(n, v)| n == name && (value.is_empty() || v == value))?;
        score += 1000;
    }
    let mut labels = Vec::new();
    let wanted: Vec<&str> = template.trim_start_matches('/').split('/').collect();
    let given: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let mut rest = given.as_slice();
    for (i, part) in wanted.iter().enumerate() {
        let label = part.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
        let behind = wanted.len() - i - 1;
        match label {
            Some(label) if label.ends_with('+') => {
                let take = rest.len().checked_sub(behind)?;
                let (taken, left) = rest.split_at_checked(take)?;
                if taken.is_empty() || (behind == 0 && taken == [""]) {
                    return None;
                }
                labels.push((label.trim_end_matches('+').to_owned(), decode(&taken.join("/"))));
                rest = left;
                score += 1;
            }
            Some(label) => {
                let (first, left) = rest.split_first()?;
                if first.is_empty() {
                    return None;
                }
                labels.push((label.to_owned(), decode(first)));
                rest = left;
                score += 10;
            }
            None => {
                let (first, left) = rest.split_first()?;
                if first != part {
                    return None;
                }
                rest = left;
                score += 100;
            }
        }
    }
    // A bucket may be written with a slash behind it.
    (rest.is_empty() || rest == [""]).then_some((score + required_query(operation, head), labels))
}

/// Parts of S3's buckets and objects that are named by a bare query parameter. A request for one
/// that is not served must never be taken for a request for the bucket or the object itself.
const SUBRESOURCES: [&str; 38] = [
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploads",
    "versioning",
    "versions",
    "website",
];

/// Whether an operation is one on what the query names.
fn of_this_subresource(operation: &Operation, head: &Head) -> bool {
    let fixed = operation.uri.split_once('?').map_or("", |(_, fixed)| fixed);
    let own = fixed.split('&').map(|f| f.split_once('=').map_or(f, |(name, _)| name));
    let strange = |name: &String| SUBRESOURCES.contains(&name.as_str()) && !own.clone().any(|o| o == name);
    if query_pairs(&head.query).any(|(name, _)| strange(&name)) {
        return false;
    }
    // Parts of uploads have a parameter with a value instead.
    let in_parts = matches!(
        operation.name,
        "UploadPart" | "UploadPartCopy" | "CompleteMultipartUpload" | "AbortMultipartUpload" | "ListParts"
    );
    let copied = head.headers.contains_key("x-amz-copy-source");
    let upload = query_pairs(&head.query).any(|(name, _)| name == "uploadId");
    in_parts == upload
        && match operation.name {
            "UploadPartCopy" | "CopyObject" => copied,
            "UploadPart" | "PutObject" => !copied,
            _ => true,
        }
}

/// S3 tells operations of one path apart by what else the query holds.
fn required_query(operation: &Operation, head: &Head) -> usize {
    let has = |name: &str| query_pairs(&head.query).any(|(n, _)| n == name);
    match operation.name {
        "UploadPart" | "UploadPartCopy" if has("partNumber") => 500,
        "CompleteMultipartUpload" | "AbortMultipartUpload" | "ListParts" => 500,
        "CopyObject" | "PutObject" => 50,
        "ListObjectsV2" if has("list-type") => 50,
        "ListObjects" if !has("list-type") => 5,
        "GetObject" | "HeadObject" | "DeleteObject" | "HeadBucket" | "CreateBucket" | "DeleteBucket" => 5,
        _ => 0,
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

//! A call of the record as a CloudTrail event.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>

use model::event::{Call, Event};
use model::{Caller, CallerKind, Host};
use serde_json::{Value as Json, json};

/// A call, with the number of its entry in the log.
pub(crate) struct Seen {
    pub(crate) seq: u64,
    pub(crate) event: Event,
    pub(crate) call: Box<Call>,
}

/// Calls on single objects are data events: trails may carry them, `LookupEvents` does not.
pub(crate) fn is_management(call: &Call) -> bool {
    call.is_management()
}

/// Whether somebody called, and it is not a job that the runtime gave a service. (A database login is
/// recorded as a call of `rds-db`, which has no API of its own.)
pub(crate) fn is_call(host: &dyn Host, call: &Call) -> bool {
    host.registry().service(&call.service).is_none_or(|s| s.api.operation(&call.operation).is_some())
}

/// The id of an event: the same at every look.
pub(crate) fn event_id(seen: &Seen) -> String {
    let name = format!("{}/{}", seen.event.request, seen.seq);
    let hash = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    let bytes: Vec<u8> = hash.as_ref().iter().copied().take(16).collect();
    model::tx::uuid_from(bytes.try_into().unwrap_or_default())
}

/// `kms.amazonaws.com`; some services go by other names there.
pub(crate) fn source(service: &str) -> String {
    let name = match service {
        "elbv2" => "elasticloadbalancing",
        "apigatewayv2" => "apigateway",
        other => other,
    };
    format!("{name}.amazonaws.com")
}

/// The name by which `LookupEvents` finds the caller.
pub(crate) fn user_name(caller: &Caller) -> Option<String> {
    match &caller.kind {
        CallerKind::Root => Some("root".to_owned()),
        CallerKind::User { name } | CallerKind::FederatedUser { name } => Some(name.clone()),
        CallerKind::Role { session_name, .. } => Some(session_name.clone()),
        CallerKind::Federated { subject, .. } => Some(subject.clone()),
        CallerKind::Service { .. } | CallerKind::Anonymous => None,
    }
}

fn identity(caller: &Caller, service: &str) -> Json {
    let kind = match &caller.kind {
        CallerKind::Root => "Root",
        CallerKind::User { .. } => "IAMUser",
        CallerKind::Role { .. } => "AssumedRole",
        CallerKind::FederatedUser { .. } => "FederatedUser",
        CallerKind::Federated { provider, subject } => {
            let saml = provider.contains(":saml-provider/");
            return json!({
                "type": if saml { "SAMLUser" } else { "WebIdentityUser" },
                "principalId": caller.principal_id,
                "userName": subject,
                "identityProvider": provider,
            });
        }
        CallerKind::Service { name } => return json!({"type": "AWSService", "invokedBy": name}),
        CallerKind::Anonymous if service == "s3" => {
            return json!({"type": "AWSAccount", "principalId": "", "accountId": "anonymous"});
        }
        CallerKind::Anonymous => return json!({"type": "Unknown", "principalId": "Anonymous"}),
    };
    let mut identity = json!({
        "type": kind,
        "principalId": caller.principal_id,
        "arn": caller.arn,
        "accountId": caller.account,
    });
    let mut set = |name: &str, value: Json| {
        if let Some(map) = identity.as_object_mut() {
            map.insert(name.to_owned(), value);
        }
    };
    if let Some(key) = &caller.access_key {
        set("accessKeyId", json!(key));
    }
    if let CallerKind::User { name } = &caller.kind {
        set("userName", json!(name));
    }
    if let Some(session) = &caller.session {
        let issuer = match &caller.kind {
            CallerKind::Role { role_arn, .. } => json!({
                "type": "Role",
                "principalId": caller.principal_id.split(':').next(),
                "arn": role_arn,
                "accountId": caller.account,
                "userName": role_arn.rsplit('/').next(),
            }),
            _ => json!({}),
        };
        let attributes = json!({
            "creationDate": session.issued.to_rfc3339_seconds(),
            "mfaAuthenticated": session.mfa.is_some().to_string(),
        });
        let mut context = json!({"sessionIssuer": issuer, "attributes": attributes});
        if let (Some(source), Some(map)) = (&session.source_identity, context.as_object_mut()) {
            map.insert("sourceIdentity".to_owned(), json!(source));
        }
        set("sessionContext", context);
    }
    identity
}

/// EC2's codes are told with whose fault it was, e.g. `Client.UnauthorizedOperation`.
fn code_of(service: &str, code: &str) -> String {
    match (service, code) {
        ("ec2", "InternalError" | "ServiceUnavailable" | "Unavailable") => format!("Server.{code}"),
        ("ec2", _) => format!("Client.{code}"),
        _ => code.to_owned(),
    }
}

/// The whole event, as `CloudTrailEvent` and the files of a trail carry it.
pub(crate) fn json(seen: &Seen) -> Json {
    let (event, call) = (&seen.event, &seen.call);
    let null_if_empty = |value: &Json| {
        if value.as_object().is_some_and(serde_json::Map::is_empty) { Json::Null } else { value.clone() }
    };
    let mut out = json!({
        "eventVersion": "1.11",
        "userIdentity": identity(&call.caller, &call.service),
        "eventTime": event.time.to_rfc3339_seconds(),
        "eventSource": source(&call.service),
        "eventName": call.operation,
        "awsRegion": event.region,
        "sourceIPAddress": call.invoked_by.clone().unwrap_or_else(|| call.origin.source_ip.to_string()),
        "userAgent": call.invoked_by.clone().unwrap_or_else(|| call.origin.user_agent.clone()),
        "requestParameters": null_if_empty(&call.parameters),
        "responseElements": null_if_empty(&call.response),
        "requestID": event.request,
        "eventID": event_id(seen),
        "readOnly": call.read_only,
        "eventType": "AwsApiCall",
        "managementEvent": is_management(call),
        "recipientAccountId": event.account,
        "eventCategory": if is_management(call) { "Management" } else { "Data" },
    });
    let Some(map) = out.as_object_mut() else { return out };
    if let Some(code) = &call.error_code {
        map.insert("errorCode".to_owned(), json!(code_of(&call.service, code)));
        map.insert("errorMessage".to_owned(), json!(call.error_message));
    }
    if !call.resources.is_empty() {
        let resources: Vec<Json> = call.resources.iter().map(|arn| json!({"ARN": arn})).collect();
        map.insert("resources".to_owned(), json!(resources));
    }
    if call.origin.secure && call.invoked_by.is_none() {
        map.insert("tlsDetails".to_owned(), json!({"clientProvidedHostHeader": call.origin.host}));
    }
    out
}

//! Where a web ACL stands in the way of a request: at a load balancer, a REST stage, a user pool.
//!
//! Every inspection is recorded before its verdict is given. What cannot be judged (a web ACL
//! that cannot be compiled) or recorded is refused: nothing passes uninspected.

mod cache;
mod facts;
mod logs;
mod rates;

use std::net::IpAddr;

use bytes::Bytes;
use decide_waf::{Inspection, Request, evaluate};
use http::{HeaderMap, Method};
use model::decision::{Layer, Outcome};
use model::estate::waf::{Association, WebAcl};
use model::event::Enforced;
use model::plane::{Journey, Plane};

/// A request, as far as a web ACL may look into it.
pub struct Http<'a> {
    pub method: &'a Method,
    /// Raw, still percent-encoded.
    pub path: &'a str,
    /// Raw; empty where there is none.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    /// The first bytes of the body, at most what the resource lets the web ACL see.
    pub body: &'a [u8],
    /// The body is longer than `body` shows.
    pub oversize: bool,
    pub source_ip: IpAddr,
}

/// What the web ACL says.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on, with these headers added (`x-amzn-waf-...`).
    Pass { headers: Vec<(String, String)> },
    /// Answer this instead. With an empty body and status 403 it is the plain refusal: the
    /// resource answers it in its own way (a load balancer with a page, an API with
    /// `{"message":"Forbidden"}` and `x-amzn-errortype: ForbiddenException`). Status 500 with an
    /// empty body: the request could not be judged. Anything else is sent as it is.
    Block { status: u16, headers: Vec<(String, String)>, body: Bytes },
}

/// How much of a body a web ACL sees at a load balancer, bytes.
pub const BODY_AT_BALANCER: usize = 8 * 1024;
/// How much elsewhere, by default.
pub const BODY_ELSEWHERE: usize = 16 * 1024;

/// How much of a body the web ACL of this resource sees: 8 KB at a load balancer, elsewhere what
/// the web ACL's `AssociationConfig` says.
pub fn body_limit(plane: &Plane, resource: &str) -> usize {
    if resource.contains(":elasticloadbalancing:") {
        return BODY_AT_BALANCER;
    }
    let kind = if resource.contains(":cognito-idp:") { "COGNITO_USER_POOL" } else { "API_GATEWAY" };
    let snapshot = plane.estate.snapshot();
    let acl = snapshot
        .find_named::<Association>(&Association::name_for(resource))
        .and_then(|a| snapshot.find_arn::<WebAcl>(&a.web_acl));
    let pointer = format!("/AssociationConfig/RequestBody/{kind}/DefaultSizeInspectionLimit");
    match acl.and_then(|a| a.form.pointer(&pointer)).and_then(|l| l.as_str()) {
        Some("KB_32") => 32 * 1024,
        Some("KB_48") => 48 * 1024,
        Some("KB_64") => 64 * 1024,
        _ => BODY_ELSEWHERE,
    }
}

/// Inspects a request for the resource with this ARN, and records the verdict.
pub fn inspect(plane: &Plane, journey: &Journey, resource: &str, http: &Http<'_>) -> Verdict {
    let snapshot = plane.estate.snapshot();
    let Some(association) = snapshot.find_named::<Association>(&Association::name_for(resource)) else {
        return Verdict::Pass { headers: Vec::new() };
    };
    let arn = &association.web_acl;
    let (acl, compiled) = match (snapshot.find_arn::<WebAcl>(arn), cache::compiled(&snapshot, arn)) {
        (Some(acl), Ok(compiled)) => (acl, compiled),
        (_, Err(why)) => return unjudged(plane, journey, arn, http, &why),
        (None, _) => return unjudged(plane, journey, arn, http, "it does not exist"),
    };
    let request = request(http);
    let rates = rates::At { now: plane.estate.now() };
    let found = evaluate(&compiled, &request, &rates);
    let passes = found.verdict == decide_waf::Verdict::Pass;
    let facts = facts::record(acl, journey, resource, &request, &found, rates.now);
    let enforced = Enforced {
        point: "waf".to_owned(),
        resource: arn.clone(),
        subject: http.source_ip.to_string(),
        action: format!("{} {}", http.method, http.path),
        allowed: passes,
        reason: reason(&found),
        layers: vec![layer(passes, reason(&found))],
        facts: facts.clone(),
    };
    if plane.enforced(journey, enforced).is_err() {
        return unjudgeable();
    }
    logs::deliver(plane, journey, acl, facts);
    match found.verdict {
        decide_waf::Verdict::Pass => Verdict::Pass { headers: found.inserted },
        decide_waf::Verdict::Refuse(answer) => {
            Verdict::Block { status: answer.status, headers: answer.headers, body: Bytes::from(answer.body) }
        }
    }
}

fn request<'a>(http: &'a Http<'_>) -> Request<'a> {
    Request {
        method: http.method.as_str(),
        path: http.path,
        query: http.query,
        headers: http.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect(),
        body: http.body,
        oversize: http.oversize,
        source_ip: http.source_ip,
    }
}

fn layer(allowed: bool, reason: String) -> Layer {
    let outcome = if allowed { Outcome::Allowed } else { Outcome::ExplicitDeny };
    Layer { name: "web-acl".into(), outcome, statement: None, reason: reason.into() }
}

/// A sentence for `explain`: which rule decided, and what it saw.
fn reason(found: &Inspection) -> String {
    let Some(hit) = &found.terminating else {
        return format!("no rule decided; the default action is {}", found.action);
    };
    let mut reason = match &hit.group {
        Some((group, inner)) => {
            format!("rule `{}` of group `{group}`, by rule `{}`: {}", inner, hit.rule, hit.action)
        }
        None => format!("rule `{}`: {}", hit.rule, hit.action),
    };
    if let Some(detail) = hit.details.first() {
        reason.push_str(&format!(" ({} in {}", detail.condition, detail.location));
        if let Some(field) = &detail.field {
            reason.push_str(&format!(", `{field}`"));
        }
        reason.push(')');
    }
    reason
}

fn unjudgeable() -> Verdict {
    Verdict::Block { status: 500, headers: Vec::new(), body: Bytes::new() }
}

/// Refuses what cannot be judged, and says why in the log.
fn unjudged(plane: &Plane, journey: &Journey, arn: &str, http: &Http<'_>, why: &str) -> Verdict {
    let reason = format!("the web ACL cannot be used: {why}");
    let enforced = Enforced {
        point: "waf".to_owned(),
        resource: arn.to_owned(),
        subject: http.source_ip.to_string(),
        action: format!("{} {}", http.method, http.path),
        allowed: false,
        reason: reason.clone(),
        layers: vec![layer(false, reason)],
        facts: serde_json::Value::Null,
    };
    // It is refused either way.
    let _ = plane.enforced(journey, enforced);
    unjudgeable()
}

//! Policies and requests as JSON, in the format of policy unit tests.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test binary uses its part and may fail by panicking"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use decide_iam::{
    Attached, Consent, Constraint, Context, EncryptionContext, Grants, KeyGrant, Layers, Outcome, Policy,
    PolicyKind, Principal, PrincipalPattern, Request, Source, Verdict, evaluate,
};
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const OTHER: &str = "999999999999";
pub(crate) const USER: &str = "arn:aws:iam::111122223333:user/u";
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/r";
pub(crate) const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/r/s";

pub(crate) fn attached(document: &Value, kind: PolicyKind, name: &str) -> Attached {
    let text = serde_json::to_string(document).unwrap();
    let policy = Policy::parse(&text, kind).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    let source = Source { file: "t.yaml".into(), statement_lines: vec![10, 20, 30] };
    Attached { name: name.into(), arn: None, source: Some(source), policy: Arc::new(policy) }
}

/// One document, a list of them, or `null`.
fn flat(value: &Value, kind: PolicyKind, name: &str) -> Option<Vec<Attached>> {
    match value {
        Value::Null => None,
        Value::Array(documents) => Some(documents.iter().map(|d| attached(d, kind, name)).collect()),
        document => Some(vec![attached(document, kind, name)]),
    }
}

fn levels(value: &Value, kind: PolicyKind, name: &str) -> Vec<Vec<Attached>> {
    let levels = value.as_array().map(Vec::as_slice).unwrap_or_default();
    levels.iter().map(|level| flat(level, kind, name).unwrap_or_default()).collect()
}

/// `{key, grantee, operations, equals, subset, source}` each, the last three where there are any.
pub(crate) fn grants(value: &Value) -> Vec<KeyGrant> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let one = |(at, grant): (usize, &Value)| KeyGrant {
        id: format!("g{at}"),
        key: text(&grant["key"]),
        grantee: grantee(grant["grantee"].as_str().unwrap()),
        actions: grant["operations"].as_array().unwrap().iter().map(text).collect(),
        constraint: match (&grant["equals"], &grant["subset"]) {
            (Value::Null, Value::Null) => None,
            (Value::Null, subset) => Some(Constraint::Subset(encryption(subset))),
            (equals, _) => Some(Constraint::Equals(encryption(equals))),
        },
        source: grant["source"].as_str().map(str::to_owned),
    };
    value.as_array().into_iter().flatten().enumerate().map(one).collect()
}

fn grantee(name: &str) -> PrincipalPattern {
    match name {
        _ if name.len() == 12 && !name.contains('.') => PrincipalPattern::Account(name.into()),
        _ if name.ends_with(".amazonaws.com") => PrincipalPattern::Service(name.into()),
        _ if name.starts_with("arn:") => PrincipalPattern::Arn(name.into()),
        _ => PrincipalPattern::Id(name.into()),
    }
}

pub(crate) fn encryption(value: &Value) -> EncryptionContext {
    let pairs: BTreeMap<_, _> = value.as_object().into_iter().flatten().collect();
    pairs.into_iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect()
}

pub(crate) fn context(value: &Value) -> Context {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let mut context = Context::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Array(values) => context.set_all(key, values.iter().map(text).collect()),
            one => context.set(key, text(one)),
        }
    }
    context
}

/// Evaluates a case and hands its verdict to `look`.
pub(crate) fn run<T>(case: &Value, consent: Consent, look: impl FnOnce(&Verdict<'_>) -> T) -> T {
    let (policies, request) = (&case["policies"], &case["request"]);
    let identity = flat(&policies["identity"], PolicyKind::Identity, "identity").unwrap_or_default();
    let trust = case["trust"] == json!(true);
    let kind = if trust { PolicyKind::Trust } else { PolicyKind::Resource };
    let resource = flat(&policies["resource"], kind, "resource").and_then(|mut p| p.pop());
    let boundary = flat(&policies["boundary"], PolicyKind::Boundary, "boundary");
    let session = flat(&policies["session"], PolicyKind::Session, "session");
    let endpoint = flat(&policies["endpoint"], PolicyKind::Endpoint, "endpoint");
    let scps = levels(&policies["scp"], PolicyKind::Scp, "scp");
    let rcps = levels(&policies["rcp"], PolicyKind::Rcp, "rcp");
    let grants = grants(&policies["grants"]);
    let encryption = encryption(&request["encryption"]);
    let layers = Layers {
        identity: &identity,
        resource: resource.as_ref(),
        boundary: boundary.as_deref(),
        session: session.as_deref(),
        scps: &scps,
        rcps: &rcps,
        endpoint: endpoint.as_deref(),
        resource_consent: consent,
        grants: Grants { held: &grants, encryption: Some(&encryption) },
    };
    let text = |key: &str, default: &str| request[key].as_str().unwrap_or(default).to_owned();
    let principal = Principal::named(&text("principal", USER), &text("principalAccount", ACCOUNT));
    let context = context(&request["context"]);
    let (action, resource) = (text("action", "s3:GetObject"), text("resource", "arn:aws:s3:::b/k"));
    let request = Request {
        principal: &principal,
        action: &action,
        resource: &resource,
        resource_account: request["resourceAccount"].as_str(),
        context: &context,
    };
    look(&evaluate(&request, &layers))
}

pub(crate) fn outcome(case: &Value, consent: Consent) -> Outcome {
    run(case, consent, |verdict| verdict.outcome)
}

/// A document with one statement.
pub(crate) fn one(effect: &str, rest: Value) -> Value {
    let mut statement = json!({ "Effect": effect });
    for (key, value) in rest.as_object().unwrap() {
        statement[key] = value.clone();
    }
    json!({ "Version": "2012-10-17", "Statement": statement })
}

pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

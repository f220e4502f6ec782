//! Decides one case.
//!
//! Who the principal is follows from its name, and from `principalType` where the name leaves it
//! open. What every request carries about its principal and its resource is in the context unless
//! the case says otherwise (`null` or `[]`: absent). No list of identity, session, boundary or
//! endpoint policies, an empty one and `null` mean that none is attached; only a federated user
//! without a session policy has no permissions, as in AWS. A level of an organization without
//! policies allows nothing. The policy of a KMS key and the trust policy of a role, where one is
//! given, must grant also within the account.

use std::sync::Arc;

use decide_iam::{
    Attached, Consent, Context, Key, Layers, Policy, PolicyKind, Principal, PrincipalKind, Request, Source,
    evaluate, facts,
};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::case::{Asked, Case, Expect, Policies};
use super::check;
use crate::commands::cases::{Decided, Named, Placed, Tested};

pub(crate) fn judge(placed: Placed<'_>) -> Tested {
    let named = placed.text.as_ref().ok().and_then(|text| serde_json::from_str::<Named>(text).ok());
    let named = named.unwrap_or_default();
    let result = match &placed.text {
        Err(why) => Err(why.clone()),
        Ok(text) if named.check.is_some() => check::decided(&placed, text),
        Ok(text) => decided(&placed, text),
    };
    Tested { file: placed.file.to_owned(), line: placed.line, id: named.id(), result }
}

fn decided(placed: &Placed<'_>, text: &str) -> Result<Decided, String> {
    let case: Case<'_> =
        serde_json::from_str(text).map_err(|e| format!("{e} (counted from the beginning of the case)"))?;
    let asked = &case.request;
    let context = context_of(asked)?;
    let principal = principal(asked, &context)?;
    let resource = asked.resource.as_deref().unwrap_or("*");
    // Below what the case gives.
    let context = context.under(facts(&principal, resource, asked.resource_account.as_deref()));
    let trust =
        asked.action.get(..4).is_some_and(|s| s.eq_ignore_ascii_case("sts:")) && resource.contains(":role/");
    let held = Held::read(placed, &case.policies, trust, principal.kind == PrincipalKind::FederatedUser)?;
    let layers = Layers {
        identity: &held.identity,
        resource: held.resource.as_ref(),
        boundary: held.boundary.as_deref(),
        session: held.session.as_deref(),
        scps: &held.scps,
        rcps: &held.rcps,
        endpoint: held.endpoint.as_deref(),
        resource_consent: match held.resource {
            Some(_) => Consent::of(&asked.action, resource),
            None => Consent::Normal,
        },
        // A case gives policies; grants are made in a living estate only.
        grants: decide_iam::Grants::default(),
    };
    let request = Request {
        principal: &principal,
        action: &asked.action,
        resource,
        resource_account: asked.resource_account.as_deref(),
        context: &context,
    };
    let verdict = evaluate(&request, &layers);
    let outcome = Expect::of(verdict.outcome);
    let explanation = (outcome != case.expect).then(|| verdict.explain());
    Ok(Decided { expect: case.expect.word(), outcome: outcome.word(), explanation })
}

/// The policies of every layer.
struct Held {
    identity: Vec<Attached>,
    resource: Option<Attached>,
    boundary: Option<Vec<Attached>>,
    session: Option<Vec<Attached>>,
    scps: Vec<Vec<Attached>>,
    rcps: Vec<Vec<Attached>>,
    endpoint: Option<Vec<Attached>>,
}

impl Held {
    fn read(placed: &Placed<'_>, given: &Policies<'_>, trust: bool, federated: bool) -> Result<Held, String> {
        let shelf = Shelf { placed };
        let some = |policies: Vec<Attached>| (!policies.is_empty()).then_some(policies);
        let session = shelf.list("session", given.session, PolicyKind::Session)?;
        let kind = if trust { PolicyKind::Trust } else { PolicyKind::Resource };
        let mut resource = shelf.list("resource", given.resource, kind)?;
        if resource.len() > 1 {
            return Err("`policies.resource`: a resource has one policy".to_owned());
        }
        Ok(Held {
            identity: shelf.list("identity", given.identity, PolicyKind::Identity)?,
            resource: resource.pop(),
            boundary: some(shelf.list("boundary", given.boundary, PolicyKind::Boundary)?),
            session: if federated { Some(session) } else { some(session) },
            scps: shelf.levels("scp", given.scp, PolicyKind::Scp)?,
            rcps: shelf.levels("rcp", given.rcp, PolicyKind::Rcp)?,
            endpoint: some(shelf.list("endpoint", given.endpoint, PolicyKind::Endpoint)?),
        })
    }
}

struct Shelf<'a> {
    placed: &'a Placed<'a>,
}

impl Shelf<'_> {
    /// Nothing, a policy, or a list of policies.
    fn list(&self, layer: &str, given: Option<&RawValue>, kind: PolicyKind) -> Result<Vec<Attached>, String> {
        let Some(given) = given else { return Ok(Vec::new()) };
        let policies = elements(layer, given)?;
        let many = policies.len() > 1;
        let name = |at: usize| if many { format!("{layer}[{at}]") } else { layer.to_owned() };
        policies.iter().enumerate().map(|(at, raw)| self.policy(name(at), raw, kind)).collect()
    }

    /// Nothing, or a list of levels.
    fn levels(
        &self,
        layer: &str,
        given: Option<&RawValue>,
        kind: PolicyKind,
    ) -> Result<Vec<Vec<Attached>>, String> {
        let Some(given) = given else { return Ok(Vec::new()) };
        let levels = elements(layer, given)?.into_iter().enumerate();
        levels.map(|(at, level)| self.list(&format!("{layer}[{at}]"), Some(level), kind)).collect()
    }

    fn policy(&self, name: String, raw: &RawValue, kind: PolicyKind) -> Result<Attached, String> {
        let text = raw.get();
        let quoted = text.starts_with('"');
        let unquoted = if quoted { serde_json::from_str::<String>(text).ok() } else { None };
        let document = unquoted.as_deref().unwrap_or(text);
        let policy = match Policy::read(document, kind) {
            // A test may name the role that its trust policy is about.
            Err(_) if kind == PolicyKind::Trust => Policy::read(document, PolicyKind::Resource),
            policy => policy,
        };
        let line = self.placed.line_of(text);
        let policy = policy.map_err(|malformed| {
            let at = if quoted { line } else { line + malformed.line.saturating_sub(1) };
            format!("`policies.{name}` (line {at} of the file): {malformed}")
        })?;
        let lines =
            policy.statements().iter().map(|s| if quoted { line } else { line + s.position.line - 1 });
        let source = Source { file: self.placed.file.to_owned(), statement_lines: lines.collect() };
        Ok(Attached { name, arn: None, source: Some(source), policy: Arc::new(policy) })
    }
}

/// One is as good as a list of one.
fn elements<'a>(field: &str, given: &'a RawValue) -> Result<Vec<&'a RawValue>, String> {
    match given.get().as_bytes().first() {
        Some(b'{' | b'"') => Ok(vec![given]),
        Some(b'[') => serde_json::from_str(given.get()).map_err(|e| format!("`policies.{field}`: {e}")),
        Some(b'n') => Ok(Vec::new()),
        _ => Err(format!("`policies.{field}`: `{given}` is neither a policy nor a list of them")),
    }
}

/// The context as it is given; an empty list stands for a key that is absent.
fn context_of(asked: &Asked) -> Result<Context, String> {
    let mut context = Context::new();
    for (key, value) in asked.context.iter().flatten() {
        let values = match value {
            Json::Null => Vec::new(),
            Json::Array(values) => values.iter().map(|v| scalar(key, v)).collect::<Result<_, _>>()?,
            value => vec![scalar(key, value)?],
        };
        context.set_all(key, values);
    }
    Ok(context)
}

fn scalar(key: &str, value: &Json) -> Result<String, String> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(number) => Ok(number.to_string()),
        Json::Bool(flag) => Ok(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => {
            Err(format!("`request.context.{key}`: `{value}` is no text, number or boolean"))
        }
    }
}

fn principal(asked: &Asked, context: &Context) -> Result<Principal, String> {
    let name = asked.principal.as_deref().unwrap_or_default();
    let of_name = name.strip_prefix("arn:").and_then(|n| n.split(':').nth(3)).filter(|a| !a.is_empty());
    let account = asked.principal_account.as_deref().or(of_name).unwrap_or_default();
    let mut principal = Principal::named(name, account);
    let kind = asked.principal_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    principal.kind = match (kind.as_str(), principal.kind) {
        ("root" | "account" | "rootuser", _) => PrincipalKind::Root,
        ("service" | "awsservice", _) => PrincipalKind::Service(name.to_owned()),
        ("webidentity" | "webidentityuser" | "oidc" | "federated", PrincipalKind::Anonymous) => {
            PrincipalKind::WebIdentity { provider: name.to_owned() }
        }
        ("saml" | "samluser", _) => PrincipalKind::Saml { provider: name.to_owned() },
        ("anonymous", _) => PrincipalKind::Anonymous,
        (_, PrincipalKind::AssumedRole { role_arn, session_name }) => {
            // Only the role's own ARN tells its path.
            let given = context.get(&Key::new("aws:PrincipalArn")).first();
            let role_arn = given.filter(|arn| same_role(arn, &role_arn)).cloned().unwrap_or(role_arn);
            PrincipalKind::AssumedRole { role_arn, session_name }
        }
        (_, PrincipalKind::Anonymous)
            if !matches!(name, "" | "*") && !name.eq_ignore_ascii_case("anonymous") =>
        {
            return Err(format!(
                "`request.principal`: `{name}` names no principal; give its ARN, or `principalType`"
            ));
        }
        (_, kind) => kind,
    };
    if let Some(id) = context.get(&Key::new("aws:userid")).first() {
        principal.id.clone_from(id);
    }
    Ok(principal)
}

/// `arn:aws:iam::1:role/path/r` is the role that a session calls `arn:aws:iam::1:role/r`.
fn same_role(with_path: &str, without: &str) -> bool {
    let split = |arn: &str| {
        arn.split_once(":role/").map(|(a, r)| (a.to_owned(), r.rsplit('/').next().map(str::to_owned)))
    };
    split(with_path).is_some() && split(with_path) == split(without)
}

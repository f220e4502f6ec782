//! What simulators and tests tell beyond the decision: every statement that applies, and the
//! condition keys that a request should have had. Decisions need neither.

use crate::context::{Context, Key};
use crate::layers::{Attached, Request};
use crate::policy::Effect;
use crate::principal::{Principal, PrincipalKind};
use crate::scan::{Question, Side};
use crate::verdict::{Layer, StatementRef};

/// The statements of a layer's policies that apply to a request, in the order of their texts.
pub fn matched<'a>(
    request: &Request<'a>,
    policies: &'a [Attached],
    layer: Layer,
) -> Vec<(Effect, StatementRef<'a>)> {
    let question = Question::new(*request, false);
    let statements = policies.iter().flat_map(|a| a.policy.statements().iter().map(move |s| (a, s)));
    statements
        .filter(|(_, statement)| question.applies(statement, Side::of(layer)).is_some())
        .map(|(attached, statement)| (statement.effect, StatementRef::new(attached, statement)))
        .collect()
}

/// The keys that statements about this action ask for and that the request does not have, each once.
pub fn missing<'a>(request: &Request<'_>, policies: &'a [Attached]) -> Vec<&'a str> {
    let question = Question::new(*request, false);
    let mut missing: Vec<&str> = Vec::new();
    for statement in policies.iter().flat_map(|a| a.policy.statements()) {
        if !question.action(&statement.actions) {
            continue;
        }
        statement.keys(|name| {
            let known = || !request.context.get(&Key::new(name)).is_empty();
            if !missing.iter().any(|k| k.eq_ignore_ascii_case(name)) && !known() {
                missing.push(name);
            }
        });
    }
    missing
}

/// What every request carries about its principal and its resource.
pub fn facts(principal: &Principal, resource: &str, resource_account: Option<&str>) -> Context {
    let mut facts = Context::new();
    let mut set = |key: &str, value: &str| {
        if !value.is_empty() {
            facts.set(key, value);
        }
    };
    set("aws:PrincipalIsAWSService", &matches!(principal.kind, PrincipalKind::Service(_)).to_string());
    let (kind, arn) = match &principal.kind {
        PrincipalKind::Root => ("Account", principal.arn.as_str()),
        PrincipalKind::User => ("User", principal.arn.as_str()),
        PrincipalKind::Role => ("AssumedRole", principal.arn.as_str()),
        PrincipalKind::AssumedRole { role_arn, .. } => ("AssumedRole", role_arn.as_str()),
        PrincipalKind::FederatedUser => ("FederatedUser", principal.arn.as_str()),
        PrincipalKind::Service(name) => {
            set("aws:PrincipalServiceName", name);
            ("", "")
        }
        PrincipalKind::WebIdentity { .. } | PrincipalKind::Saml { .. } | PrincipalKind::Anonymous => {
            ("Anonymous", "")
        }
    };
    set("aws:PrincipalType", kind);
    if arn.starts_with("arn:") {
        set("aws:PrincipalArn", arn);
        set("aws:PrincipalAccount", &principal.account);
    }
    if let Some((_, user)) = principal.arn.split_once(":user/") {
        set("aws:username", user.rsplit('/').next().unwrap_or_default());
    }
    set("aws:userid", &principal.id);
    let of_resource = resource.strip_prefix("arn:").and_then(|r| r.split(':').nth(3)).unwrap_or_default();
    set("aws:ResourceAccount", resource_account.unwrap_or(of_resource));
    facts
}

//! Decides requests that nobody makes, for the simulators of IAM: by the language that decides those
//! that are made, with the policies and the context that are given instead of the graph's.

use std::sync::Arc;

use decide_iam::{
    Attached, Consent, Context, Effect, Layer, LayerVerdict, Layers, Policy, PolicyKind, Position, Principal,
    PrincipalKind, Request, Source, evaluate, facts, matched, missing,
};
use model::policy::{Guardrails, MatchedStatement, NamedPolicy, Simulated, Simulation};
use model::{Fault, PolicyText, Snapshot};

/// Refuses what is no policy with `MalformedPolicyDocument`.
pub fn simulate(snapshot: &Snapshot, asked: &Simulation<'_>) -> Result<Simulated, Fault> {
    let principal = principal(asked);
    let given: Context = asked.context.iter().map(|(key, values)| (key.as_str(), values.clone())).collect();
    let owner = Some(asked.owner.as_str()).filter(|o| !o.is_empty());
    let context = given.under(facts(&principal, asked.resource, owner));
    let request = Request {
        principal: &principal,
        action: asked.action,
        resource: asked.resource,
        resource_account: owner,
        context: &context,
    };
    let identity = all(asked.identity, PolicyKind::Identity)?;
    let boundary = asked.boundary.map(|policies| all(policies, PolicyKind::Boundary)).transpose()?;
    let trust = asked.resource.contains(":role/");
    let kind = if trust { PolicyKind::Trust } else { PolicyKind::Resource };
    let resource = asked.resource_policy.map(|text| attached("ResourcePolicy", text, kind)).transpose()?;
    let scps = match asked.organization {
        Guardrails::Given(levels) => {
            levels.iter().map(|level| all(level, PolicyKind::Scp)).collect::<Result<_, _>>()?
        }
        Guardrails::Of(account) => {
            crate::layers::organization(snapshot, account, "SERVICE_CONTROL_POLICY", PolicyKind::Scp)
        }
    };
    let layers = Layers {
        identity: &identity,
        resource: resource.as_ref(),
        boundary: boundary.as_deref(),
        scps: &scps,
        resource_consent: match resource {
            Some(_) => Consent::of(asked.action, asked.resource),
            None => Consent::Normal,
        },
        ..Layers::default()
    };
    let verdict = evaluate(&request, &layers);
    let of = |layer| verdict.layer(layer).map(|v: &LayerVerdict<'_>| v.outcome);
    let allowed = |layer| of(layer).map(|outcome| outcome == decide_iam::Outcome::Allowed);
    let owned = resource.as_slice();
    let effect = match verdict.outcome {
        decide_iam::Outcome::Allowed => Some(Effect::Allow),
        decide_iam::Outcome::ExplicitDeny => Some(Effect::Deny),
        decide_iam::Outcome::ImplicitDeny => None,
    };
    let found = matched(&request, &identity, Layer::Identity).into_iter();
    let found = found.chain(matched(&request, owned, Layer::Resource));
    let found = found.filter(|(of, _)| Some(*of) == effect).map(|(_, at)| MatchedStatement {
        policy: at.policy.to_owned(),
        start: begin(asked, at.policy, at.position),
        end: (at.end.line, at.end.column),
    });
    let mut lacking: Vec<String> = Vec::new();
    let bounds = boundary.as_deref().unwrap_or_default();
    for name in [&identity, bounds, owned].into_iter().flat_map(|policies| missing(&request, policies)) {
        if !lacking.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            lacking.push(name.to_owned());
        }
    }
    Ok(Simulated {
        outcome: crate::outcome(verdict.outcome),
        matched: found.collect(),
        missing: lacking,
        boundary: allowed(Layer::Boundary),
        organization: allowed(Layer::ServiceControl),
        sides: match (verdict.cross_account, of(Layer::Identity), of(Layer::Resource)) {
            (true, Some(identity), Some(resource)) => {
                Some((crate::outcome(identity), crate::outcome(resource)))
            }
            _ => None,
        },
    })
}

/// A group has no principal of its own: its policies are those of a user in it.
fn principal(asked: &Simulation<'_>) -> Principal {
    let mut principal = Principal::named(asked.principal, asked.account.as_str());
    if principal.kind == PrincipalKind::Anonymous {
        principal = Principal { arn: String::new(), kind: PrincipalKind::User, ..principal };
    }
    asked.principal_id.clone_into(&mut principal.id);
    principal
}

fn all(policies: &[NamedPolicy], kind: PolicyKind) -> Result<Vec<Attached>, Fault> {
    policies.iter().map(|policy| attached(&policy.name, &policy.text, kind)).collect()
}

fn attached(name: &str, text: &PolicyText, kind: PolicyKind) -> Result<Attached, Fault> {
    let policy = Policy::parse(&text.text, kind)
        .map_err(|malformed| Fault::client("MalformedPolicyDocument", format!("{name}: {malformed}")))?;
    let source = text
        .source
        .as_ref()
        .map(|s| Source { file: s.file.clone(), statement_lines: s.statement_lines.clone() });
    Ok(Attached { name: name.to_owned(), arn: None, source, policy: Arc::new(policy) })
}

/// Behind the last character before a statement that is not white space.
fn begin(asked: &Simulation<'_>, policy: &str, at: Position) -> (u32, u32) {
    let text = asked.identity.iter().find(|p| p.name == policy).map(|p| &p.text).or(asked.resource_policy);
    let text = text.map(|t| t.text.as_str()).unwrap_or_default();
    let before = |line: &str| line.trim_end().chars().count() + 1;
    let mut lines = text.lines().take(at.line as usize).collect::<Vec<_>>();
    if let Some(own) = lines.last_mut() {
        let end =
            own.char_indices().nth((at.column as usize).saturating_sub(1)).map_or(own.len(), |(i, _)| i);
        *own = own.get(..end).unwrap_or_default();
    }
    let found = lines.iter().enumerate().rev().find(|(_, line)| !line.trim().is_empty());
    let place = found.map(|(n, line)| (u32::try_from(n + 1), u32::try_from(before(line))));
    match place {
        Some((Ok(line), Ok(column))) => (line, column),
        _ => (at.line, at.column),
    }
}

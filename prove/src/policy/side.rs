//! One side of a comparison: some policies, as a formula and before the evaluator.

use std::sync::Arc;

use decide_iam::{Attached, Effect, Grant, Layer, Layers, Outcome, Policy, Statement, evaluate};

use super::answer::Reason;
use super::atom::{Atoms, Place, Side};
use super::checks::PolicyType;
use super::counterexample::Counterexample;
use super::formula::Formula;

/// Whether one of the policies allows and none denies.
pub(crate) fn allows(atoms: &mut Atoms, policies: &[Arc<Policy>], of: PolicyType) -> Formula {
    let side = match of {
        PolicyType::IdentityPolicy => Side::Holder,
        PolicyType::ResourcePolicy => Side::Owner,
    };
    let place = Place { side, bound: false };
    let said = |atoms: &mut Atoms, effect| {
        let statements = policies.iter().flat_map(|p| p.statements()).filter(|s| s.effect == effect);
        Formula::or(statements.map(|s| atoms.applies(s, place, Grant::Account)).collect::<Vec<_>>())
    };
    let (denied, allowed) = (said(atoms, Effect::Deny), said(atoms, Effect::Allow));
    Formula::and([denied.not(), allowed])
}

/// The statements that allow a request, by the evaluator's word; `None` when it is not allowed.
pub(crate) fn confirmed(
    policies: &[Arc<Policy>],
    of: PolicyType,
    example: &Counterexample,
) -> Option<Vec<(usize, usize)>> {
    let context = example.context();
    let request = example.request(&context);
    let mut allowing = Vec::new();
    for (at, policy) in policies.iter().enumerate() {
        let attached = Attached { name: at.to_string(), arn: None, source: None, policy: Arc::clone(policy) };
        let (layer, layers) = match of {
            PolicyType::IdentityPolicy => {
                (Layer::Identity, Layers { identity: std::slice::from_ref(&attached), ..Layers::default() })
            }
            PolicyType::ResourcePolicy => {
                (Layer::Resource, Layers { resource: Some(&attached), ..Layers::default() })
            }
        };
        let verdict = evaluate(&request, &layers);
        match verdict.layer(layer).map(|v| (v.outcome, v.statement)) {
            Some((Outcome::ExplicitDeny, _)) => return None,
            Some((Outcome::Allowed, statement)) => {
                allowing.push((at, statement.map_or(0, |s| s.index.saturating_sub(1))));
            }
            Some((Outcome::ImplicitDeny, _)) | None => {}
        }
    }
    (!allowing.is_empty()).then_some(allowing)
}

pub(crate) fn reasons(
    policies: &[Arc<Policy>],
    of: PolicyType,
    example: &Counterexample,
    what: &str,
) -> Vec<Reason> {
    let allowing = confirmed(policies, of, example).unwrap_or_default();
    let reason = |(policy, statement): (usize, usize)| {
        let sid =
            policies.get(policy).and_then(|p| p.statements().get(statement)).and_then(|s| s.sid.clone());
        let sid = sid.filter(|s| !s.is_empty()).map(String::from);
        let name = sid.as_ref().map_or_else(String::new, |sid| format!(" `{sid}`"));
        let description = format!("{what} in the statement{name} with index {statement}: {example}");
        Reason { policy, statement, sid, description }
    };
    allowing.into_iter().map(reason).collect()
}

/// The fast path: everything new was there before, word for word, and no denial is gone.
pub(crate) fn is_part(new: &[Arc<Policy>], existing: &[Arc<Policy>]) -> bool {
    let all = |policies: &[Arc<Policy>], effect: Effect, of: &[Arc<Policy>]| {
        let known: Vec<&Statement> = of.iter().flat_map(|p| p.statements()).collect();
        let mut asked = policies.iter().flat_map(|p| p.statements()).filter(|s| s.effect == effect);
        asked.all(|s| known.iter().any(|k| same(s, k)))
    };
    all(new, Effect::Allow, existing) && all(existing, Effect::Deny, new)
}

/// The same words; the same meaning follows.
fn same(a: &Statement, b: &Statement) -> bool {
    let conditions = a.conditions.len() == b.conditions.len()
        && a.conditions
            .iter()
            .zip(&b.conditions)
            .all(|(a, b)| a.operator == b.operator && a.key == b.key && a.values == b.values);
    a.effect == b.effect
        && a.actions == b.actions
        && a.resources == b.resources
        && a.principals == b.principals
        && conditions
}

//! Which grants of a KMS key bear on a request.

use decide_iam::{Constraint, EncryptionContext, KeyGrant, PrincipalPattern};
use model::Snapshot;
use model::decision::{Ask, Request};
use model::estate::kms::{self, Bound, Grant};
use model::graph::AnyNode;

use crate::layers;

/// Retiring is the grant's own affair: AWS lets neither the key's policy nor a resource control
/// policy have a say in it.
pub(crate) const RETIRE: &str = "kms:RetireGrant";

/// The grants that are for the caller, of the key or, to be retired, the one that is asked about.
pub(crate) fn of(snapshot: &Snapshot, request: &Request, ask: &Ask, node: &dyn AnyNode) -> Vec<KeyGrant> {
    let key = node.key();
    if ask.action == RETIRE {
        return node.as_any().downcast_ref::<Grant>().map(|grant| retiring(grant, ask)).unwrap_or_default();
    }
    if key.kind != "AWS::KMS::Key" {
        return Vec::new();
    }
    let principal = layers::principal(&request.caller);
    let all = Grant::of_key(snapshot, &key).map(|grant| (pattern(&grant.grantee.bound), grant));
    all.filter(|(grantee, _)| grantee.grants(&principal).is_some())
        .map(|(grantee, grant)| KeyGrant {
            id: grant.id.clone(),
            key: grant.key_arn.clone(),
            grantee,
            actions: grant.operations.iter().map(|operation| format!("kms:{operation}")).collect(),
            constraint: grant.constraint.as_ref().map(constraint),
            source: grant.source_arn.clone(),
        })
        .collect()
}

/// Its retiring principal, its grantee if it says so, and the account under which it was made.
fn retiring(grant: &Grant, ask: &Ask) -> Vec<KeyGrant> {
    let grantee = Some(&grant.grantee).filter(|_| grant.operations.iter().any(|o| o == "RetireGrant"));
    let named = grantee.into_iter().chain(&grant.retiring).map(|party| pattern(&party.bound));
    let issuer = PrincipalPattern::Account(grant.issuer.as_str().into());
    named
        .chain([issuer])
        .map(|grantee| KeyGrant {
            id: grant.id.clone(),
            key: ask.resource.clone(),
            grantee,
            actions: vec![RETIRE.to_owned()],
            constraint: None,
            source: grant.source_arn.clone(),
        })
        .collect()
}

/// By its unique id, so that a principal of the same name that was made later is not meant.
fn pattern(bound: &Bound) -> PrincipalPattern {
    match bound {
        Bound::Account(account) => PrincipalPattern::Account(account.as_str().into()),
        Bound::Id(id) => PrincipalPattern::Id(id.as_str().into()),
        Bound::Service(name) => PrincipalPattern::Service(name.as_str().into()),
    }
}

fn constraint(of: &kms::Constraint) -> Constraint {
    match of {
        kms::Constraint::EncryptionContextEquals(pairs) => Constraint::Equals(pairs.clone()),
        kms::Constraint::EncryptionContextSubset(pairs) => Constraint::Subset(pairs.clone()),
    }
}

/// The encryption context as it was asked with: the condition keys fold the case of its names, grants do not.
pub(crate) fn encryption(ask: &Ask) -> EncryptionContext {
    let pairs = ask.context.iter().filter_map(|(key, values)| {
        Some((key.strip_prefix("kms:EncryptionContext:")?.to_owned(), values.first()?.clone()))
    });
    pairs.collect()
}

//! Policies on secrets.

use model::policy::PolicyCheck;
use model::{Fault, PolicyText, Tx};
use serde_json::Value as Json;

use crate::secret::find;
use crate::shapes::*;

pub(crate) fn get_resource_policy(
    tx: &mut Tx<'_>,
    input: GetResourcePolicyRequest,
) -> Result<GetResourcePolicyResponse, Fault> {
    let secret = find(tx, &input.secret_id)?;
    Ok(GetResourcePolicyResponse {
        arn: Some(secret.arn),
        name: Some(secret.name),
        resource_policy: secret.policy.map(|p| p.text),
        policy_name: None,
    })
}

/// Whether anyone at all is let in without a condition.
fn is_public(policy: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Json>(policy) else { return true };
    let open = |s: &Json| {
        let everyone = s.get("Principal").is_some_and(|p| {
            p == "*"
                || p.get("AWS")
                    .is_some_and(|a| a == "*" || a.as_array().is_some_and(|l| l.iter().any(|v| v == "*")))
        });
        s.get("Effect").and_then(Json::as_str) == Some("Allow")
            && (everyone || s.get("NotPrincipal").is_some())
            && s.get("Condition").is_none()
    };
    match document.get("Statement") {
        Some(Json::Array(list)) => list.iter().any(open),
        Some(one) => open(one),
        None => false,
    }
}

pub(crate) fn put_resource_policy(
    tx: &mut Tx<'_>,
    input: PutResourcePolicyRequest,
) -> Result<PutResourcePolicyResponse, Fault> {
    let mut secret = find(tx, &input.secret_id)?;
    let malformed = |f: Fault| Fault::client("MalformedPolicyDocumentException", f.message);
    tx.host().policies().check(PolicyCheck::Resource, &input.resource_policy).map_err(malformed)?;
    if input.block_public_policy == Some(true) && is_public(&input.resource_policy) {
        return Err(Fault::client(
            "PublicPolicyException",
            "You can't put a resource policy that allows public access to this secret.",
        ));
    }
    secret.policy = Some(PolicyText::new(input.resource_policy, tx.source.clone()));
    let (arn, name) = (Some(secret.arn.clone()), Some(secret.name.clone()));
    tx.put(secret)?;
    Ok(PutResourcePolicyResponse { arn, name, policy_name: None })
}

pub(crate) fn delete_resource_policy(
    tx: &mut Tx<'_>,
    input: DeleteResourcePolicyRequest,
) -> Result<DeleteResourcePolicyResponse, Fault> {
    let mut secret = find(tx, &input.secret_id)?;
    secret.policy = None;
    let (arn, name) = (Some(secret.arn.clone()), Some(secret.name.clone()));
    tx.put(secret)?;
    Ok(DeleteResourcePolicyResponse { arn, name, policy_name: None })
}

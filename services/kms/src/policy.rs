//! Key policies. A key is for those whom its own policy lets in, and no one else.

use std::sync::Arc;

use model::policy::PolicyCheck;
use model::{AccountId, Ask, Decision, Fault, PolicyText, Request, Tx};

use crate::key::{Key, find};
use crate::shapes::*;

/// What a key has when its maker gives none: the account decides by its identity policies.
pub(crate) fn default(account: &AccountId) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Id":"key-default-1","Statement":[{{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"kms:*","Resource":"*"}}]}}"#
    )
}

/// The policy of an AWS-managed key: everyone of the account, by way of the service.
pub(crate) fn managed(account: &AccountId, region: &str, service: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Id":"auto-{service}-1","Statement":[{{"Sid":"AllowUseThroughTheService","Effect":"Allow","Principal":{{"AWS":"*"}},"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:CreateGrant","kms:DescribeKey"],"Resource":"*","Condition":{{"StringEquals":{{"kms:ViaService":"{service}.{region}.amazonaws.com","kms:CallerAccount":"{account}"}}}}}},{{"Sid":"AllowDirectAccessToMetadata","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":["kms:Describe*","kms:Get*","kms:List*"],"Resource":"*"}}]}}"#
    )
}

/// Refuses what is no policy, and what would lock its author out.
pub(crate) fn check(tx: &mut Tx<'_>, key: &Key, bypass: bool) -> Result<(), Fault> {
    let malformed = |message: String| Fault::client("MalformedPolicyDocumentException", message);
    tx.host().policies().check(PolicyCheck::Resource, &key.policy.text).map_err(|f| malformed(f.message))?;
    if key.policy.text.len() > 32_768 {
        return Err(Fault::client("LimitExceededException", "the key policy is longer than 32 KB"));
    }
    if bypass {
        return Ok(());
    }
    // The same question that a later PutKeyPolicy of this caller would be, over the key as it is to be.
    let mut with_key = tx.snapshot().clone();
    with_key.apply(&model::graph::Change::Put(Arc::new(key.clone())));
    let ask = Ask { consent: true, ..Ask::new("kms:PutKeyPolicy", key.arn()) };
    let request = Request { asks: vec![ask], via: Vec::new(), ..Request::clone(tx.request()) };
    match tx.host().authorize(&with_key, &request) {
        Decision::Allowed(_) => Ok(()),
        Decision::Denied(_) => Err(malformed(
            "The new key policy will not allow you to update the key policy in the future.".to_owned(),
        )),
    }
}

pub(crate) fn get_key_policy(
    tx: &mut Tx<'_>,
    input: GetKeyPolicyRequest,
) -> Result<GetKeyPolicyResponse, Fault> {
    named(input.policy_name.as_deref())?;
    let key = find(tx, &input.key_id)?;
    Ok(GetKeyPolicyResponse { policy: Some(key.policy.text), policy_name: Some("default".to_owned()) })
}

/// There is one policy, and its name is `default`.
fn named(name: Option<&str>) -> Result<(), Fault> {
    match name {
        None | Some("default") => Ok(()),
        Some(other) => Err(Fault::client("NotFoundException", format!("No such policy exists: {other}"))),
    }
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>
pub(crate) fn put_key_policy(tx: &mut Tx<'_>, input: PutKeyPolicyRequest) -> Result<(), Fault> {
    named(input.policy_name.as_deref())?;
    let mut key = find(tx, &input.key_id)?;
    if key.aws_managed {
        return Err(Fault::access_denied("the policy of an AWS managed key cannot be changed"));
    }
    key.policy = PolicyText::new(input.policy, tx.source.clone());
    check(tx, &key, input.bypass_policy_lockout_safety_check == Some(true))?;
    tx.put(key)
}

pub(crate) fn list_key_policies(
    tx: &mut Tx<'_>,
    input: ListKeyPoliciesRequest,
) -> Result<ListKeyPoliciesResponse, Fault> {
    find(tx, &input.key_id)?;
    Ok(ListKeyPoliciesResponse {
        policy_names: Some(vec!["default".to_owned()]),
        truncated: Some(false),
        next_marker: None,
    })
}

//! Resource policies: which AWS services may write into this account's log groups. They bind
//! services only, as in AWS: for users and roles their own policies decide.

use model::policy::PolicyCheck;
use model::policy::Source;
use model::{AccountId, Fault, Node, PolicyText, Timestamp, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::group::{Group, invalid, token, untoken};
use crate::shapes::*;

const MOST: usize = 10;

/// A resource policy of an account; its statements are in force through each group's own policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccountPolicy {
    account: AccountId,
    region: String,
    name: String,
    /// Named so that it does not count as a policy of this node's own.
    document: PolicyText,
    updated: Timestamp,
}

impl Node for AccountPolicy {
    const KIND: &'static str = "AWS::Logs::ResourcePolicy";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.name
    }
}

fn statements(document: &str) -> Vec<Json> {
    let document: Json = serde_json::from_str(document).unwrap_or_default();
    match document.get("Statement").cloned() {
        Some(Json::Array(list)) => list,
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn for_services(statement: &Json) -> bool {
    let principal = statement.get("Principal").and_then(Json::as_object);
    principal.is_some_and(|p| p.len() == 1 && p.contains_key("Service"))
}

/// What all resource policies of this account and region say together.
pub(crate) fn merged(tx: &Tx<'_>) -> Option<PolicyText> {
    let (mut all, mut lines, mut file, mut told) = (Vec::new(), Vec::new(), None, true);
    for policy in tx.list::<AccountPolicy>() {
        let source = policy.document.source.as_ref();
        told &= source.is_some_and(|s| file.get_or_insert(s.file.clone()) == &s.file);
        for (at, statement) in statements(&policy.document.text).into_iter().enumerate() {
            if for_services(&statement) {
                all.push(statement);
                lines.extend(source.and_then(|s| s.statement_lines.get(at).copied()));
            }
        }
    }
    if all.is_empty() {
        return None;
    }
    told &= lines.len() == all.len();
    let source = file.filter(|_| told).map(|file| Source { file, statement_lines: lines });
    Some(PolicyText::new(json!({"Version": "2012-10-17", "Statement": all}).to_string(), source))
}

/// Puts what the policies say now on every group.
fn spread(tx: &mut Tx<'_>) -> Result<(), Fault> {
    let policy = merged(tx);
    let groups: Vec<Group> = tx.list::<Group>().filter(|g| g.policy != policy).cloned().collect();
    for mut group in groups {
        group.policy.clone_from(&policy);
        tx.put(group)?;
    }
    Ok(())
}

fn account_wide(resource: Option<&str>, revision: Option<&str>) -> Result<(), Fault> {
    match resource.is_some() || revision.is_some() {
        true => Err(invalid("resource policies of single log groups are not served by this runtime")),
        false => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html>
pub(crate) fn put_resource_policy(
    tx: &mut Tx<'_>,
    input: PutResourcePolicyRequest,
) -> Result<PutResourcePolicyResponse, Fault> {
    account_wide(input.resource_arn.as_deref(), input.expected_revision_id.as_deref())?;
    let name = input.policy_name.filter(|n| !n.is_empty());
    let name = name.ok_or_else(|| invalid("policyName must be specified."))?;
    let text = input.policy_document.ok_or_else(|| invalid("policyDocument must be specified."))?;
    if text.len() > 5120 {
        return Err(invalid("the policy document is longer than 5120 characters"));
    }
    tx.host().policies().check(PolicyCheck::Resource, &text).map_err(|f| invalid(f.message))?;
    if tx.find::<AccountPolicy>(&name).is_none() && tx.list::<AccountPolicy>().count() >= MOST {
        return Err(Fault::client("LimitExceededException", "Resource limit exceeded."));
    }
    let policy = AccountPolicy {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name,
        document: PolicyText::new(text, tx.source.clone()),
        updated: tx.now,
    };
    let shown = shape(&policy);
    tx.put(policy)?;
    spread(tx)?;
    Ok(PutResourcePolicyResponse { resource_policy: Some(shown), revision_id: None })
}

fn shape(policy: &AccountPolicy) -> ResourcePolicy {
    ResourcePolicy {
        policy_name: Some(policy.name.clone()),
        policy_document: Some(policy.document.text.clone()),
        last_updated_time: Some(policy.updated.0),
        policy_scope: Some("ACCOUNT".to_owned()),
        ..ResourcePolicy::default()
    }
}

pub(crate) fn describe_resource_policies(
    tx: &mut Tx<'_>,
    input: DescribeResourcePoliciesRequest,
) -> Result<DescribeResourcePoliciesResponse, Fault> {
    account_wide(input.resource_arn.as_deref(), None)?;
    let after = input.next_token.as_deref().map(untoken).transpose()?;
    let limit = input.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(50);
    let mut found: Vec<&AccountPolicy> = tx
        .list::<AccountPolicy>()
        .filter(|p| after.as_ref().is_none_or(|a| p.name > *a))
        .filter(|_| input.policy_scope.as_deref() != Some("RESOURCE"))
        .take(limit + 1)
        .collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|p| token(&p.name));
    let shown = found.into_iter().map(shape).collect();
    Ok(DescribeResourcePoliciesResponse { resource_policies: Some(shown), next_token })
}

pub(crate) fn delete_resource_policy(
    tx: &mut Tx<'_>,
    input: DeleteResourcePolicyRequest,
) -> Result<(), Fault> {
    account_wide(input.resource_arn.as_deref(), input.expected_revision_id.as_deref())?;
    let name = input.policy_name.unwrap_or_default();
    let missing =
        || Fault::client("ResourceNotFoundException", format!("Policy with name [{name}] does not exist"));
    let policy = tx.find::<AccountPolicy>(&name).cloned().ok_or_else(missing)?;
    tx.remove(&policy)?;
    spread(tx)
}

//! The organization's policies, and where they are attached: those that bound what may be done, and the
//! management policies, whose effective documents `model::estate::management` makes.

use model::estate::iam::{Account, Organization, OrganizationPolicy as Node, OrganizationalUnit};
use model::estate::management;
use model::policy::PolicyCheck;
use model::{AccountId, Fault, PolicyText, Tx};

use crate::document;
use crate::organization::{all_features, root};
use crate::shapes::*;
use crate::tag;
use crate::target::{BOUNDS, Target, any, arn, not_in_use, organization, page, readable, target};

/// Policies of one type that a target may have.
const ATTACHED: usize = 5;

fn policy_arn(org: &Organization, policy: &Node) -> String {
    let kind = policy.policy_type.to_ascii_lowercase();
    match policy.aws_managed {
        true => format!("arn:aws:organizations::aws:policy/{kind}/{}", policy.id),
        false => model::ids::arn(
            "organizations",
            "",
            &org.account,
            &format!("policy/{}/{kind}/{}", org.id, policy.id),
        ),
    }
}

fn summary(org: &Organization, policy: &Node) -> PolicySummary {
    PolicySummary {
        id: Some(policy.id.clone()),
        arn: Some(policy_arn(org, policy)),
        name: Some(policy.name.clone()),
        description: Some(policy.description.clone()),
        r#type: Some(policy.policy_type.clone()),
        aws_managed: Some(policy.aws_managed),
    }
}

fn shape(org: &Organization, policy: &Node) -> Policy {
    Policy { policy_summary: Some(summary(org, policy)), content: Some(policy.document.text.clone()) }
}

fn find(tx: &Tx<'_>, id: &str) -> Result<Node, Fault> {
    let missing = || {
        Fault::client(
            "PolicyNotFoundException",
            "We can't find a policy with the PolicyId that you specified.",
        )
    };
    tx.find_global::<Node>(id).cloned().ok_or_else(missing)
}

pub(crate) fn own(tx: &Tx<'_>, id: &str) -> Result<Node, Fault> {
    let policy = find(tx, id)?;
    match policy.aws_managed {
        true => {
            Err(Fault::client("PolicyChangesInProgressException", "AWS managed policies cannot be changed."))
        }
        false => Ok(policy),
    }
}

fn not_served(policy_type: &str) -> Fault {
    Fault::client(
        "PolicyTypeNotAvailableForOrganizationException",
        format!("policies of type `{policy_type}` are not served by this runtime"),
    )
}

fn check(tx: &Tx<'_>, policy_type: &str, content: &str) -> Result<(), Fault> {
    if content.len() > 10_240 {
        return Err(Fault::client(
            "ConstraintViolationException",
            "You have exceeded the maximum policy size.",
        ));
    }
    let kind = match policy_type {
        "SERVICE_CONTROL_POLICY" => PolicyCheck::Scp,
        "RESOURCE_CONTROL_POLICY" => PolicyCheck::Rcp,
        other => {
            let (_, member) = management_type(other).ok_or_else(|| not_served(other))?;
            return document::check(member, content);
        }
    };
    let malformed = |f: Fault| Fault::client("MalformedPolicyDocumentException", f.message);
    tx.host().policies().check(kind, content).map_err(malformed)?;
    // A customer's resource control policy only takes away.
    let allows = content.replace([' ', '\n', '\t'], "").contains("\"Effect\":\"Allow\"");
    match kind == PolicyCheck::Rcp && allows {
        true => Err(Fault::client(
            "MalformedPolicyDocumentException",
            "resource control policies support the effect `Deny` only",
        )),
        false => Ok(()),
    }
}

fn management_type(name: &str) -> Option<&'static (&'static str, &'static str)> {
    management::TYPES.iter().find(|(of, _)| *of == name)
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreatePolicy.html>
pub(crate) fn create_policy(
    tx: &mut Tx<'_>,
    input: CreatePolicyRequest,
) -> Result<CreatePolicyResponse, Fault> {
    let org = organization(tx)?;
    all_features(&org)?;
    check(tx, &input.r#type, &input.content)?;
    if tx.list_global::<Node>().any(|p| p.name == input.name && p.policy_type == input.r#type) {
        return Err(Fault::client("DuplicatePolicyException", "A policy with the same name already exists."));
    }
    let policy = Node {
        account: org.account.clone(),
        id: format!("p-{}", tx.random_text(8, b"abcdefghijklmnopqrstuvwxyz0123456789")),
        name: input.name,
        description: input.description,
        policy_type: input.r#type,
        document: PolicyText::new(input.content, tx.source.clone()),
        aws_managed: false,
        tags: tag::checked(tx, input.tags)?,
    };
    let shown = shape(&org, &policy);
    tx.put(policy)?;
    Ok(CreatePolicyResponse { policy: Some(shown) })
}

pub(crate) fn describe_policy(
    tx: &mut Tx<'_>,
    input: DescribePolicyRequest,
) -> Result<DescribePolicyResponse, Fault> {
    let org = readable(tx)?;
    Ok(DescribePolicyResponse { policy: Some(shape(&org, &find(tx, &input.policy_id)?)) })
}

pub(crate) fn update_policy(
    tx: &mut Tx<'_>,
    input: UpdatePolicyRequest,
) -> Result<UpdatePolicyResponse, Fault> {
    let org = organization(tx)?;
    let mut policy = own(tx, &input.policy_id)?;
    if let Some(content) = input.content {
        check(tx, &policy.policy_type, &content)?;
        policy.document = PolicyText::new(content, tx.source.clone());
    }
    policy.name = input.name.unwrap_or(policy.name);
    policy.description = input.description.unwrap_or(policy.description);
    let shown = shape(&org, &policy);
    tx.put(policy)?;
    Ok(UpdatePolicyResponse { policy: Some(shown) })
}

/// Everything in the tree.
fn targets(tx: &Tx<'_>, org: &Organization) -> Vec<Target> {
    let units = tx.list_global::<OrganizationalUnit>().cloned().map(Target::Unit);
    let accounts =
        tx.snapshot().all::<Account>().filter(|a| a.parent.is_some()).cloned().map(Target::Account);
    std::iter::once(Target::Root(org.clone())).chain(units).chain(accounts).collect()
}

pub(crate) fn delete_policy(tx: &mut Tx<'_>, input: DeletePolicyRequest) -> Result<(), Fault> {
    let org = organization(tx)?;
    let policy = own(tx, &input.policy_id)?;
    match targets(tx, &org).iter().any(|t| t.policies().contains(&policy.id)) {
        true => Err(Fault::client("PolicyInUseException", "The policy is attached to one or more entities.")),
        false => tx.remove(&policy),
    }
}

pub(crate) fn list_policies(
    tx: &mut Tx<'_>,
    input: ListPoliciesRequest,
) -> Result<ListPoliciesResponse, Fault> {
    let org = readable(tx)?;
    let own = tx
        .list_global::<Node>()
        .filter(|p| p.policy_type == input.filter)
        .map(|p| summary(&org, p))
        .collect();
    let (policies, next_token) = page(own, input.next_token.as_deref(), input.max_results)?;
    Ok(ListPoliciesResponse { policies: Some(policies), next_token })
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_AttachPolicy.html>
pub(crate) fn attach_policy(tx: &mut Tx<'_>, input: AttachPolicyRequest) -> Result<(), Fault> {
    let org = organization(tx)?;
    let policy = find(tx, &input.policy_id)?;
    if !org.policy_types.contains(&policy.policy_type) {
        return Err(Fault::client(
            "PolicyTypeNotEnabledException",
            "The specified policy type is not enabled in this root.",
        ));
    }
    let target = target(tx, &org, &input.target_id)?;
    let mut policies = target.policies().to_vec();
    if policies.contains(&policy.id) {
        return Err(Fault::client(
            "DuplicatePolicyAttachmentException",
            "The policy is already attached to the target.",
        ));
    }
    if of_type(tx, &policies, &policy.policy_type).len() >= ATTACHED {
        return Err(Fault::client(
            "ConstraintViolationException",
            "You have attained the maximum number of policies attached to this target.",
        ));
    }
    policies.push(policy.id);
    target.with_policies(tx, policies)
}

fn of_type(tx: &Tx<'_>, ids: &[String], policy_type: &str) -> Vec<Node> {
    ids.iter().filter_map(|id| find(tx, id).ok()).filter(|p| p.policy_type == policy_type).collect()
}

pub(crate) fn detach_policy(tx: &mut Tx<'_>, input: DetachPolicyRequest) -> Result<(), Fault> {
    let org = organization(tx)?;
    let policy = find(tx, &input.policy_id)?;
    let target = target(tx, &org, &input.target_id)?;
    let mut policies = target.policies().to_vec();
    if !policies.contains(&policy.id) {
        return Err(Fault::client(
            "PolicyNotAttachedException",
            "The policy isn't attached to the specified target in the specified root.",
        ));
    }
    if of_type(tx, &policies, &policy.policy_type).len() == 1
        && policy.policy_type == "SERVICE_CONTROL_POLICY"
    {
        return Err(Fault::client(
            "ConstraintViolationException",
            "You cannot remove the last policy attached to the specified target. You must have at least one attached at all times.",
        ));
    }
    policies.retain(|p| *p != policy.id);
    target.with_policies(tx, policies)
}

pub(crate) fn list_policies_for_target(
    tx: &mut Tx<'_>,
    input: ListPoliciesForTargetRequest,
) -> Result<ListPoliciesForTargetResponse, Fault> {
    let org = readable(tx)?;
    let target = target(tx, &org, &input.target_id)?;
    let attached = of_type(tx, target.policies(), &input.filter).iter().map(|p| summary(&org, p)).collect();
    let (policies, next_token) = page(attached, input.next_token.as_deref(), input.max_results)?;
    Ok(ListPoliciesForTargetResponse { policies: Some(policies), next_token })
}

pub(crate) fn list_targets_for_policy(
    tx: &mut Tx<'_>,
    input: ListTargetsForPolicyRequest,
) -> Result<ListTargetsForPolicyResponse, Fault> {
    let org = readable(tx)?;
    let policy = find(tx, &input.policy_id)?;
    let held = targets(tx, &org).into_iter().filter(|t| t.policies().contains(&policy.id));
    let shown = held.map(|t| {
        let (id, name, kind) = t.facts();
        let path = match kind {
            "ROOT" => "root",
            "ACCOUNT" => "account",
            _ => "ou",
        };
        PolicyTargetSummary {
            arn: Some(arn(&org, path, &id)),
            target_id: Some(id),
            name: Some(name),
            r#type: Some(kind.to_owned()),
        }
    });
    let (targets, next_token) = page(shown.collect(), input.next_token.as_deref(), input.max_results)?;
    Ok(ListTargetsForPolicyResponse { targets: Some(targets), next_token })
}

fn must_be_root(org: &Organization, id: &str) -> Result<(), Fault> {
    match id == org.root {
        true => Ok(()),
        false => Err(Fault::client("RootNotFoundException", "You specified a root that doesn't exist.")),
    }
}

/// Members see their own; whoever reads the organization sees any account's.
///
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeEffectivePolicy.html>
pub(crate) fn describe_effective_policy(
    tx: &mut Tx<'_>,
    input: DescribeEffectivePolicyRequest,
) -> Result<DescribeEffectivePolicyResponse, Fault> {
    let own = tx.account.clone();
    any(tx.snapshot()).ok_or_else(not_in_use)?;
    management_type(&input.policy_type).ok_or_else(|| not_served(&input.policy_type))?;
    let missing = || Fault::client("TargetNotFoundException", "You specified a target that doesn't exist.");
    let account = match &input.target_id {
        Some(id) => AccountId::parse(id).ok_or_else(missing)?,
        None => own.clone(),
    };
    if account != own {
        let org = readable(tx)?;
        target(tx, &org, account.as_str())?;
    }
    let content = management::effective(tx.snapshot(), &account, &input.policy_type).ok_or_else(|| {
        Fault::client(
            "EffectivePolicyNotFoundException",
            "If you ran this action on the management account, this policy type is not enabled. If you ran the action on a member account, the account doesn't have an effective policy of this type.",
        )
    })?;
    let policy = EffectivePolicy {
        policy_content: Some(content.to_string()),
        target_id: Some(account.to_string()),
        policy_type: Some(input.policy_type),
        ..EffectivePolicy::default()
    };
    Ok(DescribeEffectivePolicyResponse { effective_policy: Some(policy) })
}

/// With resource control policies comes the one that allows everything, on every target.
pub(crate) fn enable_policy_type(
    tx: &mut Tx<'_>,
    input: EnablePolicyTypeRequest,
) -> Result<EnablePolicyTypeResponse, Fault> {
    let mut org = organization(tx)?;
    must_be_root(&org, &input.root_id)?;
    all_features(&org)?;
    if !BOUNDS.contains(&input.policy_type.as_str()) && management_type(&input.policy_type).is_none() {
        return Err(not_served(&input.policy_type));
    }
    if org.policy_types.contains(&input.policy_type) {
        return Err(Fault::client(
            "PolicyTypeAlreadyEnabledException",
            "The specified policy type is already enabled in the specified root.",
        ));
    }
    org.policy_types.push(input.policy_type.clone());
    tx.put(org)?;
    let org = organization(tx)?;
    let full = Node::full_access_id(&input.policy_type);
    let bounded = if BOUNDS.contains(&input.policy_type.as_str()) { targets(tx, &org) } else { Vec::new() };
    for target in bounded {
        let mut policies = target.policies().to_vec();
        if !policies.iter().any(|p| p == full) {
            policies.push(full.to_owned());
            target.with_policies(tx, policies)?;
        }
    }
    Ok(EnablePolicyTypeResponse { root: Some(root(&organization(tx)?)) })
}

/// Disabling a type detaches all its policies.
pub(crate) fn disable_policy_type(
    tx: &mut Tx<'_>,
    input: DisablePolicyTypeRequest,
) -> Result<DisablePolicyTypeResponse, Fault> {
    let mut org = organization(tx)?;
    must_be_root(&org, &input.root_id)?;
    if !org.policy_types.contains(&input.policy_type) {
        return Err(Fault::client(
            "PolicyTypeNotEnabledException",
            "The specified policy type is not enabled in this root.",
        ));
    }
    org.policy_types.retain(|t| *t != input.policy_type);
    tx.put(org)?;
    let org = organization(tx)?;
    for target in targets(tx, &org) {
        let gone: Vec<String> =
            of_type(tx, target.policies(), &input.policy_type).into_iter().map(|p| p.id).collect();
        let left = target.policies().iter().filter(|p| !gone.contains(p)).cloned().collect();
        target.with_policies(tx, left)?;
    }
    Ok(DisablePolicyTypeResponse { root: Some(root(&organization(tx)?)) })
}

//! The policies of users, groups and roles: written inside them, and attached to them.
//! The three differ only in their names.

use model::estate::iam::InlinePolicy;
use model::policy::PolicyCheck;
use model::{Fault, PolicyText, Tx};

use crate::page::{self, encoded, limit};
use crate::shapes::*;
use crate::{group, policy, role, user};

/// Managed policies that one principal may have attached.
pub(crate) const ATTACHED: usize = 20;

fn put_inline(
    tx: &Tx<'_>,
    policies: &mut Vec<InlinePolicy>,
    name: String,
    document: String,
    most: usize,
) -> Result<(), Fault> {
    tx.host().policies().check(PolicyCheck::Identity, &document)?;
    let written = PolicyText::new(document, tx.source.clone());
    match policies.iter_mut().find(|p| p.name == name) {
        Some(policy) => policy.document = written,
        None => {
            policies.push(InlinePolicy { name, document: written });
            policies.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }
    let size: usize =
        policies.iter().map(|p| p.document.text.chars().filter(|c| !c.is_whitespace()).count()).sum();
    if size > most {
        return Err(limit(&format!("the size of inline policies: {most}")));
    }
    Ok(())
}

fn inline<'a>(policies: &'a [InlinePolicy], name: &str) -> Result<&'a InlinePolicy, Fault> {
    let missing = || Fault::new("NoSuchEntity", 404, format!("The policy with name {name} cannot be found."));
    policies.iter().find(|p| p.name == name).ok_or_else(missing)
}

fn attach(tx: &Tx<'_>, attached: &mut Vec<String>, arn: String) -> Result<(), Fault> {
    policy::find(tx, &arn)?;
    if attached.contains(&arn) {
        return Ok(());
    }
    if attached.len() >= ATTACHED {
        return Err(limit(&format!("PoliciesPerPrincipal: {ATTACHED}")));
    }
    attached.push(arn);
    Ok(())
}

fn detach(attached: &mut Vec<String>, arn: &str) -> Result<(), Fault> {
    if !attached.iter().any(|a| a == arn) {
        return Err(Fault::new("NoSuchEntity", 404, format!("Policy {arn} was not found.")));
    }
    attached.retain(|a| a != arn);
    Ok(())
}

pub(crate) fn shown(arns: &[String], prefix: Option<&str>) -> Vec<AttachedPolicy> {
    let path = |arn: &str| arn.split_once(":policy").map(|(_, p)| p.to_owned()).unwrap_or_default();
    let wanted = arns.iter().filter(|arn| path(arn).starts_with(prefix.unwrap_or_default()));
    wanted
        .map(|arn| AttachedPolicy {
            policy_name: arn.rsplit('/').next().map(str::to_owned),
            policy_arn: Some(arn.clone()),
        })
        .collect()
}

macro_rules! principal {
    (
        $find:path, $change:path, $name:ident, $most:literal,
        $put:ident $Put:ident, $get:ident $Get:ident $Got:ident, $delete:ident $Delete:ident, $list:ident $List:ident $Listed:ident,
        $attach:ident $Attach:ident, $detach:ident $Detach:ident, $attached:ident $Attached:ident $AttachedList:ident
    ) => {
        pub(crate) fn $put(tx: &mut Tx<'_>, input: $Put) -> Result<(), Fault> {
            let mut node = $change(tx, &input.$name)?;
            put_inline(tx, &mut node.inline, input.policy_name, input.policy_document, $most)?;
            tx.put(node)
        }

        pub(crate) fn $get(tx: &mut Tx<'_>, input: $Get) -> Result<$Got, Fault> {
            let node = $find(tx, &input.$name)?;
            let policy = inline(&node.inline, &input.policy_name)?;
            Ok($Got {
                $name: input.$name,
                policy_name: policy.name.clone(),
                policy_document: encoded(&policy.document.text),
            })
        }

        pub(crate) fn $delete(tx: &mut Tx<'_>, input: $Delete) -> Result<(), Fault> {
            let mut node = $change(tx, &input.$name)?;
            inline(&node.inline, &input.policy_name)?;
            node.inline.retain(|p| p.name != input.policy_name);
            tx.put(node)
        }

        pub(crate) fn $list(tx: &mut Tx<'_>, input: $List) -> Result<$Listed, Fault> {
            let node = $find(tx, &input.$name)?;
            let names = node.inline.iter().map(|p| p.name.clone());
            let (policy_names, is_truncated, marker) =
                page::page(names, String::clone, input.marker.as_deref(), input.max_items)?;
            Ok($Listed { policy_names, is_truncated, marker })
        }

        pub(crate) fn $attach(tx: &mut Tx<'_>, input: $Attach) -> Result<(), Fault> {
            let mut node = $change(tx, &input.$name)?;
            attach(tx, &mut node.attached, input.policy_arn)?;
            tx.put(node)
        }

        pub(crate) fn $detach(tx: &mut Tx<'_>, input: $Detach) -> Result<(), Fault> {
            let mut node = $change(tx, &input.$name)?;
            detach(&mut node.attached, &input.policy_arn)?;
            tx.put(node)
        }

        pub(crate) fn $attached(tx: &mut Tx<'_>, input: $Attached) -> Result<$AttachedList, Fault> {
            let node = $find(tx, &input.$name)?;
            let attached_policies = Some(shown(&node.attached, input.path_prefix.as_deref()));
            Ok($AttachedList { attached_policies, is_truncated: Some(false), marker: None })
        }
    };
}

principal!(
    user::find, user::find, user_name, 2048,
    put_user_policy PutUserPolicyRequest,
    get_user_policy GetUserPolicyRequest GetUserPolicyResponse,
    delete_user_policy DeleteUserPolicyRequest,
    list_user_policies ListUserPoliciesRequest ListUserPoliciesResponse,
    attach_user_policy AttachUserPolicyRequest,
    detach_user_policy DetachUserPolicyRequest,
    list_attached_user_policies ListAttachedUserPoliciesRequest ListAttachedUserPoliciesResponse
);

principal!(
    group::find, group::find, group_name, 5120,
    put_group_policy PutGroupPolicyRequest,
    get_group_policy GetGroupPolicyRequest GetGroupPolicyResponse,
    delete_group_policy DeleteGroupPolicyRequest,
    list_group_policies ListGroupPoliciesRequest ListGroupPoliciesResponse,
    attach_group_policy AttachGroupPolicyRequest,
    detach_group_policy DetachGroupPolicyRequest,
    list_attached_group_policies ListAttachedGroupPoliciesRequest ListAttachedGroupPoliciesResponse
);

principal!(
    role::find, role::modifiable, role_name, 10240,
    put_role_policy PutRolePolicyRequest,
    get_role_policy GetRolePolicyRequest GetRolePolicyResponse,
    delete_role_policy DeleteRolePolicyRequest,
    list_role_policies ListRolePoliciesRequest ListRolePoliciesResponse,
    attach_role_policy AttachRolePolicyRequest,
    detach_role_policy DetachRolePolicyRequest,
    list_attached_role_policies ListAttachedRolePoliciesRequest ListAttachedRolePoliciesResponse
);

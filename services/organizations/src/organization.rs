//! The organization itself: this runtime holds at most one.

use model::estate::iam::{
    Account, Organization as Node, OrganizationPolicy, OrganizationalUnit, TrustedService,
};
use model::{Fault, Snapshot, Tags, Tx};

use crate::account::members;
use crate::shapes::*;
use crate::target::{BOUNDS, any, arn, full_access, not_in_use, organization, readable};

fn types(org: &Node) -> Vec<PolicyTypeSummary> {
    org.policy_types
        .iter()
        .map(|t| PolicyTypeSummary { r#type: Some(t.clone()), status: Some("ENABLED".to_owned()) })
        .collect()
}

pub(crate) fn root(org: &Node) -> Root {
    Root {
        id: Some(org.root.clone()),
        arn: Some(arn(org, "root", &org.root)),
        name: Some("Root".to_owned()),
        policy_types: Some(types(org)),
    }
}

fn shape(snapshot: &Snapshot, org: &Node) -> Organization {
    let management = snapshot.find::<Account>(&org.account, "", org.account.as_str());
    Organization {
        id: Some(org.id.clone()),
        arn: Some(model::ids::arn("organizations", "", &org.account, &format!("organization/{}", org.id))),
        feature_set: Some(org.feature_set.clone()),
        master_account_arn: Some(arn(org, "account", org.account.as_str())),
        master_account_id: Some(org.account.to_string()),
        master_account_email: management.map(|a| a.email.clone()),
        available_policy_types: Some(types(org)),
    }
}

/// Policies need an organization that has more than a common bill.
pub(crate) fn all_features(org: &Node) -> Result<(), Fault> {
    match org.feature_set == "ALL" {
        true => Ok(()),
        false => Err(Fault::client(
            "PolicyTypeNotAvailableForOrganizationException",
            "You can't use the specified policy type with the feature set currently enabled for this organization.",
        )),
    }
}

/// Any member may ask for it.
pub(crate) fn describe_organization(
    tx: &mut Tx<'_>,
    _: model::Value,
) -> Result<DescribeOrganizationResponse, Fault> {
    let org = any(tx.snapshot()).ok_or_else(not_in_use)?;
    Ok(DescribeOrganizationResponse { organization: Some(shape(tx.snapshot(), org)) })
}

pub(crate) fn list_roots(tx: &mut Tx<'_>, _: ListRootsRequest) -> Result<ListRootsResponse, Fault> {
    Ok(ListRootsResponse { roots: Some(vec![root(&readable(tx)?)]), next_token: None })
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html>
pub(crate) fn create_organization(
    tx: &mut Tx<'_>,
    input: CreateOrganizationRequest,
) -> Result<CreateOrganizationResponse, Fault> {
    if any(tx.snapshot()).is_some() {
        return Err(Fault::client(
            "AlreadyInOrganizationException",
            "The AWS account is already a member of an organization.",
        ));
    }
    let unknown = || Fault::internal("the account has no node");
    let account = tx.account.clone();
    let management = tx.find_global::<Account>(account.as_str()).cloned().ok_or_else(unknown)?;
    let feature_set = input.feature_set.unwrap_or_else(|| "ALL".to_owned());
    let scps = feature_set == "ALL";
    let text = |length| tx.random_text(length, b"abcdefghijklmnopqrstuvwxyz0123456789");
    let mut org = Node {
        account: account.clone(),
        id: format!("o-{}", text(10)),
        root: format!("r-{}", text(4)),
        feature_set,
        policy_types: if scps { vec!["SERVICE_CONTROL_POLICY".to_owned()] } else { Vec::new() },
        created: tx.now,
        policies: Vec::new(),
        root_tags: Tags::new(),
    };
    org.policies = full_access(&org);
    for policy_type in BOUNDS {
        tx.put(OrganizationPolicy::full_access(&account, policy_type))?;
    }
    let policies = org.policies.clone();
    tx.put(Account { parent: Some(org.root.clone()), policies, joined: tx.now, ..management })?;
    tx.put(org.clone())?;
    Ok(CreateOrganizationResponse { organization: Some(shape(tx.snapshot(), &org)) })
}

/// Closed accounts are members, too, until they are gone. With the organization go its units and policies.
///
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteOrganization.html>
pub(crate) fn delete_organization(tx: &mut Tx<'_>, _: model::Value) -> Result<(), Fault> {
    let org = organization(tx)?;
    for member in members(tx) {
        if member.account != org.account {
            return Err(Fault::client(
                "OrganizationNotEmptyException",
                "The organization isn't empty. To delete an organization, you must first remove all accounts except the management account.",
            ));
        }
        tx.put(Account { parent: None, policies: Vec::new(), tags: Tags::new(), ..member })?;
    }
    let units: Vec<_> = tx.list_global::<OrganizationalUnit>().cloned().collect();
    let policies: Vec<_> = tx.list_global::<OrganizationPolicy>().cloned().collect();
    units.iter().try_for_each(|unit| tx.remove(unit))?;
    policies.iter().try_for_each(|policy| tx.remove(policy))?;
    let trusted: Vec<_> = tx.list_global::<TrustedService>().cloned().collect();
    trusted.iter().try_for_each(|service| tx.remove(service))?;
    tx.remove(&org)
}

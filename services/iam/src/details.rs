//! The account as a whole: how much of everything there is, and every principal and policy in one list.

use model::estate::iam::{
    AccessKey, Group, InlinePolicy, ManagedPolicy, OidcProvider, Role, SamlProvider, User,
};
use model::{AccountId, Fault, Node, Tx};

use crate::mfa::Device;
use crate::page::{self, encoded};
use crate::profile::{self, Profile};
use crate::shapes::*;
use crate::user::boundary_shown;
use crate::{attach, key, policy};

/// Limits that hold here.
const LIMITS: &[(&str, usize)] = &[
    ("AccessKeysPerUserQuota", key::KEYS),
    ("AttachedPoliciesPerGroupQuota", attach::ATTACHED),
    ("AttachedPoliciesPerRoleQuota", attach::ATTACHED),
    ("AttachedPoliciesPerUserQuota", attach::ATTACHED),
    ("GroupPolicySizeQuota", 5120),
    ("PolicySizeQuota", 6144),
    ("RolePolicySizeQuota", 10_240),
    ("UserPolicySizeQuota", 2048),
    ("VersionsPerPolicyQuota", policy::VERSIONS),
];

fn count<N: Node>(tx: &Tx<'_>) -> usize {
    tx.list_global::<N>().count()
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>
pub(crate) fn get_account_summary(
    tx: &mut Tx<'_>,
    _: model::Value,
) -> Result<GetAccountSummaryResponse, Fault> {
    let versions: usize = tx.list_global::<ManagedPolicy>().map(|policy| policy.versions.len()).sum();
    let assigned = tx.list_global::<Device>().filter(|device| device.user.is_some()).count();
    let root = tx.list_global::<AccessKey>().any(|key| key.user.is_none());
    let counts = [
        ("AccountAccessKeysPresent", usize::from(root)),
        ("AccountMFAEnabled", 0),
        ("AccountPasswordPresent", 0),
        ("AccountSigningCertificatesPresent", 0),
        ("Groups", count::<Group>(tx)),
        ("InstanceProfiles", count::<Profile>(tx)),
        ("MFADevices", count::<Device>(tx)),
        ("MFADevicesInUse", assigned),
        ("Policies", count::<ManagedPolicy>(tx)),
        ("PolicyVersionsInUse", versions),
        ("Providers", count::<OidcProvider>(tx) + count::<SamlProvider>(tx)),
        ("Roles", count::<Role>(tx)),
        ("ServerCertificates", 0),
        ("Users", count::<User>(tx)),
    ];
    let map = counts
        .iter()
        .chain(LIMITS)
        .map(|(name, n)| ((*name).to_owned(), i64::try_from(*n).unwrap_or(i64::MAX)));
    Ok(GetAccountSummaryResponse { summary_map: Some(map.collect()) })
}

/// In the order of the answer's lists.
enum Item<'a> {
    User(&'a User),
    Group(&'a Group),
    Role(&'a Role),
    Policy(&'a ManagedPolicy),
}

impl Item<'_> {
    /// By which the list is in order, and a page begins after.
    fn place(&self) -> String {
        match self {
            Item::User(user) => format!("1/{}", user.name),
            Item::Group(group) => format!("2/{}", group.name),
            Item::Role(role) => format!("3/{}", role.name),
            Item::Policy(policy) => format!("4/{}", policy.arn()),
        }
    }
}

fn inline(policies: &[InlinePolicy]) -> Option<Vec<PolicyDetail>> {
    let shape = |policy: &InlinePolicy| PolicyDetail {
        policy_name: Some(policy.name.clone()),
        policy_document: Some(encoded(&policy.document.text)),
    };
    Some(policies.iter().map(shape).collect())
}

fn user(tx: &Tx<'_>, user: &User) -> UserDetail {
    let groups = user.in_groups(tx.snapshot());
    UserDetail {
        path: Some(user.path.clone()),
        user_name: Some(user.name.clone()),
        user_id: Some(user.id.clone()),
        arn: Some(user.arn()),
        create_date: Some(user.created),
        user_policy_list: inline(&user.inline),
        group_list: Some(groups.map(|group| group.name.clone()).collect()),
        attached_managed_policies: Some(attach::shown(&user.attached, None)),
        permissions_boundary: boundary_shown(user.boundary.as_ref()),
        tags: Some(page::listed(&user.tags)),
    }
}

fn group(group: &Group) -> GroupDetail {
    GroupDetail {
        path: Some(group.path.clone()),
        group_name: Some(group.name.clone()),
        group_id: Some(group.id.clone()),
        arn: Some(group.arn()),
        create_date: Some(group.created),
        group_policy_list: inline(&group.inline),
        attached_managed_policies: Some(attach::shown(&group.attached, None)),
    }
}

fn role(tx: &Tx<'_>, role: &Role) -> RoleDetail {
    let profiles = tx.list_global::<Profile>().filter(|profile| profile.role.as_ref() == Some(&role.name));
    RoleDetail {
        path: Some(role.path.clone()),
        role_name: Some(role.name.clone()),
        role_id: Some(role.id.clone()),
        arn: Some(role.arn()),
        create_date: Some(role.created),
        assume_role_policy_document: Some(encoded(&role.trust.text)),
        instance_profile_list: Some(profiles.map(|p| profile::shape(tx, p)).collect()),
        role_policy_list: inline(&role.inline),
        attached_managed_policies: Some(attach::shown(&role.attached, None)),
        permissions_boundary: boundary_shown(role.boundary.as_ref()),
        tags: Some(page::listed(&role.tags)),
        role_last_used: Some(RoleLastUsed::default()),
    }
}

fn managed(tx: &Tx<'_>, policy: &ManagedPolicy) -> ManagedPolicyDetail {
    let (attached, bounds) = policy::uses(tx, &policy.arn());
    let versions = policy.versions.iter().rev().map(|version| policy::version_shape(policy, version, true));
    ManagedPolicyDetail {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.clone()),
        arn: Some(policy.arn()),
        path: Some(policy.path.clone()),
        default_version_id: Some(policy.default_version.clone()),
        attachment_count: i64::try_from(attached).ok(),
        permissions_boundary_usage_count: i64::try_from(bounds).ok(),
        is_attachable: Some(true),
        description: policy.description.clone(),
        create_date: Some(policy.created),
        update_date: Some(policy.updated),
        policy_version_list: Some(versions.collect()),
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>
///
/// Of AWS's own policies those that somebody has.
pub(crate) fn get_account_authorization_details(
    tx: &mut Tx<'_>,
    input: GetAccountAuthorizationDetailsRequest,
) -> Result<GetAccountAuthorizationDetailsResponse, Fault> {
    let filter = input.filter.unwrap_or_default();
    let wanted = |kind: &str| filter.is_empty() || filter.iter().any(|named| named == kind);
    let aws = AccountId::none();
    let theirs = tx.snapshot().list::<ManagedPolicy>(&aws, "").filter(|_| wanted("AWSManagedPolicy"));
    let theirs = theirs.filter(|policy| policy::uses(tx, &policy.arn()) != (0, 0));
    let ours = tx.list_global::<ManagedPolicy>().filter(|_| wanted("LocalManagedPolicy"));
    let mut items: Vec<Item<'_>> = theirs.chain(ours).map(Item::Policy).collect();
    items.extend(tx.list_global::<User>().filter(|_| wanted("User")).map(Item::User));
    items.extend(tx.list_global::<Group>().filter(|_| wanted("Group")).map(Item::Group));
    items.extend(tx.list_global::<Role>().filter(|_| wanted("Role")).map(Item::Role));
    items.sort_by_key(Item::place);
    let (items, is_truncated, marker) =
        page::page(items.into_iter(), Item::place, input.marker.as_deref(), input.max_items)?;
    let (mut users, mut groups, mut roles, mut policies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::User(found) => users.push(user(tx, found)),
            Item::Group(found) => groups.push(group(found)),
            Item::Role(found) => roles.push(role(tx, found)),
            Item::Policy(found) => policies.push(managed(tx, found)),
        }
    }
    Ok(GetAccountAuthorizationDetailsResponse {
        user_detail_list: Some(users),
        group_detail_list: Some(groups),
        role_detail_list: Some(roles),
        policies: Some(policies),
        is_truncated,
        marker,
    })
}

//! Customer-managed policies and their versions.

use model::estate::iam::{Group, ManagedPolicy, PolicyVersion, Role, User};
use model::policy::PolicyCheck;
use model::{AccountId, Arn, Fault, PolicyText, Tx};

use crate::page::{self, encoded, in_use, limit, taken};
use crate::shapes::*;

/// Versions that a policy may have at one time.
pub(crate) const VERSIONS: usize = 5;

fn missing(arn: &str) -> Fault {
    Fault::new("NoSuchEntity", 404, format!("Policy {arn} does not exist or is not attachable."))
}

/// A policy of this account, or one of AWS's.
pub(crate) fn find(tx: &Tx<'_>, arn: &str) -> Result<ManagedPolicy, Fault> {
    if Arn::parse(arn).is_none() {
        return Err(Fault::client("InvalidInput", format!("ARN {arn} is not valid.")));
    }
    let found = tx
        .find_arn::<ManagedPolicy>(arn)
        .filter(|p| p.account == tx.account || p.account == AccountId::none());
    found.cloned().ok_or_else(|| missing(arn))
}

/// One that may be changed.
fn own(tx: &Tx<'_>, arn: &str) -> Result<ManagedPolicy, Fault> {
    let policy = find(tx, arn)?;
    match policy.account == tx.account {
        true => Ok(policy),
        false => {
            Err(Fault::new("AccessDenied", 403, format!("AWS managed policies cannot be changed: {arn}")))
        }
    }
}

/// How many principals have it attached, and how many have it as their boundary.
pub(crate) fn uses(tx: &Tx<'_>, arn: &str) -> (usize, usize) {
    let held = |attached: &[String]| attached.iter().any(|a| a == arn);
    let attached = tx.list_global::<User>().filter(|u| held(&u.attached)).count()
        + tx.list_global::<Group>().filter(|g| held(&g.attached)).count()
        + tx.list_global::<Role>().filter(|r| held(&r.attached)).count();
    let bounds = tx.list_global::<User>().filter(|u| u.boundary.as_deref() == Some(arn)).count()
        + tx.list_global::<Role>().filter(|r| r.boundary.as_deref() == Some(arn)).count();
    (attached, bounds)
}

fn shape(tx: &Tx<'_>, policy: &ManagedPolicy, detail: bool) -> Policy {
    let (attached, bounds) = uses(tx, &policy.arn());
    Policy {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.clone()),
        arn: Some(policy.arn()),
        path: Some(policy.path.clone()),
        default_version_id: Some(policy.default_version.clone()),
        attachment_count: i64::try_from(attached).ok(),
        permissions_boundary_usage_count: i64::try_from(bounds).ok(),
        is_attachable: Some(true),
        description: policy.description.clone().filter(|_| detail),
        create_date: Some(policy.created),
        update_date: Some(policy.updated),
        tags: if detail { page::shown(&policy.tags) } else { None },
    }
}

pub(crate) fn version_shape(
    policy: &ManagedPolicy,
    version: &PolicyVersion,
    document: bool,
) -> crate::shapes::PolicyVersion {
    crate::shapes::PolicyVersion {
        document: document.then(|| encoded(&version.document.text)),
        version_id: Some(version.id.clone()),
        is_default_version: Some(version.id == policy.default_version),
        create_date: Some(version.created),
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>
pub(crate) fn create_policy(
    tx: &mut Tx<'_>,
    input: CreatePolicyRequest,
) -> Result<CreatePolicyResponse, Fault> {
    let name = input.policy_name;
    if taken::<ManagedPolicy>(tx, &name) {
        return Err(Fault::new(
            "EntityAlreadyExists",
            409,
            format!("A policy called {name} already exists. Duplicate names are not allowed."),
        ));
    }
    check(tx, &input.policy_document)?;
    let policy = ManagedPolicy {
        account: tx.account.clone(),
        path: input.path.unwrap_or_else(|| "/".to_owned()),
        id: page::id(tx, "ANPA"),
        description: input.description,
        created: tx.now,
        updated: tx.now,
        versions: vec![version(tx, 1, input.policy_document)],
        default_version: "v1".to_owned(),
        tags: page::tags_of(input.tags)?,
        name,
    };
    let shown = shape(tx, &policy, true);
    tx.put(policy)?;
    Ok(CreatePolicyResponse { policy: Some(shown) })
}

/// At most 6,144 characters, white space not counted.
fn check(tx: &Tx<'_>, document: &str) -> Result<(), Fault> {
    if document.chars().filter(|c| !c.is_whitespace()).count() > 6144 {
        return Err(limit("PolicySize: 6144"));
    }
    tx.host().policies().check(PolicyCheck::Identity, document)
}

fn version(tx: &Tx<'_>, number: u64, document: String) -> PolicyVersion {
    PolicyVersion {
        id: format!("v{number}"),
        created: tx.now,
        document: PolicyText::new(document, tx.source.clone()),
    }
}

pub(crate) fn get_policy(tx: &mut Tx<'_>, input: GetPolicyRequest) -> Result<GetPolicyResponse, Fault> {
    let policy = find(tx, &input.policy_arn)?;
    Ok(GetPolicyResponse { policy: Some(shape(tx, &policy, true)) })
}

pub(crate) fn list_policies(
    tx: &mut Tx<'_>,
    input: ListPoliciesRequest,
) -> Result<ListPoliciesResponse, Fault> {
    let prefix = input.path_prefix.unwrap_or_default();
    let (aws, local) = match input.scope.as_deref() {
        Some("AWS") => (true, false),
        Some("Local") => (false, true),
        _ => (true, true),
    };
    let nobody = AccountId::none();
    let snapshot = tx.snapshot();
    let theirs = snapshot.list::<ManagedPolicy>(&nobody, "").filter(|_| aws);
    let ours = snapshot.list::<ManagedPolicy>(&tx.account, "").filter(|_| local);
    let only = input.only_attached == Some(true);
    let bounds = input.policy_usage_filter.as_deref() == Some("PermissionsBoundary");
    let mut wanted: Vec<&ManagedPolicy> = theirs
        .chain(ours)
        .filter(|p| p.path.starts_with(&prefix))
        .filter(|p| {
            !only && !bounds || {
                let (a, b) = uses(tx, &p.arn());
                if bounds { b > 0 } else { a > 0 }
            }
        })
        .collect();
    wanted.sort_by_key(|p| p.arn());
    let (policies, is_truncated, marker) =
        page::page(wanted.into_iter(), |p| p.arn(), input.marker.as_deref(), input.max_items)?;
    let policies = policies.into_iter().map(|p| shape(tx, p, false)).collect();
    Ok(ListPoliciesResponse { policies: Some(policies), is_truncated, marker })
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>
pub(crate) fn delete_policy(tx: &mut Tx<'_>, input: DeletePolicyRequest) -> Result<(), Fault> {
    let policy = own(tx, &input.policy_arn)?;
    if uses(tx, &input.policy_arn) != (0, 0) {
        return Err(in_use("this policy is attached to entities"));
    }
    if policy.versions.len() > 1 {
        return Err(in_use("this policy has more than one version"));
    }
    tx.remove(&policy)
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html>
pub(crate) fn create_policy_version(
    tx: &mut Tx<'_>,
    input: CreatePolicyVersionRequest,
) -> Result<CreatePolicyVersionResponse, Fault> {
    let mut policy = own(tx, &input.policy_arn)?;
    check(tx, &input.policy_document)?;
    if policy.versions.len() >= VERSIONS {
        return Err(limit(
            "policy versions: 5. You must delete an existing version before you create a new version.",
        ));
    }
    let newest =
        policy.versions.iter().filter_map(|v| v.id.strip_prefix('v')?.parse::<u64>().ok()).max().unwrap_or(0);
    let version = version(tx, newest + 1, input.policy_document);
    if input.set_as_default == Some(true) {
        policy.default_version.clone_from(&version.id);
    }
    policy.versions.push(version.clone());
    policy.updated = tx.now;
    let shown = version_shape(&policy, &version, false);
    tx.put(policy)?;
    Ok(CreatePolicyVersionResponse { policy_version: Some(shown) })
}

fn of(policy: &ManagedPolicy, id: &str) -> Result<PolicyVersion, Fault> {
    let missing = || {
        Fault::new(
            "NoSuchEntity",
            404,
            format!("Policy {} version {id} does not exist or is not attachable.", policy.arn()),
        )
    };
    policy.versions.iter().find(|v| v.id == id).cloned().ok_or_else(missing)
}

pub(crate) fn get_policy_version(
    tx: &mut Tx<'_>,
    input: GetPolicyVersionRequest,
) -> Result<GetPolicyVersionResponse, Fault> {
    let policy = find(tx, &input.policy_arn)?;
    let version = of(&policy, &input.version_id)?;
    Ok(GetPolicyVersionResponse { policy_version: Some(version_shape(&policy, &version, true)) })
}

pub(crate) fn list_policy_versions(
    tx: &mut Tx<'_>,
    input: ListPolicyVersionsRequest,
) -> Result<ListPolicyVersionsResponse, Fault> {
    let policy = find(tx, &input.policy_arn)?;
    let versions = policy.versions.iter().rev().map(|v| version_shape(&policy, v, false)).collect();
    Ok(ListPolicyVersionsResponse { versions: Some(versions), is_truncated: Some(false), marker: None })
}

pub(crate) fn delete_policy_version(tx: &mut Tx<'_>, input: DeletePolicyVersionRequest) -> Result<(), Fault> {
    let mut policy = own(tx, &input.policy_arn)?;
    let version = of(&policy, &input.version_id)?;
    if version.id == policy.default_version {
        return Err(Fault::new("DeleteConflict", 409, "Cannot delete the default version of a policy."));
    }
    policy.versions.retain(|v| v.id != version.id);
    tx.put(policy)
}

pub(crate) fn set_default_policy_version(
    tx: &mut Tx<'_>,
    input: SetDefaultPolicyVersionRequest,
) -> Result<(), Fault> {
    let mut policy = own(tx, &input.policy_arn)?;
    policy.default_version = of(&policy, &input.version_id)?.id;
    policy.updated = tx.now;
    tx.put(policy)
}

pub(crate) fn tag_policy(tx: &mut Tx<'_>, input: TagPolicyRequest) -> Result<(), Fault> {
    let mut policy = own(tx, &input.policy_arn)?;
    policy.tags.extend(page::tags_of(Some(input.tags))?);
    tx.put(policy)
}

pub(crate) fn untag_policy(tx: &mut Tx<'_>, input: UntagPolicyRequest) -> Result<(), Fault> {
    let mut policy = own(tx, &input.policy_arn)?;
    policy.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(policy)
}

pub(crate) fn list_policy_tags(
    tx: &mut Tx<'_>,
    input: ListPolicyTagsRequest,
) -> Result<ListPolicyTagsResponse, Fault> {
    let policy = find(tx, &input.policy_arn)?;
    Ok(ListPolicyTagsResponse { tags: page::listed(&policy.tags), is_truncated: Some(false), marker: None })
}

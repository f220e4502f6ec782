//! Roles, and who may assume them.

use model::estate::iam::Role;
use model::policy::PolicyCheck;
use model::{Fault, PolicyText, Tx};

use crate::page::{self, encoded, exists, in_use, no_such, taken};
use crate::profile::Profile;
use crate::shapes::*;
use crate::user::{boundary, boundary_shown};

pub(crate) fn find(tx: &Tx<'_>, name: &str) -> Result<Role, Fault> {
    tx.find_global::<Role>(name).cloned().ok_or_else(|| no_such("role", name))
}

/// A role that may be changed: those of AWS's own services are theirs alone.
pub(crate) fn modifiable(tx: &Tx<'_>, name: &str) -> Result<Role, Fault> {
    let role = find(tx, name)?;
    if role.path.starts_with("/aws-service-role/") {
        let message = format!(
            "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
        );
        return Err(Fault::client("UnmodifiableEntity", message));
    }
    Ok(role)
}

pub(crate) fn shape(role: &Role, detail: bool) -> crate::shapes::Role {
    crate::shapes::Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: role.arn(),
        create_date: role.created,
        assume_role_policy_document: Some(encoded(&role.trust.text)),
        description: role.description.clone(),
        max_session_duration: Some(role.max_session),
        permissions_boundary: if detail { boundary_shown(role.boundary.as_ref()) } else { None },
        tags: if detail { page::shown(&role.tags) } else { None },
        role_last_used: detail.then(RoleLastUsed::default),
        ..crate::shapes::Role::default()
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
pub(crate) fn create_role(tx: &mut Tx<'_>, input: CreateRoleRequest) -> Result<CreateRoleResponse, Fault> {
    let name = input.role_name;
    if taken::<Role>(tx, &name) {
        return Err(exists("Role", &name));
    }
    let path = input.path.unwrap_or_else(|| "/".to_owned());
    if path.starts_with("/aws-service-role/") {
        return Err(Fault::validation(
            "roles under /aws-service-role/ are made with CreateServiceLinkedRole",
        ));
    }
    tx.host().policies().check(PolicyCheck::Trust, &input.assume_role_policy_document)?;
    let role = Role {
        account: tx.account.clone(),
        path,
        id: page::id(tx, "AROA"),
        created: tx.now,
        description: input.description,
        max_session: input.max_session_duration.unwrap_or(3600),
        trust: PolicyText::new(input.assume_role_policy_document, tx.source.clone()),
        inline: Vec::new(),
        attached: Vec::new(),
        boundary: boundary(tx, input.permissions_boundary.as_deref())?,
        tags: page::tags_of(input.tags)?,
        last_used: None,
        name,
    };
    let shown = shape(&role, true);
    tx.put(role)?;
    Ok(CreateRoleResponse { role: shown })
}

pub(crate) fn get_role(tx: &mut Tx<'_>, input: GetRoleRequest) -> Result<GetRoleResponse, Fault> {
    Ok(GetRoleResponse { role: shape(&find(tx, &input.role_name)?, true) })
}

pub(crate) fn list_roles(tx: &mut Tx<'_>, input: ListRolesRequest) -> Result<ListRolesResponse, Fault> {
    let prefix = input.path_prefix.unwrap_or_default();
    let own = tx.list_global::<Role>().filter(|r| r.path.starts_with(&prefix));
    let (roles, is_truncated, marker) =
        page::page(own, |r| r.name.clone(), input.marker.as_deref(), input.max_items)?;
    Ok(ListRolesResponse {
        roles: roles.into_iter().map(|r| shape(r, false)).collect(),
        is_truncated,
        marker,
    })
}

pub(crate) fn update_role(tx: &mut Tx<'_>, input: UpdateRoleRequest) -> Result<UpdateRoleResponse, Fault> {
    let mut role = modifiable(tx, &input.role_name)?;
    role.description = input.description.or(role.description);
    role.max_session = input.max_session_duration.unwrap_or(role.max_session);
    tx.put(role)?;
    Ok(UpdateRoleResponse::default())
}

pub(crate) fn update_role_description(
    tx: &mut Tx<'_>,
    input: UpdateRoleDescriptionRequest,
) -> Result<UpdateRoleDescriptionResponse, Fault> {
    // All that may be changed of a service-linked role.
    let mut role = find(tx, &input.role_name)?;
    role.description = Some(input.description);
    let shown = shape(&role, true);
    tx.put(role)?;
    Ok(UpdateRoleDescriptionResponse { role: Some(shown) })
}

pub(crate) fn update_assume_role_policy(
    tx: &mut Tx<'_>,
    input: UpdateAssumeRolePolicyRequest,
) -> Result<(), Fault> {
    let mut role = modifiable(tx, &input.role_name)?;
    tx.host().policies().check(PolicyCheck::Trust, &input.policy_document)?;
    role.trust = PolicyText::new(input.policy_document, tx.source.clone());
    tx.put(role)
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>
pub(crate) fn delete_role(tx: &mut Tx<'_>, input: DeleteRoleRequest) -> Result<(), Fault> {
    let role = modifiable(tx, &input.role_name)?;
    if !role.inline.is_empty() {
        return Err(in_use("must delete policies first"));
    }
    if !role.attached.is_empty() {
        return Err(in_use("must detach all policies first"));
    }
    if tx.list_global::<Profile>().any(|p| p.role.as_ref() == Some(&role.name)) {
        return Err(in_use("must remove roles from instance profile first"));
    }
    tx.remove(&role)
}

pub(crate) fn tag_role(tx: &mut Tx<'_>, input: TagRoleRequest) -> Result<(), Fault> {
    let mut role = find(tx, &input.role_name)?;
    role.tags = page::tagged(role.tags, input.tags)?;
    tx.put(role)
}

pub(crate) fn untag_role(tx: &mut Tx<'_>, input: UntagRoleRequest) -> Result<(), Fault> {
    let mut role = find(tx, &input.role_name)?;
    role.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(role)
}

pub(crate) fn list_role_tags(
    tx: &mut Tx<'_>,
    input: ListRoleTagsRequest,
) -> Result<ListRoleTagsResponse, Fault> {
    Ok(ListRoleTagsResponse {
        tags: page::listed(&find(tx, &input.role_name)?.tags),
        is_truncated: Some(false),
        marker: None,
    })
}

pub(crate) fn put_role_permissions_boundary(
    tx: &mut Tx<'_>,
    input: PutRolePermissionsBoundaryRequest,
) -> Result<(), Fault> {
    let mut role = modifiable(tx, &input.role_name)?;
    role.boundary = boundary(tx, Some(&input.permissions_boundary))?;
    tx.put(role)
}

pub(crate) fn delete_role_permissions_boundary(
    tx: &mut Tx<'_>,
    input: DeleteRolePermissionsBoundaryRequest,
) -> Result<(), Fault> {
    let mut role = modifiable(tx, &input.role_name)?;
    role.boundary = None;
    tx.put(role)
}

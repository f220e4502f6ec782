//! Users.

use model::estate::iam::{AccessKey, ManagedPolicy, User};
use model::{CallerKind, Fault, Tx};

use crate::page::{self, Page, exists, in_use, no_such, taken};
use crate::shapes::*;
use crate::{login, mfa};

pub(crate) fn find(tx: &Tx<'_>, name: &str) -> Result<User, Fault> {
    tx.find_global::<User>(name).cloned().ok_or_else(|| no_such("user", name))
}

/// A boundary must name a policy that is there.
pub(crate) fn boundary(tx: &Tx<'_>, arn: Option<&str>) -> Result<Option<String>, Fault> {
    let Some(arn) = arn else { return Ok(None) };
    match tx.find_arn::<ManagedPolicy>(arn) {
        Some(_) => Ok(Some(arn.to_owned())),
        None => Err(Fault::new(
            "NoSuchEntity",
            404,
            format!("Scope ARN: {arn} does not exist or is not attachable."),
        )),
    }
}

pub(crate) fn boundary_shown(arn: Option<&String>) -> Option<AttachedPermissionsBoundary> {
    arn.map(|arn| AttachedPermissionsBoundary {
        permissions_boundary_type: Some("PermissionsBoundaryPolicy".to_owned()),
        permissions_boundary_arn: Some(arn.clone()),
    })
}

pub(crate) fn shape(user: &User, detail: bool) -> crate::shapes::User {
    crate::shapes::User {
        path: user.path.clone(),
        user_name: user.name.clone(),
        user_id: user.id.clone(),
        arn: user.arn(),
        create_date: user.created,
        password_last_used: None,
        permissions_boundary: if detail { boundary_shown(user.boundary.as_ref()) } else { None },
        tags: if detail { page::shown(&user.tags) } else { None },
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html>
pub(crate) fn create_user(tx: &mut Tx<'_>, input: CreateUserRequest) -> Result<CreateUserResponse, Fault> {
    let name = input.user_name;
    if taken::<User>(tx, &name) {
        return Err(exists("User", &name));
    }
    let user = User {
        account: tx.account.clone(),
        path: input.path.unwrap_or_else(|| "/".to_owned()),
        id: page::id(tx, "AIDA"),
        created: tx.now,
        inline: Vec::new(),
        attached: Vec::new(),
        groups: Vec::new(),
        boundary: boundary(tx, input.permissions_boundary.as_deref())?,
        tags: page::tags_of(input.tags)?,
        name,
    };
    let shown = shape(&user, true);
    tx.put(user)?;
    Ok(CreateUserResponse { user: Some(shown) })
}

/// The user named, or the caller.
pub(crate) fn named_or_caller(tx: &Tx<'_>, name: Option<String>) -> Result<String, Fault> {
    match (name, &tx.caller().kind) {
        (Some(name), _) => Ok(name),
        (None, CallerKind::User { name }) => Ok(name.clone()),
        (None, _) => Err(Fault::validation("Must specify userName when calling with non-User credentials")),
    }
}

pub(crate) fn get_user(tx: &mut Tx<'_>, input: GetUserRequest) -> Result<GetUserResponse, Fault> {
    let name = named_or_caller(tx, input.user_name)?;
    Ok(GetUserResponse { user: shape(&find(tx, &name)?, true) })
}

pub(crate) fn list_users(tx: &mut Tx<'_>, input: ListUsersRequest) -> Result<ListUsersResponse, Fault> {
    let prefix = input.path_prefix.unwrap_or_default();
    let own = tx.list_global::<User>().filter(|u| u.path.starts_with(&prefix));
    let (users, is_truncated, marker): Page<&User> =
        page::page(own, |u| u.name.clone(), input.marker.as_deref(), input.max_items)?;
    Ok(ListUsersResponse {
        users: users.into_iter().map(|u| shape(u, false)).collect(),
        is_truncated,
        marker,
    })
}

pub(crate) fn update_user(tx: &mut Tx<'_>, input: UpdateUserRequest) -> Result<(), Fault> {
    let old = find(tx, &input.user_name)?;
    let mut user = old.clone();
    if let Some(path) = input.new_path {
        user.path = path;
    }
    if let Some(name) = input.new_user_name.filter(|n| *n != old.name) {
        if !name.eq_ignore_ascii_case(&old.name) && taken::<User>(tx, &name) {
            return Err(exists("User", &name));
        }
        let keys: Vec<AccessKey> =
            tx.list_global::<AccessKey>().filter(|k| k.user.as_ref() == Some(&old.name)).cloned().collect();
        for mut key in keys {
            key.user = Some(name.clone());
            tx.put(key)?;
        }
        mfa::renamed(tx, &old, &name)?;
        login::renamed(tx, &old, &name)?;
        tx.remove(&old)?;
        user.name = name;
    }
    tx.put(user)
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html>
pub(crate) fn delete_user(tx: &mut Tx<'_>, input: DeleteUserRequest) -> Result<(), Fault> {
    let user = find(tx, &input.user_name)?;
    if tx.list_global::<AccessKey>().any(|k| k.user.as_ref() == Some(&user.name)) {
        return Err(in_use("must delete access keys first"));
    }
    if login::of_user(tx, &user.name).is_some() {
        return Err(in_use("must delete login profile first"));
    }
    if mfa::of_user(tx, &user.name).next().is_some() {
        return Err(in_use("must delete MFA device first"));
    }
    if !user.inline.is_empty() {
        return Err(in_use("must delete policies first"));
    }
    if !user.attached.is_empty() {
        return Err(in_use("must detach all policies first"));
    }
    if !user.groups.is_empty() {
        return Err(in_use("must remove users from group first"));
    }
    tx.remove(&user)
}

pub(crate) fn tag_user(tx: &mut Tx<'_>, input: TagUserRequest) -> Result<(), Fault> {
    let mut user = find(tx, &input.user_name)?;
    user.tags = page::tagged(user.tags, input.tags)?;
    tx.put(user)
}

pub(crate) fn untag_user(tx: &mut Tx<'_>, input: UntagUserRequest) -> Result<(), Fault> {
    let mut user = find(tx, &input.user_name)?;
    user.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(user)
}

pub(crate) fn list_user_tags(
    tx: &mut Tx<'_>,
    input: ListUserTagsRequest,
) -> Result<ListUserTagsResponse, Fault> {
    Ok(ListUserTagsResponse {
        tags: page::listed(&find(tx, &input.user_name)?.tags),
        is_truncated: Some(false),
        marker: None,
    })
}

pub(crate) fn put_user_permissions_boundary(
    tx: &mut Tx<'_>,
    input: PutUserPermissionsBoundaryRequest,
) -> Result<(), Fault> {
    let mut user = find(tx, &input.user_name)?;
    user.boundary = boundary(tx, Some(&input.permissions_boundary))?;
    tx.put(user)
}

pub(crate) fn delete_user_permissions_boundary(
    tx: &mut Tx<'_>,
    input: DeleteUserPermissionsBoundaryRequest,
) -> Result<(), Fault> {
    let mut user = find(tx, &input.user_name)?;
    user.boundary = None;
    tx.put(user)
}

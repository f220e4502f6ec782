//! Groups of users.

use model::estate::iam::Group;
use model::{Fault, Tx};

use crate::page::{self, exists, in_use, no_such, taken};
use crate::shapes::*;
use crate::user;

pub(crate) fn find(tx: &Tx<'_>, name: &str) -> Result<Group, Fault> {
    tx.find_global::<Group>(name).cloned().ok_or_else(|| no_such("group", name))
}

fn shape(group: &Group) -> crate::shapes::Group {
    crate::shapes::Group {
        path: group.path.clone(),
        group_name: group.name.clone(),
        group_id: group.id.clone(),
        arn: group.arn(),
        create_date: group.created,
    }
}

pub(crate) fn create_group(tx: &mut Tx<'_>, input: CreateGroupRequest) -> Result<CreateGroupResponse, Fault> {
    if taken::<Group>(tx, &input.group_name) {
        return Err(exists("Group", &input.group_name));
    }
    let group = Group {
        account: tx.account.clone(),
        name: input.group_name,
        path: input.path.unwrap_or_else(|| "/".to_owned()),
        id: page::id(tx, "AGPA"),
        created: tx.now,
        inline: Vec::new(),
        attached: Vec::new(),
    };
    let shown = shape(&group);
    tx.put(group)?;
    Ok(CreateGroupResponse { group: shown })
}

pub(crate) fn get_group(tx: &mut Tx<'_>, input: GetGroupRequest) -> Result<GetGroupResponse, Fault> {
    let group = find(tx, &input.group_name)?;
    let members = group.members(tx.snapshot());
    let (users, is_truncated, marker) =
        page::page(members, |u| u.name.clone(), input.marker.as_deref(), input.max_items)?;
    Ok(GetGroupResponse {
        group: shape(&group),
        users: users.into_iter().map(|u| user::shape(u, false)).collect(),
        is_truncated,
        marker,
    })
}

pub(crate) fn update_group(tx: &mut Tx<'_>, input: UpdateGroupRequest) -> Result<(), Fault> {
    let old = find(tx, &input.group_name)?;
    let mut group = old.clone();
    group.path = input.new_path.unwrap_or(group.path);
    if let Some(name) = input.new_group_name.filter(|name| *name != old.name) {
        if !name.eq_ignore_ascii_case(&old.name) && taken::<Group>(tx, &name) {
            return Err(exists("Group", &name));
        }
        for mut user in old.members(tx.snapshot()).cloned().collect::<Vec<_>>() {
            user.groups
                .iter_mut()
                .filter(|group| **group == old.name)
                .for_each(|group| group.clone_from(&name));
            user.groups.sort();
            tx.put(user)?;
        }
        group.name = name;
    }
    tx.remove(&old)?;
    tx.put(group)
}

pub(crate) fn list_groups(tx: &mut Tx<'_>, input: ListGroupsRequest) -> Result<ListGroupsResponse, Fault> {
    let prefix = input.path_prefix.unwrap_or_default();
    let own = tx.list_global::<Group>().filter(|g| g.path.starts_with(&prefix));
    let (groups, is_truncated, marker) =
        page::page(own, |g| g.name.clone(), input.marker.as_deref(), input.max_items)?;
    Ok(ListGroupsResponse { groups: groups.into_iter().map(shape).collect(), is_truncated, marker })
}

pub(crate) fn delete_group(tx: &mut Tx<'_>, input: DeleteGroupRequest) -> Result<(), Fault> {
    let group = find(tx, &input.group_name)?;
    if group.members(tx.snapshot()).next().is_some() {
        return Err(in_use("must remove users from group first"));
    }
    if !group.inline.is_empty() || !group.attached.is_empty() {
        return Err(in_use("must delete or detach policies first"));
    }
    tx.remove(&group)
}

pub(crate) fn add_user_to_group(tx: &mut Tx<'_>, input: AddUserToGroupRequest) -> Result<(), Fault> {
    let group = find(tx, &input.group_name)?;
    let mut user = user::find(tx, &input.user_name)?;
    if user.groups.contains(&group.name) {
        return Ok(());
    }
    user.groups.push(group.name);
    user.groups.sort();
    tx.put(user)
}

pub(crate) fn remove_user_from_group(
    tx: &mut Tx<'_>,
    input: RemoveUserFromGroupRequest,
) -> Result<(), Fault> {
    let group = find(tx, &input.group_name)?;
    let mut user = user::find(tx, &input.user_name)?;
    user.groups.retain(|name| *name != group.name);
    tx.put(user)
}

pub(crate) fn list_groups_for_user(
    tx: &mut Tx<'_>,
    input: ListGroupsForUserRequest,
) -> Result<ListGroupsForUserResponse, Fault> {
    let user = user::find(tx, &input.user_name)?;
    let own = user.in_groups(tx.snapshot());
    let (groups, is_truncated, marker) =
        page::page(own, |g| g.name.clone(), input.marker.as_deref(), input.max_items)?;
    Ok(ListGroupsForUserResponse { groups: groups.into_iter().map(shape).collect(), is_truncated, marker })
}

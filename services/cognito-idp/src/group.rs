//! Groups of users, with the roles that identity pools take from them.

use model::{AccountId, Fault, Node, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::fault::no_group;
use crate::shapes::*;
use crate::user::{self, User};
use crate::{page, pool};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) pool: String,
    pub(crate) name: String,
    /// `POOL/NAME`.
    pub(crate) key: String,
    pub(crate) description: Option<String>,
    pub(crate) role: Option<String>,
    /// The lower, the stronger.
    pub(crate) precedence: Option<i64>,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
}

impl Node for Group {
    const KIND: &'static str = "AWS::Cognito::UserPoolGroup";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.key
    }
}

fn find(tx: &Tx<'_>, pool: &str, name: &str) -> Result<Group, Fault> {
    pool::find(tx, pool)?;
    tx.find::<Group>(&format!("{pool}/{name}")).cloned().ok_or_else(no_group)
}

fn of_pool<'s>(tx: &'s Tx<'_>, pool: &'s str) -> impl Iterator<Item = &'s Group> {
    tx.list::<Group>().filter(move |g| g.pool == pool)
}

/// The user's groups, the strongest first.
pub(crate) fn of_user(tx: &Tx<'_>, user: &User) -> Vec<Group> {
    let found = |name: &String| tx.find::<Group>(&format!("{}/{name}", user.pool)).cloned();
    let mut groups: Vec<Group> = user.groups.iter().filter_map(found).collect();
    groups.sort_by_key(|g| (g.precedence.unwrap_or(i64::MAX), g.name.clone()));
    groups
}

fn shape(group: &Group) -> GroupType {
    GroupType {
        group_name: Some(group.name.clone()),
        user_pool_id: Some(group.pool.clone()),
        description: group.description.clone(),
        role_arn: group.role.clone(),
        precedence: group.precedence,
        last_modified_date: Some(group.modified),
        creation_date: Some(group.created),
    }
}

pub(crate) fn create_group(tx: &mut Tx<'_>, input: CreateGroupRequest) -> Result<CreateGroupResponse, Fault> {
    pool::find(tx, &input.user_pool_id)?;
    let key = format!("{}/{}", input.user_pool_id, input.group_name);
    if tx.find::<Group>(&key).is_some() {
        return Err(Fault::client("GroupExistsException", "A group with the name already exists."));
    }
    let group = Group {
        account: tx.account.clone(),
        region: tx.region.clone(),
        pool: input.user_pool_id,
        name: input.group_name,
        key,
        description: input.description,
        role: input.role_arn,
        precedence: input.precedence,
        created: tx.now,
        modified: tx.now,
    };
    let shown = shape(&group);
    tx.put(group)?;
    Ok(CreateGroupResponse { group: Some(shown) })
}

pub(crate) fn get_group(tx: &mut Tx<'_>, input: GetGroupRequest) -> Result<GetGroupResponse, Fault> {
    let group = find(tx, &input.user_pool_id, &input.group_name)?;
    Ok(GetGroupResponse { group: Some(shape(&group)) })
}

pub(crate) fn update_group(tx: &mut Tx<'_>, input: UpdateGroupRequest) -> Result<UpdateGroupResponse, Fault> {
    let mut group = find(tx, &input.user_pool_id, &input.group_name)?;
    group.description = input.description.or(group.description);
    group.role = input.role_arn.or(group.role);
    group.precedence = input.precedence.or(group.precedence);
    group.modified = tx.now;
    let shown = shape(&group);
    tx.put(group)?;
    Ok(UpdateGroupResponse { group: Some(shown) })
}

pub(crate) fn delete_group(tx: &mut Tx<'_>, input: DeleteGroupRequest) -> Result<(), Fault> {
    let group = find(tx, &input.user_pool_id, &input.group_name)?;
    for sub in user::members(tx, &group.pool, &group.name)? {
        if let Some(mut user) = user::load(tx, &group.pool, &sub)? {
            leave(tx, &mut user, &group.name)?;
            user::save(tx, &user)?;
        }
    }
    tx.remove(&group)
}

fn leave(tx: &mut Tx<'_>, user: &mut User, group: &str) -> Result<(), Fault> {
    user.groups.retain(|g| g != group);
    user::set_member(tx, user, group, false)
}

pub(crate) fn list_groups(tx: &mut Tx<'_>, input: ListGroupsRequest) -> Result<ListGroupsResponse, Fault> {
    pool::find(tx, &input.user_pool_id)?;
    let groups = of_pool(tx, &input.user_pool_id).map(|g| (g.name.clone(), shape(g)));
    let page = page::of(groups, input.next_token.as_deref(), input.limit)?;
    Ok(ListGroupsResponse { groups: Some(page.items), next_token: page.next })
}

pub(crate) fn admin_add_user_to_group(
    tx: &mut Tx<'_>,
    input: AdminAddUserToGroupRequest,
) -> Result<(), Fault> {
    let pool = pool::find(tx, &input.user_pool_id)?;
    let mut user = user::named(tx, &pool, &input.username)?;
    let group = find(tx, &input.user_pool_id, &input.group_name)?;
    if !user.groups.contains(&group.name) {
        user.groups.push(group.name.clone());
    }
    user::set_member(tx, &user, &group.name, true)?;
    user::save(tx, &user)
}

pub(crate) fn admin_remove_user_from_group(
    tx: &mut Tx<'_>,
    input: AdminRemoveUserFromGroupRequest,
) -> Result<(), Fault> {
    let pool = pool::find(tx, &input.user_pool_id)?;
    let mut user = user::named(tx, &pool, &input.username)?;
    let group = find(tx, &input.user_pool_id, &input.group_name)?;
    leave(tx, &mut user, &group.name)?;
    user::save(tx, &user)
}

pub(crate) fn admin_list_groups_for_user(
    tx: &mut Tx<'_>,
    input: AdminListGroupsForUserRequest,
) -> Result<AdminListGroupsForUserResponse, Fault> {
    let pool = pool::find(tx, &input.user_pool_id)?;
    let user = user::named(tx, &pool, &input.username)?;
    let mut groups = of_user(tx, &user);
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    let groups = groups.iter().map(|g| (g.name.clone(), shape(g)));
    let page = page::of(groups, input.next_token.as_deref(), input.limit)?;
    Ok(AdminListGroupsForUserResponse { groups: Some(page.items), next_token: page.next })
}

pub(crate) fn list_users_in_group(
    tx: &mut Tx<'_>,
    input: ListUsersInGroupRequest,
) -> Result<ListUsersInGroupResponse, Fault> {
    let group = find(tx, &input.user_pool_id, &input.group_name)?;
    let members = user::members(tx, &group.pool, &group.name)?.into_iter().map(|sub| (sub.clone(), sub));
    let page = page::of(members, input.next_token.as_deref(), input.limit)?;
    let mut users = Vec::new();
    for sub in page.items {
        users.extend(user::load(tx, &group.pool, &sub)?.map(|u| user::shape(&u)));
    }
    Ok(ListUsersInGroupResponse { users: Some(users), next_token: page.next })
}

pub(crate) fn remove_all(tx: &mut Tx<'_>, pool: &str) -> Result<(), Fault> {
    let groups: Vec<Group> = of_pool(tx, pool).cloned().collect();
    groups.iter().try_for_each(|group| tx.remove(group))
}

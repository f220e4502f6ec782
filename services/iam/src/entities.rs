//! Who has a managed policy: attached, or as the boundary.

use model::estate::iam::{Group, Role, User};
use model::{Fault, Tx};

use crate::page::{self, Page};
use crate::policy;
use crate::shapes::*;

/// In the order of the answer's lists.
enum Entity {
    Group(PolicyGroup),
    User(PolicyUser),
    Role(PolicyRole),
}

/// What is looked for.
struct Wanted<'a> {
    arn: &'a str,
    input: &'a ListEntitiesForPolicyRequest,
}

impl Wanted<'_> {
    fn kind(&self, kind: &str) -> bool {
        self.input.entity_filter.as_deref().is_none_or(|filter| filter == kind)
    }

    fn is(&self, path: &str, attached: &[String], boundary: Option<&String>) -> bool {
        let usage = self.input.policy_usage_filter.as_deref();
        let holds = usage != Some("PermissionsBoundary") && attached.iter().any(|arn| arn == self.arn);
        let bounded = usage != Some("PermissionsPolicy") && boundary.is_some_and(|arn| arn == self.arn);
        path.starts_with(self.input.path_prefix.as_deref().unwrap_or_default()) && (holds || bounded)
    }
}

fn groups(tx: &Tx<'_>, wanted: &Wanted<'_>, found: &mut Vec<(String, Entity)>) {
    for group in tx.list_global::<Group>().filter(|g| wanted.is(&g.path, &g.attached, None)) {
        let (group_name, group_id) = (Some(group.name.clone()), Some(group.id.clone()));
        found.push((format!("1{}", group.name), Entity::Group(PolicyGroup { group_name, group_id })));
    }
}

fn users(tx: &Tx<'_>, wanted: &Wanted<'_>, found: &mut Vec<(String, Entity)>) {
    for user in tx.list_global::<User>().filter(|u| wanted.is(&u.path, &u.attached, u.boundary.as_ref())) {
        let (user_name, user_id) = (Some(user.name.clone()), Some(user.id.clone()));
        found.push((format!("2{}", user.name), Entity::User(PolicyUser { user_name, user_id })));
    }
}

fn roles(tx: &Tx<'_>, wanted: &Wanted<'_>, found: &mut Vec<(String, Entity)>) {
    for role in tx.list_global::<Role>().filter(|r| wanted.is(&r.path, &r.attached, r.boundary.as_ref())) {
        let (role_name, role_id) = (Some(role.name.clone()), Some(role.id.clone()));
        found.push((format!("3{}", role.name), Entity::Role(PolicyRole { role_name, role_id })));
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>
pub(crate) fn list_entities_for_policy(
    tx: &mut Tx<'_>,
    input: ListEntitiesForPolicyRequest,
) -> Result<ListEntitiesForPolicyResponse, Fault> {
    let arn = policy::find(tx, &input.policy_arn)?.arn();
    let wanted = Wanted { arn: &arn, input: &input };
    let mut found = Vec::new();
    if wanted.kind("Group") {
        groups(tx, &wanted, &mut found);
    }
    if wanted.kind("User") {
        users(tx, &wanted, &mut found);
    }
    if wanted.kind("Role") {
        roles(tx, &wanted, &mut found);
    }
    let (entities, is_truncated, marker): Page<(String, Entity)> =
        page::page(found.into_iter(), |(name, _)| name.clone(), input.marker.as_deref(), input.max_items)?;
    let (mut policy_groups, mut policy_users, mut policy_roles) = (Vec::new(), Vec::new(), Vec::new());
    for (_, entity) in entities {
        match entity {
            Entity::Group(group) => policy_groups.push(group),
            Entity::User(user) => policy_users.push(user),
            Entity::Role(role) => policy_roles.push(role),
        }
    }
    Ok(ListEntitiesForPolicyResponse {
        policy_groups: Some(policy_groups),
        policy_users: Some(policy_users),
        policy_roles: Some(policy_roles),
        is_truncated,
        marker,
    })
}

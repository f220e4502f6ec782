//! CloudFormation's types that stand for a tie between two things: one policy inside one user, group
//! or role, and the membership of users in a group.

use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Value as Json, json};

use crate::provider::{ignore_missing, strings};

fn kind_of(deploy: &Deploy<'_>) -> &'static str {
    let kinds = ["User", "Group", "Role"];
    kinds.into_iter().find(|k| deploy.property(&format!("{k}Name")).is_some()).unwrap_or("Role")
}

/// The id is `POLICY|HOLDER`, as CloudFormation joins the parts of a resource's identifier.
pub(crate) fn put(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let kind = kind_of(deploy);
    let member = format!("{kind}Name");
    let holder = deploy.text(&member).unwrap_or_default().to_owned();
    let name = deploy.text("PolicyName").unwrap_or_default().to_owned();
    let document = deploy.property("PolicyDocument").map(ToString::to_string);
    tx.source = deploy.source("/PolicyDocument");
    let input = json!({member: holder, "PolicyName": name, "PolicyDocument": document});
    let done = deploy.call(tx, "iam", &format!("Put{kind}Policy"), input);
    tx.source = None;
    done?;
    Ok(Physical::new(format!("{name}|{holder}")))
}

pub(crate) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let kind = kind_of(deploy);
    let member = format!("{kind}Name");
    let holder = deploy.text(&member).unwrap_or_default();
    let input = json!({member.as_str(): holder, "PolicyName": deploy.text("PolicyName")});
    ignore_missing(deploy.call(tx, "iam", &format!("Delete{kind}Policy"), input))
}

pub(crate) fn add_members(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let group = deploy.text("GroupName").unwrap_or_default().to_owned();
    for user in strings(deploy.property("Users")) {
        deploy.call(tx, "iam", "AddUserToGroup", json!({"GroupName": group, "UserName": user}))?;
    }
    let id = deploy.physical.map(|p| p.id.clone());
    Ok(Physical::new(id.unwrap_or_else(|| deploy.name(tx, 64))))
}

pub(crate) fn update_members(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let physical = add_members(tx, deploy)?;
    let wanted = strings(deploy.property("Users"));
    let group = deploy.text("GroupName").unwrap_or_default().to_owned();
    if let Some(previous) = deploy.previous {
        let before = previous.get("GroupName").and_then(Json::as_str).unwrap_or_default();
        let gone = |user: &String| before != group || !wanted.contains(user);
        for user in strings(previous.get("Users")).into_iter().filter(gone) {
            remove(tx, deploy, before, &user)?;
        }
    }
    Ok(physical)
}

pub(crate) fn remove_members(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let group = deploy.text("GroupName").unwrap_or_default().to_owned();
    for user in strings(deploy.property("Users")) {
        remove(tx, deploy, &group, &user)?;
    }
    Ok(())
}

fn remove(tx: &mut Tx<'_>, deploy: &Deploy<'_>, group: &str, user: &str) -> Result<(), Fault> {
    let input = json!({"GroupName": group, "UserName": user});
    ignore_missing(deploy.call(tx, "iam", "RemoveUserFromGroup", input))
}

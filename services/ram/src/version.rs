//! Customer managed permissions and their versions.

use model::estate::ram::{Permission, ResourceType, Share, TYPES, Version, actions_of};
use model::policy::PolicyCheck;
use model::{Fault, Tags, Tx};
use serde_json::{Value as Json, json};

use crate::fault::{invalid, not_permitted, unknown};
use crate::permission::{Found, customer, find};
use crate::shapes::*;
use crate::tag;

/// Versions that one permission may have.
const VERSIONS: usize = 5;
/// Permissions that an account may have in a region.
const MOST: usize = 500;

fn bad_template(why: &str) -> Fault {
    Fault::client("MalformedPolicyTemplateException", format!("The policy template is not valid: {why}."))
}

/// A statement without principal and resource that grants no more than the type lets be shared.
fn checked(tx: &Tx<'_>, of: &ResourceType, template: &str) -> Result<String, Fault> {
    let mut parsed: Json =
        serde_json::from_str(template).map_err(|_| bad_template("it is no JSON document"))?;
    let members = parsed.as_object_mut().ok_or_else(|| bad_template("it is no JSON object"))?;
    members.entry("Effect").or_insert(json!("Allow"));
    if let Some(other) = members.keys().find(|k| !matches!(k.as_str(), "Effect" | "Action" | "Condition")) {
        return Err(bad_template(&format!("it must not have the element {other}")));
    }
    if members.get("Effect") != Some(&json!("Allow")) {
        return Err(bad_template("its effect must be Allow"));
    }
    let text = parsed.to_string();
    let actions = actions_of(&parsed);
    if actions.is_empty() {
        return Err(bad_template("it must have actions"));
    }
    let known = |action: &&&str| !of.actions.iter().any(|a| a.eq_ignore_ascii_case(action));
    if let Some(action) = actions.iter().find(known) {
        let message = format!("The action {action} cannot be granted for the resource type {}.", of.name);
        return Err(Fault::client("InvalidPolicyException", message));
    }
    let mut statement = parsed.clone();
    if let Some(members) = statement.as_object_mut() {
        members.insert("Principal".to_owned(), json!("*"));
        members.insert("Resource".to_owned(), json!("*"));
    }
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let refused = |f: Fault| Fault::client("InvalidPolicyException", f.message);
    tx.host().policies().check(PolicyCheck::Resource, &policy).map_err(refused)?;
    Ok(text)
}

fn type_named(name: &str) -> Result<&'static ResourceType, Fault> {
    let found = TYPES.iter().find(|t| t.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| invalid(format!("The resource type {name} is not valid.")))
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_CreatePermission.html>
pub(crate) fn create_permission(
    tx: &mut Tx<'_>,
    input: CreatePermissionRequest,
) -> Result<CreatePermissionResponse, Fault> {
    let of = type_named(&input.resource_type)?;
    let template = checked(tx, of, &input.policy_template)?;
    if tx.find::<Permission>(&input.name).is_some() {
        let message = format!("A permission with the name {} already exists.", input.name);
        return Err(Fault::new("PermissionAlreadyExistsException", 409, message));
    }
    if tx.list::<Permission>().count() >= MOST {
        let message = "The account has the maximum number of customer managed permissions.";
        return Err(Fault::client("PermissionLimitExceededException", message));
    }
    let mut made = Permission {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name: input.name,
        resource_type: of.name.to_owned(),
        versions: vec![Version { number: 1, template, created: tx.now }],
        default_version: 1,
        next_version: 2,
        created: tx.now,
        tags: Tags::new(),
    };
    tag::add(&mut made.tags, input.tags.unwrap_or_default())?;
    tx.put(made.clone())?;
    let permission = Found::Own(made).summary(1);
    Ok(CreatePermissionResponse { permission, client_token: input.client_token })
}

/// A permission that the account may change.
fn own(tx: &Tx<'_>, arn: &str) -> Result<Permission, Fault> {
    match find(tx, arn) {
        Ok(Found::Aws(_)) => Err(not_permitted("An AWS managed permission cannot be changed.")),
        _ => customer(tx, arn),
    }
}

/// The new version is the default one. Shares keep the version that they have.
///
/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_CreatePermissionVersion.html>
pub(crate) fn create_permission_version(
    tx: &mut Tx<'_>,
    input: CreatePermissionVersionRequest,
) -> Result<CreatePermissionVersionResponse, Fault> {
    let mut permission = own(tx, &input.permission_arn)?;
    let template = checked(tx, type_named(&permission.resource_type)?, &input.policy_template)?;
    if permission.versions.len() >= VERSIONS {
        let message = "A permission can have up to five versions. Delete one that is not used.";
        return Err(Fault::client("PermissionVersionsLimitExceededException", message));
    }
    let number = permission.next_version;
    permission.next_version = number.saturating_add(1);
    permission.versions.push(Version { number, template, created: tx.now });
    permission.default_version = number;
    tx.put(permission.clone())?;
    let permission = Found::Own(permission).detail(number);
    Ok(CreatePermissionVersionResponse { permission, client_token: input.client_token })
}

fn used(tx: &Tx<'_>, arn: &str, version: Option<i64>) -> bool {
    let uses =
        |s: &Share| s.permissions.iter().any(|p| p.arn == arn && version.is_none_or(|v| v == p.version));
    tx.list::<Share>().filter(|s| s.deleted.is_none()).any(uses)
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_DeletePermission.html>
pub(crate) fn delete_permission(
    tx: &mut Tx<'_>,
    input: DeletePermissionRequest,
) -> Result<DeletePermissionResponse, Fault> {
    let permission = own(tx, &input.permission_arn)?;
    if used(tx, &input.permission_arn, None) {
        return Err(not_permitted("The permission is associated with a resource share."));
    }
    tx.remove(&permission)?;
    Ok(DeletePermissionResponse {
        return_value: Some(true),
        client_token: input.client_token,
        permission_status: Some("DELETED".to_owned()),
    })
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_DeletePermissionVersion.html>
pub(crate) fn delete_permission_version(
    tx: &mut Tx<'_>,
    input: DeletePermissionVersionRequest,
) -> Result<DeletePermissionVersionResponse, Fault> {
    let mut permission = own(tx, &input.permission_arn)?;
    let number = version(&permission, input.permission_version)?;
    if number == permission.default_version || used(tx, &input.permission_arn, Some(number)) {
        let message = "The version is the default one, or it is associated with a resource share.";
        return Err(not_permitted(message));
    }
    permission.versions.retain(|v| v.number != number);
    tx.put(permission)?;
    Ok(DeletePermissionVersionResponse {
        return_value: Some(true),
        client_token: input.client_token,
        permission_status: Some("DELETED".to_owned()),
    })
}

fn version(permission: &Permission, number: i64) -> Result<i64, Fault> {
    let missing = || unknown(&format!("Version {number} of permission {}", permission.arn()));
    permission.version(number).map(|v| v.number).ok_or_else(missing)
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_SetDefaultPermissionVersion.html>
pub(crate) fn set_default_permission_version(
    tx: &mut Tx<'_>,
    input: SetDefaultPermissionVersionRequest,
) -> Result<SetDefaultPermissionVersionResponse, Fault> {
    let mut permission = own(tx, &input.permission_arn)?;
    permission.default_version = version(&permission, input.permission_version)?;
    tx.put(permission)?;
    Ok(SetDefaultPermissionVersionResponse { return_value: Some(true), client_token: input.client_token })
}

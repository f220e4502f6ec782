//! `AWS::IAM::*` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Value as Json, json};

use crate::{inline, trusted};

const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";

macro_rules! resource {
    ($name:literal, $create:path, $update:path, $delete:path) => {
        Resource { type_name: $name, create: $create, update: $update, delete: $delete, ready: None }
    };
}

pub(crate) const RESOURCES: &[Resource] = &[
    resource!("AWS::IAM::User", create_user, update_user, delete_user),
    resource!("AWS::IAM::Group", create_group, update_group, delete_group),
    resource!("AWS::IAM::Role", create_role, update_role, delete_role),
    resource!("AWS::IAM::Policy", put_policy, update_policy, delete_policy),
    resource!("AWS::IAM::ManagedPolicy", create_managed, update_managed, delete_managed),
    resource!("AWS::IAM::InstanceProfile", create_profile, update_profile, delete_profile),
    resource!("AWS::IAM::UserPolicy", inline::put, inline::put, inline::delete),
    resource!("AWS::IAM::GroupPolicy", inline::put, inline::put, inline::delete),
    resource!("AWS::IAM::RolePolicy", inline::put, inline::put, inline::delete),
    resource!(
        "AWS::IAM::UserToGroupAddition",
        inline::add_members,
        inline::update_members,
        inline::remove_members
    ),
    resource!("AWS::IAM::OIDCProvider", trusted::create_oidc, trusted::update_oidc, trusted::delete_oidc),
    resource!("AWS::IAM::SAMLProvider", trusted::create_saml, trusted::update_saml, trusted::delete_saml),
    resource!(
        "AWS::IAM::ServiceLinkedRole",
        trusted::create_linked,
        trusted::update_linked,
        trusted::delete_linked
    ),
    resource!(
        "AWS::IAM::VirtualMFADevice",
        trusted::create_device,
        trusted::update_device,
        trusted::delete_device
    ),
    resource!("AWS::IAM::AccessKey", create_key, update_key, delete_key),
];

pub(crate) fn call(tx: &mut Tx<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    tx.call(CLOUDFORMATION, "iam", operation, without_nulls(input))
}

/// Absent properties are absent members.
fn without_nulls(input: Json) -> Value {
    match input {
        Json::Object(map) => {
            Value::from_json(Json::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect()))
        }
        other => Value::from_json(other),
    }
}

pub(crate) fn ignore_missing(outcome: Result<Value, Fault>) -> Result<(), Fault> {
    match outcome {
        Err(fault) if fault.code != "NoSuchEntity" => Err(fault),
        _ => Ok(()),
    }
}

pub(crate) fn id(deploy: &Deploy<'_>) -> Result<String, Fault> {
    deploy.physical.map(|p| p.id.clone()).ok_or_else(|| Fault::internal("the resource has no physical id"))
}

pub(crate) fn tags(deploy: &Deploy<'_>) -> Json {
    let mut tags: Vec<Json> = deploy.tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
    tags.extend(deploy.property("Tags").and_then(Json::as_array).cloned().unwrap_or_default());
    if tags.is_empty() { Json::Null } else { Json::Array(tags) }
}

/// Brings the tags of a principal or policy, named by `member`, to what the stack and the properties say.
pub(crate) fn retag(
    tx: &mut Tx<'_>,
    deploy: &Deploy<'_>,
    kind: &str,
    named: (&str, &str),
) -> Result<(), Fault> {
    if deploy.previous.and_then(|p| p.get("Tags")) == deploy.property("Tags") {
        return Ok(());
    }
    let (member, id) = named;
    let gone = deploy.stale_tags("Tags");
    if !gone.is_empty() {
        call(tx, &format!("Untag{kind}"), json!({member: id, "TagKeys": gone}))?;
    }
    let wanted = deploy.tags_with("Tags");
    let wanted: Vec<Json> = wanted.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
    call(tx, &format!("Tag{kind}"), json!({member: id, "Tags": wanted})).map(drop)
}

pub(crate) fn strings(value: Option<&Json>) -> Vec<String> {
    value.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}

/// Brings the policies of a principal to what the properties say.
fn policies(tx: &mut Tx<'_>, deploy: &Deploy<'_>, kind: &str, name: &str) -> Result<(), Fault> {
    let member = format!("{kind}Name");
    let (wanted, had) =
        (deploy.property("ManagedPolicyArns"), deploy.previous.and_then(|p| p.get("ManagedPolicyArns")));
    let (wanted, had) = (strings(wanted), strings(had));
    for arn in wanted.iter().filter(|a| !had.contains(a)) {
        call(tx, &format!("Attach{kind}Policy"), json!({&member: name, "PolicyArn": arn}))?;
    }
    for arn in had.iter().filter(|a| !wanted.contains(a)) {
        ignore_missing(call(tx, &format!("Detach{kind}Policy"), json!({&member: name, "PolicyArn": arn})))?;
    }
    let list = |value: Option<&Json>| value.and_then(Json::as_array).cloned().unwrap_or_default();
    let inline = list(deploy.property("Policies"));
    let named = |p: &Json| p.get("PolicyName").and_then(Json::as_str).unwrap_or_default().to_owned();
    for (i, policy) in inline.iter().enumerate() {
        let document = policy.get("PolicyDocument").map(ToString::to_string).unwrap_or_default();
        tx.source = deploy.source(&format!("/Policies/{i}/PolicyDocument"));
        let done = call(
            tx,
            &format!("Put{kind}Policy"),
            json!({&member: name, "PolicyName": named(policy), "PolicyDocument": document}),
        );
        tx.source = None;
        done?;
    }
    for old in list(deploy.previous.and_then(|p| p.get("Policies"))) {
        if !inline.iter().any(|p| named(p) == named(&old)) {
            ignore_missing(call(
                tx,
                &format!("Delete{kind}Policy"),
                json!({&member: name, "PolicyName": named(&old)}),
            ))?;
        }
    }
    Ok(())
}

/// Takes every policy away, so that the principal can be deleted.
fn strip(tx: &mut Tx<'_>, kind: &str, name: &str) -> Result<(), Fault> {
    let member = format!("{kind}Name");
    let attached = match call(tx, &format!("ListAttached{kind}Policies"), json!({&member: name})) {
        Err(fault) if fault.code == "NoSuchEntity" => return Ok(()),
        other => other?,
    };
    for policy in attached.get("AttachedPolicies").and_then(Value::as_list).unwrap_or_default() {
        let arn = policy.text("PolicyArn").unwrap_or_default();
        ignore_missing(call(tx, &format!("Detach{kind}Policy"), json!({&member: name, "PolicyArn": arn})))?;
    }
    let inline = call(tx, &format!("List{kind}Policies"), json!({&member: name}))?;
    for policy in inline.get("PolicyNames").and_then(Value::as_list).unwrap_or_default() {
        let policy = policy.as_str().unwrap_or_default();
        ignore_missing(call(
            tx,
            &format!("Delete{kind}Policy"),
            json!({&member: name, "PolicyName": policy}),
        ))?;
    }
    Ok(())
}

fn boundary(tx: &mut Tx<'_>, deploy: &Deploy<'_>, kind: &str, name: &str) -> Result<(), Fault> {
    let member = format!("{kind}Name");
    match (deploy.property("PermissionsBoundary"), deploy.previous.and_then(|p| p.get("PermissionsBoundary")))
    {
        (Some(arn), had) if Some(arn) != had => {
            call(
                tx,
                &format!("Put{kind}PermissionsBoundary"),
                json!({member: name, "PermissionsBoundary": arn}),
            )?;
        }
        (None, Some(_)) => {
            call(tx, &format!("Delete{kind}PermissionsBoundary"), json!({member: name}))?;
        }
        _ => {}
    }
    Ok(())
}

fn name_of(tx: &mut Tx<'_>, deploy: &Deploy<'_>, property: &str) -> String {
    deploy.text(property).map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 64))
}

fn arn_of(answer: &Value, kind: &str) -> String {
    answer.get(kind).and_then(|n| n.text("Arn")).unwrap_or_default().to_owned()
}

fn create_user(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = name_of(tx, deploy, "UserName");
    let made = call(
        tx,
        "CreateUser",
        json!({
            "UserName": name,
            "Path": deploy.property("Path"),
            "PermissionsBoundary": deploy.property("PermissionsBoundary"),
            "Tags": tags(deploy),
        }),
    )?;
    policies(tx, deploy, "User", &name)?;
    groups(tx, deploy, &name)?;
    login(tx, deploy, &name)?;
    Ok(Physical::new(name).attribute("Arn", arn_of(&made, "User")))
}

fn groups(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<(), Fault> {
    let (wanted, had) =
        (strings(deploy.property("Groups")), strings(deploy.previous.and_then(|p| p.get("Groups"))));
    for group in wanted.iter().filter(|g| !had.contains(g)) {
        call(tx, "AddUserToGroup", json!({"GroupName": group, "UserName": name}))?;
    }
    for group in had.iter().filter(|g| !wanted.contains(g)) {
        ignore_missing(call(tx, "RemoveUserFromGroup", json!({"GroupName": group, "UserName": name})))?;
    }
    Ok(())
}

/// Brings the user's password to what the properties say.
fn login(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<(), Fault> {
    let had = deploy.previous.and_then(|p| p.get("LoginProfile"));
    let wanted = deploy.property("LoginProfile");
    if had == wanted {
        return Ok(());
    }
    let Some(wanted) = wanted else {
        return ignore_missing(call(tx, "DeleteLoginProfile", json!({"UserName": name})));
    };
    let operation = if had.is_some() { "UpdateLoginProfile" } else { "CreateLoginProfile" };
    let reset = wanted.get("PasswordResetRequired").cloned().unwrap_or(json!(false));
    // A password that is as before is not set again: the policy might remember it.
    let before = had.and_then(|had| had.get("Password"));
    let password = wanted.get("Password").filter(|password| before != Some(password));
    let input = json!({"UserName": name, "Password": password, "PasswordResetRequired": reset});
    call(tx, operation, input).map(drop)
}

fn update_user(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = id(deploy)?;
    policies(tx, deploy, "User", &name)?;
    boundary(tx, deploy, "User", &name)?;
    groups(tx, deploy, &name)?;
    login(tx, deploy, &name)?;
    retag(tx, deploy, "User", ("UserName", &name))?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete_user(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let name = id(deploy)?;
    strip(tx, "User", &name)?;
    let member = call(tx, "ListGroupsForUser", json!({"UserName": name}));
    for group in
        member.ok().as_ref().and_then(|m| m.get("Groups")).and_then(Value::as_list).unwrap_or_default()
    {
        let group = group.text("GroupName").unwrap_or_default();
        ignore_missing(call(tx, "RemoveUserFromGroup", json!({"GroupName": group, "UserName": name})))?;
    }
    ignore_missing(call(tx, "DeleteLoginProfile", json!({"UserName": name})))?;
    ignore_missing(call(tx, "DeleteUser", json!({"UserName": name})))
}

fn create_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = name_of(tx, deploy, "GroupName");
    let made = call(tx, "CreateGroup", json!({"GroupName": name, "Path": deploy.property("Path")}))?;
    policies(tx, deploy, "Group", &name)?;
    Ok(Physical::new(name).attribute("Arn", arn_of(&made, "Group")))
}

fn update_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    policies(tx, deploy, "Group", &id(deploy)?)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let name = id(deploy)?;
    strip(tx, "Group", &name)?;
    ignore_missing(call(tx, "DeleteGroup", json!({"GroupName": name})))
}

fn create_role(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = name_of(tx, deploy, "RoleName");
    let trust = deploy.property("AssumeRolePolicyDocument").map(ToString::to_string);
    tx.source = deploy.source("/AssumeRolePolicyDocument");
    let made = call(
        tx,
        "CreateRole",
        json!({
            "RoleName": name,
            "Path": deploy.property("Path"),
            "AssumeRolePolicyDocument": trust,
            "Description": deploy.property("Description"),
            "MaxSessionDuration": deploy.property("MaxSessionDuration"),
            "PermissionsBoundary": deploy.property("PermissionsBoundary"),
            "Tags": tags(deploy),
        }),
    );
    tx.source = None;
    let made = made?;
    policies(tx, deploy, "Role", &name)?;
    let role_id = made.get("Role").and_then(|r| r.text("RoleId")).unwrap_or_default().to_owned();
    Ok(Physical::new(name).attribute("Arn", arn_of(&made, "Role")).attribute("RoleId", role_id))
}

fn update_role(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = id(deploy)?;
    let trust = deploy.property("AssumeRolePolicyDocument").map(ToString::to_string);
    tx.source = deploy.source("/AssumeRolePolicyDocument");
    let done = call(tx, "UpdateAssumeRolePolicy", json!({"RoleName": name, "PolicyDocument": trust}));
    tx.source = None;
    done?;
    call(
        tx,
        "UpdateRole",
        json!({
            "RoleName": name,
            "Description": deploy.text("Description").unwrap_or_default(),
            "MaxSessionDuration": deploy.property("MaxSessionDuration").cloned().unwrap_or(json!(3600)),
        }),
    )?;
    policies(tx, deploy, "Role", &name)?;
    boundary(tx, deploy, "Role", &name)?;
    retag(tx, deploy, "Role", ("RoleName", &name))?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete_role(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let name = id(deploy)?;
    strip(tx, "Role", &name)?;
    ignore_missing(call(tx, "DeleteRole", json!({"RoleName": name})))
}

/// The principals that an `AWS::IAM::Policy` is put into.
fn holders(properties: &Json) -> Vec<(&'static str, String)> {
    let kinds = [("Role", "Roles"), ("User", "Users"), ("Group", "Groups")];
    kinds
        .into_iter()
        .flat_map(|(kind, list)| strings(properties.get(list)).into_iter().map(move |n| (kind, n)))
        .collect()
}

fn put_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.text("PolicyName").unwrap_or_default().to_owned();
    let document = deploy.property("PolicyDocument").map(ToString::to_string);
    let holders = holders(deploy.properties);
    if holders.is_empty() {
        return Err(Fault::validation(
            "at least one of the properties `Roles`, `Users` and `Groups` is required",
        ));
    }
    tx.source = deploy.source("/PolicyDocument");
    for (kind, holder) in holders {
        let member = format!("{kind}Name");
        let done = call(
            tx,
            &format!("Put{kind}Policy"),
            json!({member: holder, "PolicyName": name, "PolicyDocument": document}),
        );
        if done.is_err() {
            tx.source = None;
        }
        done?;
    }
    tx.source = None;
    let logical = deploy.physical.map(|p| p.id.clone());
    Ok(Physical::new(logical.unwrap_or_else(|| deploy.name(tx, 64))))
}

fn update_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let physical = put_policy(tx, deploy)?;
    let now = holders(deploy.properties);
    let name = |p: &Json| p.get("PolicyName").and_then(Json::as_str).unwrap_or_default().to_owned();
    if let Some(previous) = deploy.previous {
        let renamed = name(previous) != name(deploy.properties);
        for (kind, holder) in holders(previous) {
            if renamed || !now.contains(&(kind, holder.clone())) {
                let member = format!("{kind}Name");
                ignore_missing(call(
                    tx,
                    &format!("Delete{kind}Policy"),
                    json!({member: holder, "PolicyName": name(previous)}),
                ))?;
            }
        }
    }
    Ok(physical)
}

fn delete_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let name = deploy.text("PolicyName").unwrap_or_default().to_owned();
    for (kind, holder) in holders(deploy.properties) {
        let member = format!("{kind}Name");
        ignore_missing(call(
            tx,
            &format!("Delete{kind}Policy"),
            json!({member: holder, "PolicyName": name}),
        ))?;
    }
    Ok(())
}

fn create_managed(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = name_of(tx, deploy, "ManagedPolicyName");
    tx.source = deploy.source("/PolicyDocument");
    let made = call(
        tx,
        "CreatePolicy",
        json!({
            "PolicyName": name,
            "Path": deploy.property("Path"),
            "Description": deploy.property("Description"),
            "PolicyDocument": deploy.property("PolicyDocument").map(ToString::to_string),
        }),
    );
    tx.source = None;
    let arn = arn_of(&made?, "Policy");
    attach_managed(tx, &arn, holders(deploy.properties), &[])?;
    Ok(Physical::new(arn.clone()).attribute("PolicyArn", arn))
}

fn attach_managed(
    tx: &mut Tx<'_>,
    arn: &str,
    wanted: Vec<(&'static str, String)>,
    had: &[(&'static str, String)],
) -> Result<(), Fault> {
    for (kind, holder) in wanted.iter().filter(|h| !had.contains(h)) {
        let member = format!("{kind}Name");
        call(tx, &format!("Attach{kind}Policy"), json!({member: holder, "PolicyArn": arn}))?;
    }
    for (kind, holder) in had.iter().filter(|h| !wanted.contains(h)) {
        let member = format!("{kind}Name");
        ignore_missing(call(tx, &format!("Detach{kind}Policy"), json!({member: holder, "PolicyArn": arn})))?;
    }
    Ok(())
}

fn update_managed(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = id(deploy)?;
    let old = deploy.previous.and_then(|p| p.get("PolicyDocument"));
    if old != deploy.property("PolicyDocument") {
        oldest_out(tx, &arn)?;
        tx.source = deploy.source("/PolicyDocument");
        let document = deploy.property("PolicyDocument").map(ToString::to_string);
        let done = call(
            tx,
            "CreatePolicyVersion",
            json!({"PolicyArn": arn, "PolicyDocument": document, "SetAsDefault": true}),
        );
        tx.source = None;
        done?;
    }
    let had = deploy.previous.map(holders).unwrap_or_default();
    attach_managed(tx, &arn, holders(deploy.properties), &had)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

/// A policy has five versions at most: the oldest that is not in force makes room.
fn oldest_out(tx: &mut Tx<'_>, arn: &str) -> Result<(), Fault> {
    let listed = call(tx, "ListPolicyVersions", json!({"PolicyArn": arn}))?;
    let versions = listed.get("Versions").and_then(Value::as_list).unwrap_or_default();
    if versions.len() < 5 {
        return Ok(());
    }
    let oldest =
        versions.iter().rev().find(|v| v.get("IsDefaultVersion").and_then(Value::as_bool) != Some(true));
    if let Some(id) = oldest.and_then(|v| v.text("VersionId")) {
        call(tx, "DeletePolicyVersion", json!({"PolicyArn": arn, "VersionId": id}))?;
    }
    Ok(())
}

fn delete_managed(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let arn = id(deploy)?;
    attach_managed(tx, &arn, Vec::new(), &holders(deploy.properties))?;
    let listed = match call(tx, "ListPolicyVersions", json!({"PolicyArn": arn})) {
        Err(fault) if fault.code == "NoSuchEntity" => return Ok(()),
        other => other?,
    };
    for version in listed.get("Versions").and_then(Value::as_list).unwrap_or_default() {
        if version.get("IsDefaultVersion").and_then(Value::as_bool) != Some(true) {
            let id = version.text("VersionId").unwrap_or_default();
            call(tx, "DeletePolicyVersion", json!({"PolicyArn": arn, "VersionId": id}))?;
        }
    }
    ignore_missing(call(tx, "DeletePolicy", json!({"PolicyArn": arn})))
}

fn create_profile(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.text("InstanceProfileName").map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 128));
    let made = call(
        tx,
        "CreateInstanceProfile",
        json!({"InstanceProfileName": name, "Path": deploy.property("Path")}),
    )?;
    for role in strings(deploy.property("Roles")) {
        call(tx, "AddRoleToInstanceProfile", json!({"InstanceProfileName": name, "RoleName": role}))?;
    }
    Ok(Physical::new(name).attribute("Arn", arn_of(&made, "InstanceProfile")))
}

fn update_profile(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = id(deploy)?;
    let (wanted, had) =
        (strings(deploy.property("Roles")), strings(deploy.previous.and_then(|p| p.get("Roles"))));
    for role in had.iter().filter(|r| !wanted.contains(r)) {
        ignore_missing(call(
            tx,
            "RemoveRoleFromInstanceProfile",
            json!({"InstanceProfileName": name, "RoleName": role}),
        ))?;
    }
    for role in wanted.iter().filter(|r| !had.contains(r)) {
        call(tx, "AddRoleToInstanceProfile", json!({"InstanceProfileName": name, "RoleName": role}))?;
    }
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete_profile(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let name = id(deploy)?;
    for role in strings(deploy.property("Roles")) {
        ignore_missing(call(
            tx,
            "RemoveRoleFromInstanceProfile",
            json!({"InstanceProfileName": name, "RoleName": role}),
        ))?;
    }
    ignore_missing(call(tx, "DeleteInstanceProfile", json!({"InstanceProfileName": name})))
}

fn create_key(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let made = call(tx, "CreateAccessKey", json!({"UserName": deploy.property("UserName")}))?;
    let key = made.get("AccessKey").cloned().unwrap_or_default();
    let id = key.text("AccessKeyId").unwrap_or_default().to_owned();
    if deploy.text("Status") == Some("Inactive") {
        call(
            tx,
            "UpdateAccessKey",
            json!({"UserName": deploy.property("UserName"), "AccessKeyId": id, "Status": "Inactive"}),
        )?;
    }
    Ok(Physical::new(id).attribute("SecretAccessKey", key.text("SecretAccessKey").unwrap_or_default()))
}

fn update_key(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let status = deploy.text("Status").unwrap_or("Active");
    call(
        tx,
        "UpdateAccessKey",
        json!({"UserName": deploy.property("UserName"), "AccessKeyId": id(deploy)?, "Status": status}),
    )?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete_key(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"UserName": deploy.property("UserName"), "AccessKeyId": id(deploy)?});
    ignore_missing(call(tx, "DeleteAccessKey", input))
}

//! The types of `AWS::Cognito::UserPool*` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Value as Json, json};

use crate::fault::not_honoured;

macro_rules! resource {
    ($name:literal, $create:path, $update:path, $delete:path) => {
        Resource { type_name: $name, create: $create, update: $update, delete: $delete, ready: None }
    };
}

pub(crate) const RESOURCES: &[Resource] = &[
    resource!("AWS::Cognito::UserPool", create_pool, update_pool, delete_pool),
    resource!("AWS::Cognito::UserPoolClient", create_client, update_client, delete_client),
    resource!("AWS::Cognito::UserPoolResourceServer", create_server, update_server, delete_server),
    resource!("AWS::Cognito::UserPoolGroup", create_group, update_group, delete_group),
    resource!("AWS::Cognito::UserPoolUser", create_user, unchanged, delete_user),
    resource!("AWS::Cognito::UserPoolUserToGroupAttachment", attach, unchanged, detach),
    resource!("AWS::Cognito::UserPoolDomain", create_domain, unchanged, delete_domain),
];

/// The properties, with further members in place of those of the same name.
fn with(deploy: &Deploy<'_>, without: &[&str], more: Json) -> Json {
    let mut input = deploy.properties.as_object().cloned().unwrap_or_default();
    input.retain(|name, _| !without.contains(&name.as_str()));
    input.extend(more.as_object().cloned().unwrap_or_default());
    Json::Object(input)
}

fn ask(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    deploy.call(tx, "cognito-idp", operation, input)
}

/// What is gone already needs no deleting.
fn gone(outcome: Result<Value, Fault>) -> Result<(), Fault> {
    let missing = ["ResourceNotFoundException", "UserNotFoundException"];
    match outcome {
        Err(fault) if !missing.contains(&fault.code.as_ref()) => Err(fault),
        _ => Ok(()),
    }
}

/// Every change replaces the resource.
fn unchanged(_: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    Ok(deploy.physical.cloned().unwrap_or_default())
}

const NOT_IN_THE_API: [&str; 5] =
    ["UserPoolName", "EnabledMfas", "MfaConfiguration", "UserPoolTags", "Schema"];

fn create_pool(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = match deploy.text("UserPoolName") {
        Some(name) => name.to_owned(),
        None => deploy.name(tx, 128),
    };
    let more = json!({
        "PoolName": name,
        "UserPoolTags": deploy.tags_with("UserPoolTags"),
        "Schema": deploy.property("Schema"),
    });
    let made = ask(tx, deploy, "CreateUserPool", with(deploy, &NOT_IN_THE_API, more))?;
    let pool = made.get("UserPool").cloned().unwrap_or_default();
    let id = pool.text("Id").unwrap_or_default().to_owned();
    factors(tx, deploy, &id)?;
    let provider = format!("cognito-idp.{}.amazonaws.com/{id}", tx.region);
    Ok(Physical::new(id.clone())
        .attribute("Arn", pool.text("Arn").unwrap_or_default())
        .attribute("UserPoolId", id)
        .attribute("ProviderURL", format!("https://{provider}"))
        .attribute("ProviderName", provider))
}

/// Sets the second factors, where any are wanted or were.
fn factors(tx: &mut Tx<'_>, deploy: &Deploy<'_>, id: &str) -> Result<(), Fault> {
    let named = |properties: Option<&Json>| -> Vec<String> {
        let listed = properties.and_then(|p| p.get("EnabledMfas")).and_then(Json::as_array);
        listed.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let enabled = named(Some(deploy.properties));
    if let Some(other) = enabled.iter().find(|f| *f != "SOFTWARE_TOKEN_MFA") {
        return Err(not_honoured(&format!("the factor {other}")));
    }
    let wanted = deploy.text("MfaConfiguration").unwrap_or("OFF");
    let before = deploy.previous.and_then(|p| p.get("MfaConfiguration")).and_then(Json::as_str);
    if wanted == "OFF" && before.is_none_or(|b| b == "OFF") {
        return Ok(());
    }
    let token = wanted != "OFF" && !enabled.is_empty();
    let input = json!({
        "UserPoolId": id,
        "MfaConfiguration": wanted,
        "SoftwareTokenMfaConfiguration": {"Enabled": token},
    });
    ask(tx, deploy, "SetUserPoolMfaConfig", input).map(|_| ())
}

fn update_pool(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let id = deploy.id()?;
    let more = json!({"UserPoolId": id, "UserPoolTags": deploy.tags_with("UserPoolTags")});
    let mut input = with(deploy, &NOT_IN_THE_API, more);
    if let (Some(name), Some(input)) = (deploy.text("UserPoolName"), input.as_object_mut()) {
        input.insert("PoolName".to_owned(), json!(name));
    }
    ask(tx, deploy, "UpdateUserPool", input)?;
    let listed = |properties: Option<&Json>| -> Vec<Json> {
        properties.and_then(|p| p.get("Schema")).and_then(Json::as_array).cloned().unwrap_or_default()
    };
    let before = listed(deploy.previous);
    let after = listed(Some(deploy.properties));
    let names = |of: &Json| of.get("Name").cloned();
    let changed = before.iter().any(|old| !after.contains(old));
    if changed {
        return Err(crate::fault::invalid(
            "Invalid AttributeDataType input, consider using the provided AttributeDataType enum: existing schema attributes cannot be modified or deleted.",
        ));
    }
    let new: Vec<Json> =
        after.into_iter().filter(|one| !before.iter().any(|old| names(old) == names(one))).collect();
    if !new.is_empty() {
        ask(tx, deploy, "AddCustomAttributes", json!({"UserPoolId": id, "CustomAttributes": new}))?;
    }
    factors(tx, deploy, id)?;
    unchanged(tx, deploy)
}

fn delete_pool(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"UserPoolId": deploy.id()?});
    gone(ask(tx, deploy, "DeleteUserPool", input))
}

fn create_client(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = match deploy.text("ClientName") {
        Some(name) => name.to_owned(),
        None => deploy.name(tx, 128),
    };
    let input = with(deploy, &[], json!({"ClientName": name}));
    let made = ask(tx, deploy, "CreateUserPoolClient", input)?;
    let client = made.get("UserPoolClient").cloned().unwrap_or_default();
    let id = client.text("ClientId").unwrap_or_default();
    let physical = Physical::new(id).attribute("ClientId", id).attribute("Name", name);
    Ok(physical)
}

fn update_client(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = with(deploy, &["GenerateSecret"], json!({"ClientId": deploy.id()?}));
    ask(tx, deploy, "UpdateUserPoolClient", input)?;
    unchanged(tx, deploy)
}

fn delete_client(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"UserPoolId": deploy.property("UserPoolId"), "ClientId": deploy.id()?});
    gone(ask(tx, deploy, "DeleteUserPoolClient", input))
}

fn create_server(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    ask(tx, deploy, "CreateResourceServer", deploy.properties.clone())?;
    Ok(Physical::new(deploy.text("Identifier").unwrap_or_default()))
}

fn update_server(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    ask(tx, deploy, "UpdateResourceServer", deploy.properties.clone())?;
    unchanged(tx, deploy)
}

fn delete_server(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"UserPoolId": deploy.property("UserPoolId"), "Identifier": deploy.id()?});
    gone(ask(tx, deploy, "DeleteResourceServer", input))
}

fn create_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = match deploy.text("GroupName") {
        Some(name) => name.to_owned(),
        None => deploy.name(tx, 128),
    };
    ask(tx, deploy, "CreateGroup", with(deploy, &[], json!({"GroupName": name})))?;
    Ok(Physical::new(name))
}

fn update_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = with(deploy, &[], json!({"GroupName": deploy.id()?}));
    ask(tx, deploy, "UpdateGroup", input)?;
    unchanged(tx, deploy)
}

fn delete_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"UserPoolId": deploy.property("UserPoolId"), "GroupName": deploy.id()?});
    gone(ask(tx, deploy, "DeleteGroup", input))
}

fn create_user(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = match deploy.text("Username") {
        Some(name) => name.to_owned(),
        None => deploy.name(tx, 128),
    };
    let made = ask(tx, deploy, "AdminCreateUser", with(deploy, &[], json!({"Username": name})))?;
    let username = made.get("User").and_then(|u| u.text("Username")).unwrap_or(&name);
    Ok(Physical::new(username))
}

fn delete_user(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"UserPoolId": deploy.property("UserPoolId"), "Username": deploy.id()?});
    gone(ask(tx, deploy, "AdminDeleteUser", input))
}

fn attach(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    ask(tx, deploy, "AdminAddUserToGroup", deploy.properties.clone())?;
    let text = |name: &str| deploy.text(name).unwrap_or_default();
    Ok(Physical::new(format!("{}|{}|{}", text("UserPoolId"), text("GroupName"), text("Username"))))
}

fn detach(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone(ask(tx, deploy, "AdminRemoveUserFromGroup", deploy.properties.clone()))
}

fn create_domain(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    ask(tx, deploy, "CreateUserPoolDomain", deploy.properties.clone())?;
    Ok(Physical::new(deploy.text("Domain").unwrap_or_default()))
}

fn delete_domain(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone(ask(tx, deploy, "DeleteUserPoolDomain", deploy.properties.clone()))
}

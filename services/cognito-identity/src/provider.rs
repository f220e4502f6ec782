//! `AWS::Cognito::IdentityPool` and `IdentityPoolRoleAttachment` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Map, Value as Json, json};

pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        type_name: "AWS::Cognito::IdentityPool",
        create: create_pool,
        update: update_pool,
        delete: delete_pool,
        ready: None,
    },
    Resource {
        type_name: "AWS::Cognito::IdentityPoolRoleAttachment",
        create: attach,
        update: attach_again,
        delete: detach,
        ready: None,
    },
];

fn ask(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    deploy.call(tx, "cognito-identity", operation, input)
}

fn pool_input(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Map<String, Json> {
    let name = match deploy.text("IdentityPoolName") {
        Some(name) => name.to_owned(),
        None => deploy.name(tx, 128),
    };
    let mut input = deploy.properties.as_object().cloned().unwrap_or_default();
    input.insert("IdentityPoolName".to_owned(), json!(name));
    input.insert("IdentityPoolTags".to_owned(), json!(deploy.tags_with("IdentityPoolTags")));
    input
}

fn create_pool(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = pool_input(tx, deploy);
    let made = ask(tx, deploy, "CreateIdentityPool", Json::Object(input))?;
    let text = |name: &str| made.text(name).unwrap_or_default();
    Ok(Physical::new(text("IdentityPoolId")).attribute("Name", text("IdentityPoolName")))
}

fn update_pool(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let mut input = pool_input(tx, deploy);
    let physical = deploy.physical.cloned().unwrap_or_default();
    if deploy.text("IdentityPoolName").is_none() {
        input.insert("IdentityPoolName".to_owned(), json!(physical.attributes.get("Name")));
    }
    input.insert("IdentityPoolId".to_owned(), json!(deploy.id()?));
    let made = ask(tx, deploy, "UpdateIdentityPool", Json::Object(input))?;
    Ok(physical.attribute("Name", made.text("IdentityPoolName").unwrap_or_default()))
}

fn gone(outcome: Result<Value, Fault>) -> Result<(), Fault> {
    match outcome {
        Err(fault) if fault.code != "ResourceNotFoundException" => Err(fault),
        _ => Ok(()),
    }
}

fn delete_pool(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"IdentityPoolId": deploy.id()?});
    gone(ask(tx, deploy, "DeleteIdentityPool", input))
}

/// The provider that a mapping is for may be named inside it instead of being its key.
fn roles(deploy: &Deploy<'_>) -> Json {
    let mappings = deploy.property("RoleMappings").and_then(Json::as_object).cloned().unwrap_or_default();
    let mappings: Map<String, Json> = mappings
        .into_iter()
        .map(|(key, mut mapping)| {
            let named = mapping.as_object_mut().and_then(|m| m.remove("IdentityProvider"));
            let key = named.and_then(|n| n.as_str().map(str::to_owned)).unwrap_or(key);
            (key, mapping)
        })
        .collect();
    let roles = deploy.property("Roles").cloned().unwrap_or_else(|| json!({}));
    json!({"IdentityPoolId": deploy.property("IdentityPoolId"), "Roles": roles, "RoleMappings": mappings})
}

fn attach(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    ask(tx, deploy, "SetIdentityPoolRoles", roles(deploy))?;
    Ok(Physical::new(deploy.name(tx, 128)))
}

fn attach_again(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    ask(tx, deploy, "SetIdentityPoolRoles", roles(deploy))?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn detach(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"IdentityPoolId": deploy.property("IdentityPoolId"), "Roles": {}});
    gone(ask(tx, deploy, "SetIdentityPoolRoles", input))
}

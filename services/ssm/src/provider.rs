//! `AWS::SSM::Parameter` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Value as Json, json};

pub(crate) const RESOURCES: &[Resource] =
    &[Resource { type_name: "AWS::SSM::Parameter", create, update, delete, ready: None }];

fn call(tx: &mut Tx<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    let input = match input {
        Json::Object(map) => Json::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    };
    tx.call("cloudformation.amazonaws.com", "ssm", operation, Value::from_json(input))
}

fn put(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str, overwrite: bool) -> Result<(), Fault> {
    if deploy.text("Type") == Some("SecureString") {
        return Err(Fault::validation("AWS::SSM::Parameter cannot create parameters of type SecureString"));
    }
    let mut tags: Vec<Json> = deploy.tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
    let own = deploy.property("Tags").and_then(Json::as_object).cloned().unwrap_or_default();
    tags.extend(own.iter().map(|(k, v)| json!({"Key": k, "Value": v})));
    call(
        tx,
        "PutParameter",
        json!({
            "Name": name,
            "Type": deploy.property("Type"),
            "Value": deploy.property("Value"),
            "Description": deploy.property("Description"),
            "Tier": deploy.property("Tier"),
            "DataType": deploy.property("DataType"),
            "AllowedPattern": deploy.property("AllowedPattern"),
            "Policies": deploy.property("Policies"),
            "Overwrite": overwrite,
            "Tags": if overwrite { Json::Null } else { Json::Array(tags) },
        }),
    )?;
    Ok(())
}

fn physical(deploy: &Deploy<'_>, name: &str) -> Physical {
    let value = |property: &str| deploy.property(property).cloned().unwrap_or_default();
    Physical::new(name).attribute("Type", value("Type")).attribute("Value", value("Value"))
}

fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.text("Name").map(str::to_owned);
    let name = name.unwrap_or_else(|| format!("CFN-{}", deploy.name(tx, 200)));
    put(tx, deploy, &name, false)?;
    Ok(physical(deploy, &name))
}

fn id(deploy: &Deploy<'_>) -> Result<String, Fault> {
    deploy.physical.map(|p| p.id.clone()).ok_or_else(|| Fault::internal("the resource has no physical id"))
}

fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = id(deploy)?;
    put(tx, deploy, &name, true)?;
    retag(tx, deploy, &name)?;
    Ok(physical(deploy, &name))
}

/// A parameter that is overwritten keeps its tags.
fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<(), Fault> {
    if deploy.previous.and_then(|p| p.get("Tags")) == deploy.property("Tags") {
        return Ok(());
    }
    let with =
        |member: &str, value: Json| json!({"ResourceType": "Parameter", "ResourceId": name, member: value});
    let gone = deploy.stale_tags("Tags");
    if !gone.is_empty() {
        call(tx, "RemoveTagsFromResource", with("TagKeys", json!(gone)))?;
    }
    let wanted = deploy.tags_with("Tags");
    let wanted: Vec<Json> = wanted.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
    call(tx, "AddTagsToResource", with("Tags", Json::Array(wanted))).map(drop)
}

fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    match call(tx, "DeleteParameter", json!({"Name": id(deploy)?})) {
        Err(fault) if fault.code != "ParameterNotFound" => Err(fault),
        _ => Ok(()),
    }
}

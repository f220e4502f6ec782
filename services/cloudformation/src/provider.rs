//! The types of CloudFormation's own: nested stacks, and those that only hold a place.

use model::service::going;
use model::{Deploy, Fault, Physical, Ready, Resource, Tx};
use serde_json::{Value as Json, json};

use crate::stack::{self, Stack};

pub(crate) const RESOURCES: &[Resource] = &[
    Resource { type_name: "AWS::CloudFormation::Stack", create, update, delete, ready: Some(ready) },
    Resource {
        type_name: "AWS::CloudFormation::WaitConditionHandle",
        create: place,
        update: keep,
        delete: forget,
        ready: None,
    },
    // Tells AWS which constructs made a stack; there as here, nothing comes of it.
    Resource { type_name: "AWS::CDK::Metadata", create: place, update: keep, delete: forget, ready: None },
];

fn input(deploy: &Deploy<'_>, parent: &Stack, name: &str) -> Json {
    let parameters = deploy.property("Parameters").and_then(Json::as_object);
    let parameters: Vec<Json> = parameters
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            json!({"ParameterKey": name, "ParameterValue": text})
        })
        .collect();
    let tags: Vec<Json> = deploy
        .tags_with("Tags")
        .iter()
        .filter(|(key, _)| !key.starts_with("aws:"))
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    json!({
        "StackName": name,
        "TemplateURL": deploy.property("TemplateURL"),
        "Parameters": parameters,
        "Tags": tags,
        // What the parent may make, its children may.
        "Capabilities": parent.capabilities,
        "RoleARN": parent.role_arn,
    })
}

fn parent(tx: &Tx<'_>, deploy: &Deploy<'_>) -> Result<Stack, Fault> {
    tx.find_arn::<Stack>(deploy.stack_id).cloned().ok_or_else(|| stack::missing(deploy.stack_id))
}

fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let parent = parent(tx, deploy)?;
    let name = deploy.name(tx, 128);
    let made = deploy.call(tx, "cloudformation", "CreateStack", input(deploy, &parent, &name))?;
    Ok(Physical::new(made.text("StackId").unwrap_or_default()))
}

fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let parent = parent(tx, deploy)?;
    let updated = deploy.call(tx, "cloudformation", "UpdateStack", input(deploy, &parent, deploy.id()?));
    match updated {
        Err(fault) if fault.message == "No updates are to be performed." => {}
        other => {
            other?;
        }
    }
    Ok(Physical::new(deploy.id()?))
}

fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let id = deploy.id()?;
    let Some(status) = tx.find_arn::<Stack>(id).map(|s| s.status.clone()) else { return Ok(()) };
    match status.as_str() {
        "DELETE_COMPLETE" => Ok(()),
        "DELETE_FAILED" => {
            Err(Fault::client("ValidationError", format!("Nested stack {id} could not be deleted")))
        }
        going_on if going_on.ends_with("_IN_PROGRESS") => Err(going()),
        _ => {
            deploy.call(tx, "cloudformation", "DeleteStack", json!({"StackName": id}))?;
            Err(going())
        }
    }
}

fn ready(tx: &mut Tx<'_>, physical: &Physical) -> Result<Ready, Fault> {
    let stack = tx.find_arn::<Stack>(&physical.id).ok_or_else(|| stack::missing(&physical.id))?;
    Ok(match stack.status.as_str() {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" => Ready::With(
            stack.outputs.iter().map(|o| (format!("Outputs.{}", o.name), json!(o.value))).collect(),
        ),
        status if stack.in_progress() && status != "ROLLBACK_IN_PROGRESS" => Ready::NotYet,
        status => {
            let why = stack.reason.as_deref().unwrap_or("no reason is known");
            Ready::Failed(format!(
                "Embedded stack {} was not successfully created or updated: {status}: {why}",
                stack.id
            ))
        }
    })
}

fn place(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    Ok(Physical::new(deploy.name(tx, 128)))
}

fn keep(_: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    Ok(Physical::new(deploy.id()?))
}

fn forget(_: &mut Tx<'_>, _: &Deploy<'_>) -> Result<(), Fault> {
    Ok(())
}

//! The resource types in CloudFormation. Everything goes through the service's own calls.

mod api;
mod change;
mod method;
mod part;
mod plan;
mod stage;

use model::{Deploy, Fault, Resource, Tx, Value};
use serde_json::{Value as Json, json};

macro_rules! resource {
    ($name:literal, $module:ident :: $create:ident, $update:ident, $delete:ident) => {
        Resource {
            type_name: concat!("AWS::ApiGateway::", $name),
            create: $module::$create,
            update: $module::$update,
            delete: $module::$delete,
            ready: None,
        }
    };
}

pub(crate) const RESOURCES: &[Resource] = &[
    resource!("RestApi", api::create, update, delete),
    resource!("Account", api::put_account, put_account, delete_account),
    resource!("Resource", part::create_resource, keep, delete_resource),
    resource!("Authorizer", part::create_authorizer, update_authorizer, delete_authorizer),
    resource!("RequestValidator", part::create_validator, update_validator, delete_validator),
    resource!("Model", part::create_model, update_model, delete_model),
    resource!("GatewayResponse", part::put_gateway_response, put_gateway_response, delete_gateway_response),
    resource!("Method", method::create, update, delete),
    resource!("Deployment", stage::create_deployment, update_deployment, delete_deployment),
    resource!("Stage", stage::create, update, delete),
    resource!("ApiKey", plan::create_key, update_key, delete_key),
    resource!("UsagePlan", plan::create, update, delete),
    resource!("UsagePlanKey", plan::create_plan_key, keep_plan_key, delete_plan_key),
];

fn call(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    deploy.call(tx, "apigateway", operation, input)
}

/// What is already gone need not be deleted.
fn gone(outcome: Result<Value, Fault>) -> Result<(), Fault> {
    match outcome {
        Err(fault) if fault.code != "NotFoundException" => Err(fault),
        _ => Ok(()),
    }
}

fn text(value: &Value, member: &str) -> String {
    value.text(member).unwrap_or_default().to_owned()
}

fn tags(deploy: &Deploy<'_>) -> Json {
    json!(deploy.tags_with("Tags"))
}

/// Brings the tags of a resource on.
fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, path: &str) -> Result<(), Fault> {
    let keys = |properties: Option<&Json>| -> Vec<String> {
        let list =
            properties.and_then(|p| p.get("Tags")).and_then(Json::as_array).cloned().unwrap_or_default();
        list.iter().filter_map(|t| t.get("Key")?.as_str().map(str::to_owned)).collect()
    };
    let (before, after) = (keys(deploy.previous), keys(Some(deploy.properties)));
    if deploy.previous.and_then(|p| p.get("Tags")) == deploy.property("Tags") {
        return Ok(());
    }
    let arn = model::estate::apigateway::management_arn(&tx.region, path);
    let removed: Vec<&String> = before.iter().filter(|k| !after.contains(k)).collect();
    if !removed.is_empty() {
        call(tx, deploy, "UntagResource", json!({"resourceArn": arn, "tagKeys": removed}))?;
    }
    call(tx, deploy, "TagResource", json!({"resourceArn": arn, "tags": tags(deploy)})).map(|_| ())
}

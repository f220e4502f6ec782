//! The parts of an API: resources, authorizers, validators, models, gateway responses.

use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Value as Json, json};

use super::change::{self, Kind};
use super::{call, gone, text};

fn kept(deploy: &Deploy<'_>) -> Physical {
    deploy.physical.cloned().unwrap_or_default()
}

/// Calls an operation on a part of the API, named by a member of its input.
fn on_part(
    tx: &mut Tx<'_>,
    deploy: &Deploy<'_>,
    operation: &str,
    member: &str,
    more: Json,
) -> Result<model::Value, Fault> {
    let mut input = json!({"restApiId": deploy.property("RestApiId"), member: deploy.id()?});
    if let (Some(input), Json::Object(more)) = (input.as_object_mut(), more) {
        input.extend(more);
    }
    call(tx, deploy, operation, input)
}

fn patch(
    tx: &mut Tx<'_>,
    deploy: &Deploy<'_>,
    operation: &str,
    member: &str,
    table: &[(&str, Kind)],
) -> Result<Physical, Fault> {
    let operations = change::operations(deploy, table);
    if !operations.is_empty() {
        on_part(tx, deploy, operation, member, json!({"patchOperations": operations}))?;
    }
    Ok(kept(deploy))
}

pub(super) fn create_resource(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({
        "restApiId": deploy.property("RestApiId"),
        "parentId": deploy.property("ParentId"),
        "pathPart": deploy.property("PathPart"),
    });
    let id = text(&call(tx, deploy, "CreateResource", input)?, "id");
    Ok(Physical::new(&id).attribute("ResourceId", id))
}

/// Every property of a resource replaces it.
pub(super) fn keep(_: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    Ok(kept(deploy))
}

pub(super) fn delete_resource(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone(on_part(tx, deploy, "DeleteResource", "resourceId", Json::Null))
}

pub(super) fn create_authorizer(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({
        "restApiId": deploy.property("RestApiId"),
        "name": deploy.property("Name"),
        "type": deploy.property("Type"),
        "authType": deploy.property("AuthType"),
        "providerARNs": deploy.property("ProviderARNs"),
        "identitySource": deploy.property("IdentitySource"),
        "identityValidationExpression": deploy.property("IdentityValidationExpression"),
        "authorizerResultTtlInSeconds": deploy.property("AuthorizerResultTtlInSeconds"),
    });
    let id = text(&call(tx, deploy, "CreateAuthorizer", input)?, "id");
    Ok(Physical::new(&id).attribute("AuthorizerId", id))
}

pub(super) fn update_authorizer(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let table = [
        ("Name", Kind::Scalar("/name")),
        ("AuthType", Kind::Scalar("/authType")),
        ("IdentitySource", Kind::Scalar("/identitySource")),
        ("IdentityValidationExpression", Kind::Scalar("/identityValidationExpression")),
        ("AuthorizerResultTtlInSeconds", Kind::Scalar("/authorizerResultTtlInSeconds")),
        ("ProviderARNs", Kind::List("/providerARNs")),
    ];
    patch(tx, deploy, "UpdateAuthorizer", "authorizerId", &table)
}

pub(super) fn delete_authorizer(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone(on_part(tx, deploy, "DeleteAuthorizer", "authorizerId", Json::Null))
}

pub(super) fn create_validator(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({
        "restApiId": deploy.property("RestApiId"),
        "name": deploy.property("Name"),
        "validateRequestBody": deploy.property("ValidateRequestBody"),
        "validateRequestParameters": deploy.property("ValidateRequestParameters"),
    });
    let id = text(&call(tx, deploy, "CreateRequestValidator", input)?, "id");
    Ok(Physical::new(&id).attribute("RequestValidatorId", id))
}

pub(super) fn update_validator(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let flag = |property: &str| deploy.property(property).map_or("false".to_owned(), change::text);
    let operations = json!([
        {"op": "replace", "path": "/validateRequestBody", "value": flag("ValidateRequestBody")},
        {"op": "replace", "path": "/validateRequestParameters", "value": flag("ValidateRequestParameters")},
    ]);
    on_part(
        tx,
        deploy,
        "UpdateRequestValidator",
        "requestValidatorId",
        json!({"patchOperations": operations}),
    )?;
    Ok(kept(deploy))
}

pub(super) fn delete_validator(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone(on_part(tx, deploy, "DeleteRequestValidator", "requestValidatorId", Json::Null))
}

pub(super) fn create_model(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = match deploy.text("Name") {
        Some(name) => name.to_owned(),
        None => deploy.name(tx, 64).replace('-', ""),
    };
    let input = json!({
        "restApiId": deploy.property("RestApiId"),
        "name": name,
        "description": deploy.property("Description"),
        "contentType": deploy.text("ContentType").unwrap_or("application/json"),
        "schema": deploy.property("Schema").map(change::text),
    });
    call(tx, deploy, "CreateModel", input)?;
    Ok(Physical::new(name))
}

pub(super) fn update_model(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let table = [("Schema", Kind::Scalar("/schema")), ("Description", Kind::Scalar("/description"))];
    patch(tx, deploy, "UpdateModel", "modelName", &table)
}

pub(super) fn delete_model(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone(on_part(tx, deploy, "DeleteModel", "modelName", Json::Null))
}

pub(super) fn put_gateway_response(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({
        "restApiId": deploy.property("RestApiId"),
        "responseType": deploy.property("ResponseType"),
        "statusCode": deploy.property("StatusCode"),
        "responseParameters": deploy.property("ResponseParameters"),
        "responseTemplates": deploy.property("ResponseTemplates"),
    });
    call(tx, deploy, "PutGatewayResponse", input)?;
    let id = match deploy.physical {
        Some(physical) => physical.id.clone(),
        None => deploy.name(tx, 64),
    };
    Ok(Physical::new(&id).attribute("Id", id))
}

pub(super) fn delete_gateway_response(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({
        "restApiId": deploy.property("RestApiId"),
        "responseType": deploy.property("ResponseType"),
    });
    gone(call(tx, deploy, "DeleteGatewayResponse", input))
}

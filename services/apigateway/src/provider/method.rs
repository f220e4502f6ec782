//! `AWS::ApiGateway::Method`: a method with its integration and what both may answer.

use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Map, Value as Json, json};

use super::{call, gone};

/// The input of an operation on this method: where it is, and more.
fn on_method(deploy: &Deploy<'_>, more: Json) -> Json {
    let mut input = Map::new();
    for (member, property) in
        [("restApiId", "RestApiId"), ("resourceId", "ResourceId"), ("httpMethod", "HttpMethod")]
    {
        input.insert(member.to_owned(), deploy.property(property).cloned().unwrap_or_default());
    }
    if let Json::Object(more) = more {
        input.extend(more);
    }
    Json::Object(input)
}

/// Calls with null members left out at every place where the API has optional ones.
fn put(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str, more: Json) -> Result<(), Fault> {
    call(tx, deploy, operation, on_method(deploy, more)).map(|_| ())
}

fn list<'a>(value: Option<&'a Json>, member: &str) -> &'a [Json] {
    value.and_then(|v| v.get(member)).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn write(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    put(
        tx,
        deploy,
        "PutMethod",
        json!({
            "authorizationType": deploy.text("AuthorizationType").unwrap_or("NONE"),
            "authorizerId": deploy.property("AuthorizerId"),
            "authorizationScopes": deploy.property("AuthorizationScopes"),
            "apiKeyRequired": deploy.property("ApiKeyRequired"),
            "operationName": deploy.property("OperationName"),
            "requestParameters": deploy.property("RequestParameters"),
            "requestModels": deploy.property("RequestModels"),
            "requestValidatorId": deploy.property("RequestValidatorId"),
        }),
    )?;
    for response in list(Some(deploy.properties), "MethodResponses") {
        put(
            tx,
            deploy,
            "PutMethodResponse",
            json!({
                "statusCode": response.get("StatusCode").map(super::change::text),
                "responseParameters": response.get("ResponseParameters"),
                "responseModels": response.get("ResponseModels"),
            }),
        )?;
    }
    let Some(integration) = deploy.property("Integration") else { return Ok(()) };
    let of = |member: &str| integration.get(member);
    put(
        tx,
        deploy,
        "PutIntegration",
        json!({
            "type": of("Type"),
            "integrationHttpMethod": of("IntegrationHttpMethod"),
            "uri": of("Uri"),
            "connectionType": of("ConnectionType"),
            "connectionId": of("ConnectionId"),
            "integrationTarget": of("IntegrationTarget"),
            "requestParameters": of("RequestParameters"),
            "requestTemplates": of("RequestTemplates"),
            "passthroughBehavior": of("PassthroughBehavior"),
            "responseTransferMode": of("ResponseTransferMode"),
            "timeoutInMillis": of("TimeoutInMillis"),
            "cacheNamespace": of("CacheNamespace"),
        }),
    )?;
    for response in list(Some(integration), "IntegrationResponses") {
        put(
            tx,
            deploy,
            "PutIntegrationResponse",
            json!({
                "statusCode": response.get("StatusCode").map(super::change::text),
                "selectionPattern": response.get("SelectionPattern"),
                "responseParameters": response.get("ResponseParameters"),
                "responseTemplates": response.get("ResponseTemplates"),
            }),
        )?;
    }
    Ok(())
}

pub(super) fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    write(tx, deploy)?;
    Ok(Physical::new(deploy.name(tx, 64)))
}

/// Written anew; the deployments that serve do not see it.
pub(super) fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    delete(tx, deploy)?;
    write(tx, deploy)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

pub(super) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone(call(tx, deploy, "DeleteMethod", on_method(deploy, Json::Null)))
}

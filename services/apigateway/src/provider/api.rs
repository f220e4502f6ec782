//! `AWS::ApiGateway::RestApi` and `AWS::ApiGateway::Account`.

use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Value as Json, json};

use super::change::{self, Kind};
use super::{call, gone, retag, tags, text};

fn policy(deploy: &Deploy<'_>) -> Option<String> {
    deploy.property("Policy").map(change::text)
}

pub(super) fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let endpoint = deploy.property("EndpointConfiguration");
    let endpoint =
        endpoint.map(|e| json!({"types": e.get("Types"), "ipAddressType": e.get("IpAddressType")}));
    let input = json!({
        "name": deploy.property("Name"),
        "description": deploy.property("Description"),
        "apiKeySource": deploy.property("ApiKeySourceType"),
        "binaryMediaTypes": deploy.property("BinaryMediaTypes"),
        "disableExecuteApiEndpoint": deploy.property("DisableExecuteApiEndpoint"),
        "endpointConfiguration": endpoint,
        "policy": policy(deploy),
        "tags": tags(deploy),
    });
    tx.source = deploy.source("/Policy");
    let made = call(tx, deploy, "CreateRestApi", input);
    tx.source = None;
    let made = made?;
    let id = text(&made, "id");
    Ok(Physical::new(&id)
        .attribute("RestApiId", id)
        .attribute("RootResourceId", text(&made, "rootResourceId")))
}

const CHANGES: &[(&str, Kind)] = &[
    ("Name", Kind::Scalar("/name")),
    ("Description", Kind::Scalar("/description")),
    ("ApiKeySourceType", Kind::Scalar("/apiKeySource")),
    ("BinaryMediaTypes", Kind::Elements("/binaryMediaTypes")),
    ("DisableExecuteApiEndpoint", Kind::Scalar("/disableExecuteApiEndpoint")),
    ("Policy", Kind::Scalar("/policy")),
];

pub(super) fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let mut operations = change::operations(deploy, CHANGES);
    let endpoint = |p: Option<&Json>, pointer: &str| {
        p.and_then(|p| p.pointer(pointer)).map(change::text).unwrap_or_else(|| "EDGE".to_owned())
    };
    let types = "/EndpointConfiguration/Types/0";
    let (before, after) = (endpoint(deploy.previous, types), endpoint(Some(deploy.properties), types));
    if before != after {
        operations.push(change::replace(&format!("/endpointConfiguration/types/{before}"), &json!(after)));
    }
    let id = deploy.id()?.to_owned();
    if !operations.is_empty() {
        tx.source = deploy.source("/Policy");
        let done = call(tx, deploy, "UpdateRestApi", json!({"restApiId": id, "patchOperations": operations}));
        tx.source = None;
        done?;
    }
    retag(tx, deploy, &format!("/restapis/{id}"))?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

pub(super) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let id = deploy.id()?.to_owned();
    gone(call(tx, deploy, "DeleteRestApi", json!({"restApiId": id})))
}

pub(super) fn put_account(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let operation = match deploy.property("CloudWatchRoleArn") {
        Some(role) => change::replace("/cloudwatchRoleArn", role),
        None => change::remove("/cloudwatchRoleArn", None),
    };
    call(tx, deploy, "UpdateAccount", json!({"patchOperations": [operation]}))?;
    match deploy.physical {
        Some(physical) => Ok(physical.clone()),
        None => {
            let id = deploy.name(tx, 64);
            Ok(Physical::new(&id).attribute("Id", id))
        }
    }
}

/// The account's settings outlive the stack, as in AWS.
pub(super) fn delete_account(_: &mut Tx<'_>, _: &Deploy<'_>) -> Result<(), Fault> {
    Ok(())
}

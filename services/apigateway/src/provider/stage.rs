//! `AWS::ApiGateway::Deployment` and `AWS::ApiGateway::Stage`.

use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Value as Json, json};

use super::change::{self, Kind};
use super::{call, gone, retag, tags, text};

pub(super) fn create_deployment(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let stage = deploy.property("StageDescription");
    let of = |member: &str| stage.and_then(|s| s.get(member));
    let input = json!({
        "restApiId": deploy.property("RestApiId"),
        "description": deploy.property("Description"),
        "stageName": deploy.property("StageName"),
        "stageDescription": of("Description"),
        "tracingEnabled": of("TracingEnabled"),
        "variables": of("Variables"),
    });
    let id = text(&call(tx, deploy, "CreateDeployment", input)?, "id");
    Ok(Physical::new(&id).attribute("DeploymentId", id))
}

pub(super) fn update_deployment(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let operations = change::operations(deploy, &[("Description", Kind::Scalar("/description"))]);
    if !operations.is_empty() {
        let input = json!({
            "restApiId": deploy.property("RestApiId"), "deploymentId": deploy.id()?, "patchOperations": operations,
        });
        call(tx, deploy, "UpdateDeployment", input)?;
    }
    if let Some(stage) = deploy.text("StageName") {
        let part = |p: Option<&Json>, member: &str| {
            p.and_then(|p| p.pointer(&format!("/StageDescription/{member}"))).cloned()
        };
        let (before, after) =
            (part(deploy.previous, "Variables"), part(Some(deploy.properties), "Variables"));
        let operations = change::entries("/variables", before.as_ref(), after.as_ref());
        if !operations.is_empty() {
            let input = json!({
                "restApiId": deploy.property("RestApiId"), "stageName": stage, "patchOperations": operations,
            });
            call(tx, deploy, "UpdateStage", input)?;
        }
    }
    Ok(deploy.physical.cloned().unwrap_or_default())
}

/// The stage that came with the deployment goes with it, unless it serves another by now.
pub(super) fn delete_deployment(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let (api, id) = (deploy.property("RestApiId").cloned(), deploy.id()?.to_owned());
    if let Some(stage) = deploy.text("StageName") {
        let on = json!({"restApiId": api, "stageName": stage});
        match call(tx, deploy, "GetStage", on.clone()) {
            Ok(found) if text(&found, "deploymentId") == id => gone(call(tx, deploy, "DeleteStage", on))?,
            other => gone(other)?,
        }
    }
    gone(call(tx, deploy, "DeleteDeployment", json!({"restApiId": api, "deploymentId": id})))
}

pub(super) fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = match deploy.text("StageName") {
        Some(name) => name.to_owned(),
        None => deploy.name(tx, 64),
    };
    let input = json!({
        "restApiId": deploy.property("RestApiId"),
        "stageName": name,
        "deploymentId": deploy.property("DeploymentId"),
        "description": deploy.property("Description"),
        "variables": deploy.property("Variables"),
        "tracingEnabled": deploy.property("TracingEnabled"),
        "tags": tags(deploy),
    });
    call(tx, deploy, "CreateStage", input)?;
    let operations = settings(deploy, None);
    change_stage(tx, deploy, &name, operations)?;
    Ok(Physical::new(name))
}

fn change_stage(
    tx: &mut Tx<'_>,
    deploy: &Deploy<'_>,
    name: &str,
    operations: Vec<Json>,
) -> Result<(), Fault> {
    if operations.is_empty() {
        return Ok(());
    }
    let input =
        json!({"restApiId": deploy.property("RestApiId"), "stageName": name, "patchOperations": operations});
    call(tx, deploy, "UpdateStage", input).map(|_| ())
}

const SETTINGS: &[(&str, &str)] = &[
    ("CachingEnabled", "caching/enabled"),
    ("DataTraceEnabled", "logging/dataTrace"),
    ("LoggingLevel", "logging/loglevel"),
    ("MetricsEnabled", "metrics/enabled"),
    ("ThrottlingBurstLimit", "throttling/burstLimit"),
    ("ThrottlingRateLimit", "throttling/rateLimit"),
];

/// `/~1orders/GET` of one entry of `MethodSettings`.
fn place(setting: &Json) -> String {
    let text = |member: &str| setting.get(member).and_then(Json::as_str).unwrap_or("*");
    let path = text("ResourcePath");
    let path = if path == "/*" { "*" } else { path };
    format!("/{}/{}", path.replace('/', "~1"), text("HttpMethod"))
}

/// The operations for logs and method settings.
fn settings(deploy: &Deploy<'_>, previous: Option<&Json>) -> Vec<Json> {
    let list = |p: Option<&Json>| {
        p.and_then(|p| p.get("MethodSettings")).and_then(Json::as_array).cloned().unwrap_or_default()
    };
    let mut operations: Vec<Json> = list(previous).iter().map(|s| change::remove(&place(s), None)).collect();
    for setting in list(Some(deploy.properties)) {
        let at = place(&setting);
        let set = SETTINGS.iter().filter_map(|(property, path)| {
            Some(change::replace(&format!("{at}/{path}"), setting.get(property)?))
        });
        operations.extend(set);
    }
    let log = |p: Option<&Json>| p.and_then(|p| p.get("AccessLogSetting")).cloned();
    match (log(previous), log(Some(deploy.properties))) {
        (before, Some(after)) if before.as_ref() != Some(&after) => {
            for (member, path) in [("DestinationArn", "destinationArn"), ("Format", "format")] {
                if let Some(value) = after.get(member) {
                    operations.push(change::replace(&format!("/accessLogSettings/{path}"), value));
                }
            }
        }
        (Some(_), None) => operations.push(change::remove("/accessLogSettings", None)),
        _ => {}
    }
    operations
}

pub(super) fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let table = [
        ("DeploymentId", Kind::Scalar("/deploymentId")),
        ("Description", Kind::Scalar("/description")),
        ("TracingEnabled", Kind::Scalar("/tracingEnabled")),
    ];
    let mut operations = change::operations(deploy, &table);
    let variables = deploy.previous.and_then(|p| p.get("Variables"));
    operations.extend(change::entries("/variables", variables, deploy.property("Variables")));
    operations.extend(settings(deploy, deploy.previous));
    let name = deploy.id()?.to_owned();
    change_stage(tx, deploy, &name, operations)?;
    let api = deploy.text("RestApiId").unwrap_or_default().to_owned();
    retag(tx, deploy, &format!("/restapis/{api}/stages/{name}"))?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

pub(super) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"restApiId": deploy.property("RestApiId"), "stageName": deploy.id()?});
    gone(call(tx, deploy, "DeleteStage", input))
}

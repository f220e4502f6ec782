//! `AWS::ElasticLoadBalancingV2::TargetGroup`.

use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Value as Json, json};

use super::{call, changed, first, full_name, gone_already, properties, retag, tags, with};

const CHECKS: &[&str] = &[
    "HealthCheckEnabled",
    "HealthCheckIntervalSeconds",
    "HealthCheckPath",
    "HealthCheckPort",
    "HealthCheckProtocol",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "Matcher",
    "UnhealthyThresholdCount",
];

pub(super) fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = super::name(tx, deploy);
    let own =
        properties(deploy, &["IpAddressType", "Port", "Protocol", "ProtocolVersion", "TargetType", "VpcId"]);
    let input = with(with(own, properties(deploy, CHECKS)), json!({"Name": name, "Tags": tags(deploy)}));
    let made = call(tx, deploy, "CreateTargetGroup", input)?;
    let (_, arn) = first(&made, "TargetGroups", "TargetGroupArn");
    attributes(tx, deploy, &arn)?;
    targets(tx, deploy, &arn)?;
    Ok(Physical::new(arn.clone())
        .attribute("TargetGroupArn", arn.clone())
        .attribute("TargetGroupName", name)
        .attribute("TargetGroupFullName", full_name(&arn, ""))
        .attribute("LoadBalancerArns", Json::Array(Vec::new())))
}

fn attributes(tx: &mut Tx<'_>, deploy: &Deploy<'_>, arn: &str) -> Result<(), Fault> {
    let Some(given) = deploy.property("TargetGroupAttributes") else { return Ok(()) };
    let input = json!({"TargetGroupArn": arn, "Attributes": given});
    call(tx, deploy, "ModifyTargetGroupAttributes", input).map(|_| ())
}

/// Registers the template's targets, and deregisters those it named before and names no longer.
fn targets(tx: &mut Tx<'_>, deploy: &Deploy<'_>, arn: &str) -> Result<(), Fault> {
    let list = |of: Option<&Json>| {
        of.and_then(|p| p.get("Targets")).and_then(Json::as_array).cloned().unwrap_or_default()
    };
    let (wanted, had) = (list(Some(deploy.properties)), list(deploy.previous));
    let gone: Vec<Json> = had
        .into_iter()
        .filter(|t| !wanted.contains(t))
        .map(|t| json!({"Id": t.get("Id"), "Port": t.get("Port")}))
        .collect();
    if !gone.is_empty() {
        let gone: Vec<Json> = gone.into_iter().map(without_nulls).collect();
        gone_already(call(tx, deploy, "DeregisterTargets", json!({"TargetGroupArn": arn, "Targets": gone})))?;
    }
    if wanted.is_empty() {
        return Ok(());
    }
    call(tx, deploy, "RegisterTargets", json!({"TargetGroupArn": arn, "Targets": wanted})).map(|_| ())
}

fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(map) => Json::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    }
}

pub(super) fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.id()?.to_owned();
    if CHECKS.iter().any(|c| changed(deploy, c)) {
        let input = with(properties(deploy, CHECKS), json!({"TargetGroupArn": arn}));
        call(tx, deploy, "ModifyTargetGroup", input)?;
    }
    if changed(deploy, "TargetGroupAttributes") {
        attributes(tx, deploy, &arn)?;
    }
    if changed(deploy, "Targets") {
        targets(tx, deploy, &arn)?;
    }
    retag(tx, deploy, &arn)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

pub(super) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone_already(call(tx, deploy, "DeleteTargetGroup", json!({"TargetGroupArn": deploy.id()?})))
}

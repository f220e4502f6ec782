//! The hub: an account has one in a region, or none; without it there are no findings.

use model::{AccountId, Deploy, Fault, Physical, Resource, Tags, Timestamp, Tx, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hub {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    /// `default`.
    pub(crate) id: String,
    pub(crate) subscribed: Timestamp,
    pub(crate) tags: Tags,
}

impl Hub {
    pub(crate) fn arn(&self) -> String {
        model::ids::arn("securityhub", &self.region, &self.account, "hub/default")
    }
}

model::regional_node!(Hub, "AWS::SecurityHub::Hub", id);

pub(crate) fn find(tx: &Tx<'_>) -> Result<Hub, Fault> {
    tx.find::<Hub>("default").cloned().ok_or_else(|| {
        let message = format!("Account {} is not subscribed to AWS Security Hub", tx.account);
        Fault::new("InvalidAccessException", 401, message)
    })
}

/// <https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_EnableSecurityHub.html>
pub(crate) fn enable_security_hub(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    if find(tx).is_ok() {
        return Err(Fault::new(
            "ResourceConflictException",
            409,
            "Account is already subscribed to Security Hub",
        ));
    }
    let tags = input.get("Tags").map(model::service::tags_of).unwrap_or_default();
    let hub = Hub {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: "default".to_owned(),
        subscribed: tx.now,
        tags,
    };
    tx.put(hub)?;
    Ok(Value::from_json(json!({})))
}

pub(crate) fn disable_security_hub(tx: &mut Tx<'_>, _: Value) -> Result<Value, Fault> {
    let hub = find(tx)?;
    tx.remove(&hub)?;
    Ok(Value::from_json(json!({})))
}

pub(crate) fn describe_hub(tx: &mut Tx<'_>, _: Value) -> Result<Value, Fault> {
    let hub = find(tx)?;
    Ok(Value::from_json(json!({
        "HubArn": hub.arn(),
        "SubscribedAt": hub.subscribed.to_rfc3339(),
        "AutoEnableControls": false,
        "ControlFindingGenerator": "SECURITY_CONTROL",
    })))
}

pub(crate) const RESOURCES: &[Resource] =
    &[Resource { type_name: "AWS::SecurityHub::Hub", create, update, delete, ready: None }];

fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let tags: serde_json::Map<String, Json> =
        deploy.tags_with("Tags").into_iter().map(|(k, v)| (k, Json::String(v))).collect();
    deploy.call(tx, "securityhub", "EnableSecurityHub", json!({"Tags": tags}))?;
    let hub = find(tx)?;
    Ok(Physical::new(hub.arn())
        .attribute("ARN", hub.arn())
        .attribute("SubscribedAt", hub.subscribed.to_rfc3339()))
}

fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let mut hub = find(tx)?;
    hub.tags = deploy.tags_with("Tags");
    tx.put(hub)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    match deploy.call(tx, "securityhub", "DisableSecurityHub", json!({})) {
        Err(fault) if fault.code != "InvalidAccessException" => Err(fault),
        _ => Ok(()),
    }
}

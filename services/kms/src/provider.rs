//! `AWS::KMS::Key` and `AWS::KMS::Alias` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Map, Value as Json, json};

const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";

pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        type_name: "AWS::KMS::Key",
        create: create_key,
        update: update_key,
        delete: delete_key,
        ready: None,
    },
    Resource {
        type_name: "AWS::KMS::Alias",
        create: create_alias,
        update: update_alias,
        delete: delete_alias,
        ready: None,
    },
];

fn call(tx: &mut Tx<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    let input = match input {
        Json::Object(map) => {
            Json::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect::<Map<_, _>>())
        }
        other => other,
    };
    tx.call(CLOUDFORMATION, "kms", operation, Value::from_json(input))
}

fn id(deploy: &Deploy<'_>) -> Result<String, Fault> {
    deploy.physical.map(|p| p.id.clone()).ok_or_else(|| Fault::internal("the resource has no physical id"))
}

fn tags(deploy: &Deploy<'_>) -> Vec<Json> {
    let own = deploy.property("Tags").and_then(Json::as_array).cloned().unwrap_or_default();
    let own = own.into_iter().map(|t| json!({"TagKey": t.get("Key"), "TagValue": t.get("Value")}));
    deploy.tags.iter().map(|(k, v)| json!({"TagKey": k, "TagValue": v})).chain(own).collect()
}

fn is_true(deploy: &Deploy<'_>, property: &str) -> bool {
    deploy.property(property).and_then(Json::as_bool).unwrap_or(false)
}

fn create_key(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    tx.source = deploy.source("/KeyPolicy");
    let made = call(
        tx,
        "CreateKey",
        json!({
            "Policy": deploy.property("KeyPolicy").map(ToString::to_string),
            "Description": deploy.property("Description"),
            "KeySpec": deploy.property("KeySpec"),
            "KeyUsage": deploy.property("KeyUsage"),
            "MultiRegion": deploy.property("MultiRegion"),
            "Origin": deploy.property("Origin"),
            "BypassPolicyLockoutSafetyCheck": deploy.property("BypassPolicyLockoutSafetyCheck"),
            "Tags": tags(deploy),
        }),
    );
    tx.source = None;
    let made = made?;
    let facts = made.get("KeyMetadata").cloned().unwrap_or_default();
    let id = facts.text("KeyId").unwrap_or_default().to_owned();
    rotation(tx, deploy, &id)?;
    if deploy.property("Enabled").and_then(Json::as_bool) == Some(false) {
        call(tx, "DisableKey", json!({"KeyId": id}))?;
    }
    Ok(Physical::new(id.clone())
        .attribute("Arn", facts.text("Arn").unwrap_or_default())
        .attribute("KeyId", id))
}

fn rotation(tx: &mut Tx<'_>, deploy: &Deploy<'_>, id: &str) -> Result<(), Fault> {
    let was =
        deploy.previous.and_then(|p| p.get("EnableKeyRotation")).and_then(Json::as_bool).unwrap_or(false);
    match (is_true(deploy, "EnableKeyRotation"), was) {
        (true, _) => call(
            tx,
            "EnableKeyRotation",
            json!({"KeyId": id, "RotationPeriodInDays": deploy.property("RotationPeriodInDays")}),
        )
        .map(|_| ()),
        (false, true) => call(tx, "DisableKeyRotation", json!({"KeyId": id})).map(|_| ()),
        (false, false) => Ok(()),
    }
}

fn update_key(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let id = id(deploy)?;
    let changed = |property: &str| deploy.previous.and_then(|p| p.get(property)) != deploy.property(property);
    if changed("Enabled") {
        let enabled = deploy.property("Enabled").and_then(Json::as_bool) != Some(false);
        call(tx, if enabled { "EnableKey" } else { "DisableKey" }, json!({"KeyId": id}))?;
    }
    if changed("KeyPolicy")
        && let Some(policy) = deploy.property("KeyPolicy")
    {
        tx.source = deploy.source("/KeyPolicy");
        let done = call(
            tx,
            "PutKeyPolicy",
            json!({"KeyId": id, "Policy": policy.to_string(), "BypassPolicyLockoutSafetyCheck": deploy.property("BypassPolicyLockoutSafetyCheck")}),
        );
        tx.source = None;
        done?;
    }
    if changed("Description") {
        call(
            tx,
            "UpdateKeyDescription",
            json!({"KeyId": id, "Description": deploy.text("Description").unwrap_or_default()}),
        )?;
    }
    if changed("EnableKeyRotation") || changed("RotationPeriodInDays") {
        rotation(tx, deploy, &id)?;
    }
    if changed("Tags") {
        let gone = deploy.stale_tags("Tags");
        if !gone.is_empty() {
            call(tx, "UntagResource", json!({"KeyId": id, "TagKeys": gone}))?;
        }
        call(tx, "TagResource", json!({"KeyId": id, "Tags": tags(deploy)}))?;
    }
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn ignore_missing(outcome: Result<Value, Fault>) -> Result<(), Fault> {
    match outcome {
        // A key that waits for its deletion is as good as deleted.
        Err(fault) if fault.code != "NotFoundException" && fault.code != "KMSInvalidStateException" => {
            Err(fault)
        }
        _ => Ok(()),
    }
}

fn delete_key(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let days = deploy.property("PendingWindowInDays").cloned().unwrap_or(json!(30));
    let id = id(deploy)?;
    ignore_missing(call(tx, "ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": days})))
}

fn create_alias(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.text("AliasName").unwrap_or_default().to_owned();
    call(tx, "CreateAlias", json!({"AliasName": name, "TargetKeyId": deploy.property("TargetKeyId")}))?;
    Ok(Physical::new(name))
}

fn update_alias(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    call(
        tx,
        "UpdateAlias",
        json!({"AliasName": id(deploy)?, "TargetKeyId": deploy.property("TargetKeyId")}),
    )?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete_alias(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let name = id(deploy)?;
    ignore_missing(call(tx, "DeleteAlias", json!({"AliasName": name})))
}

//! `AWS::Logs::LogGroup`, `LogStream` and `ResourcePolicy` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Value as Json, json};

pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        type_name: "AWS::Logs::LogGroup",
        create: create_group,
        update: update_group,
        delete: delete_group,
        ready: None,
    },
    Resource {
        type_name: "AWS::Logs::LogStream",
        create: create_stream,
        update: create_stream,
        delete: delete_stream,
        ready: None,
    },
    Resource {
        type_name: "AWS::Logs::ResourcePolicy",
        create: put_policy,
        update: put_policy,
        delete: delete_policy,
        ready: None,
    },
];

fn ignore_missing(outcome: Result<Value, Fault>) -> Result<(), Fault> {
    match outcome {
        Err(fault) if fault.code != "ResourceNotFoundException" => Err(fault),
        _ => Ok(()),
    }
}

fn changed(deploy: &Deploy<'_>, property: &str) -> bool {
    deploy.previous.and_then(|old| old.get(property)) != deploy.property(property)
}

fn create_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.text("LogGroupName").map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 512));
    let tags = deploy.tags_with("Tags");
    deploy.call(
        tx,
        "logs",
        "CreateLogGroup",
        json!({
            "logGroupName": name,
            "kmsKeyId": deploy.property("KmsKeyId"),
            "logGroupClass": deploy.property("LogGroupClass"),
            "deletionProtectionEnabled": deploy.property("DeletionProtectionEnabled"),
            "tags": if tags.is_empty() { Json::Null } else { json!(tags) },
        }),
    )?;
    retain(tx, deploy, &name)?;
    let arn = format!("{}:*", crate::group::arn(&tx.region, &tx.account, &name));
    Ok(Physical::new(name).attribute("Arn", arn))
}

fn retain(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<(), Fault> {
    match deploy.property("RetentionInDays") {
        Some(days) => deploy
            .call(tx, "logs", "PutRetentionPolicy", json!({"logGroupName": name, "retentionInDays": days}))
            .map(|_| ()),
        None if deploy.previous.is_some_and(|p| p.get("RetentionInDays").is_some()) => {
            deploy.call(tx, "logs", "DeleteRetentionPolicy", json!({"logGroupName": name})).map(|_| ())
        }
        None => Ok(()),
    }
}

fn update_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.id()?.to_owned();
    if changed(deploy, "RetentionInDays") {
        retain(tx, deploy, &name)?;
    }
    if changed(deploy, "KmsKeyId") {
        let key = deploy.property("KmsKeyId");
        let operation = if key.is_some() { "AssociateKmsKey" } else { "DisassociateKmsKey" };
        deploy.call(tx, "logs", operation, json!({"logGroupName": name, "kmsKeyId": key}))?;
    }
    if changed(deploy, "DeletionProtectionEnabled") {
        let on = deploy.property("DeletionProtectionEnabled").and_then(Json::as_bool).unwrap_or(false);
        let input = json!({"logGroupIdentifier": name, "deletionProtectionEnabled": on});
        deploy.call(tx, "logs", "PutLogGroupDeletionProtection", input)?;
    }
    if changed(deploy, "Tags") {
        retag(tx, deploy, &name)?;
    }
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<(), Fault> {
    let arn = crate::group::arn(&tx.region, &tx.account, name);
    let new = deploy.tags_with("Tags");
    let old = deploy.previous.and_then(|p| p.get("Tags")).cloned().unwrap_or_default();
    let old = model::service::tags_of(&Value::from_json(old));
    let gone: Vec<&String> = old.keys().filter(|k| !new.contains_key(*k)).collect();
    if !gone.is_empty() {
        deploy.call(tx, "logs", "UntagResource", json!({"resourceArn": arn, "tagKeys": gone}))?;
    }
    if !new.is_empty() {
        deploy.call(tx, "logs", "TagResource", json!({"resourceArn": arn, "tags": new}))?;
    }
    Ok(())
}

fn delete_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    ignore_missing(deploy.call(tx, "logs", "DeleteLogGroup", json!({"logGroupName": deploy.id()?})))
}

/// Both of its properties are of its creation, so that there is nothing to update.
fn create_stream(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    if let Some(physical) = deploy.physical {
        return Ok(physical.clone());
    }
    let name = deploy.text("LogStreamName").map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 512));
    let input = json!({"logGroupName": deploy.property("LogGroupName"), "logStreamName": name});
    deploy.call(tx, "logs", "CreateLogStream", input)?;
    Ok(Physical::new(name))
}

fn delete_stream(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"logGroupName": deploy.property("LogGroupName"), "logStreamName": deploy.id()?});
    ignore_missing(deploy.call(tx, "logs", "DeleteLogStream", input))
}

fn put_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.text("PolicyName").unwrap_or_default().to_owned();
    let document = match deploy.property("PolicyDocument") {
        Some(Json::String(text)) => text.clone(),
        Some(document) => document.to_string(),
        None => String::new(),
    };
    tx.source = deploy.source("/PolicyDocument");
    let input = json!({"policyName": name, "policyDocument": document});
    let done = deploy.call(tx, "logs", "PutResourcePolicy", input);
    tx.source = None;
    done?;
    Ok(Physical::new(name))
}

fn delete_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    ignore_missing(deploy.call(tx, "logs", "DeleteResourcePolicy", json!({"policyName": deploy.id()?})))
}

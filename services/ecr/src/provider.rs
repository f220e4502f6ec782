//! `AWS::ECR::Repository` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Value as Json, json};

pub(crate) const RESOURCES: &[Resource] =
    &[Resource { type_name: "AWS::ECR::Repository", create, update, delete, ready: None }];

fn changed(deploy: &Deploy<'_>, property: &str) -> bool {
    deploy.previous.and_then(|old| old.get(property)) != deploy.property(property)
}

/// Documents begin with a capital in properties, and with a small letter in the API.
fn scanning(deploy: &Deploy<'_>) -> Json {
    let given = deploy.property("ImageScanningConfiguration");
    given
        .map(|s| json!({"scanOnPush": s.get("ScanOnPush").cloned().unwrap_or(json!(false))}))
        .unwrap_or_default()
}

fn tags(deploy: &Deploy<'_>) -> Vec<Json> {
    deploy.tags_with("Tags").into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    // Repositories have small letters only.
    let name = deploy.text("RepositoryName").map(str::to_owned);
    let name = name.unwrap_or_else(|| deploy.name(tx, 256).to_lowercase());
    let encryption = deploy.property("EncryptionConfiguration").map(|e| {
        json!({"encryptionType": e.get("EncryptionType"), "kmsKey": e.get("KmsKey").cloned().unwrap_or_default()})
    });
    let made = deploy.call(
        tx,
        "ecr",
        "CreateRepository",
        json!({
            "repositoryName": name,
            "imageTagMutability": deploy.property("ImageTagMutability"),
            "imageScanningConfiguration": scanning(deploy),
            "encryptionConfiguration": encryption,
            "tags": tags(deploy),
        }),
    )?;
    let made = made.get("repository").cloned().unwrap_or_default();
    policies(tx, deploy, &name)?;
    let text = |member: &str| made.text(member).unwrap_or_default().to_owned();
    Ok(Physical::new(name)
        .attribute("Arn", text("repositoryArn"))
        .attribute("RepositoryUri", text("repositoryUri")))
}

fn policies(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<(), Fault> {
    let had = |property: &str| deploy.previous.is_some_and(|p| p.get(property).is_some());
    if changed(deploy, "RepositoryPolicyText") {
        let (operation, input) = match deploy.property("RepositoryPolicyText") {
            Some(Json::String(text)) => {
                ("SetRepositoryPolicy", json!({"repositoryName": name, "policyText": text}))
            }
            Some(policy) => {
                ("SetRepositoryPolicy", json!({"repositoryName": name, "policyText": policy.to_string()}))
            }
            None => ("DeleteRepositoryPolicy", json!({"repositoryName": name})),
        };
        tx.source = deploy.source("/RepositoryPolicyText");
        let done = deploy.call(tx, "ecr", operation, input);
        tx.source = None;
        done?;
    }
    match deploy.property("LifecyclePolicy").and_then(|l| l.get("LifecyclePolicyText")) {
        Some(text) if changed(deploy, "LifecyclePolicy") => {
            let input = json!({"repositoryName": name, "lifecyclePolicyText": text});
            deploy.call(tx, "ecr", "PutLifecyclePolicy", input).map(|_| ())
        }
        None if had("LifecyclePolicy") => {
            deploy.call(tx, "ecr", "DeleteLifecyclePolicy", json!({"repositoryName": name})).map(|_| ())
        }
        _ => Ok(()),
    }
}

fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.id()?.to_owned();
    policies(tx, deploy, &name)?;
    if changed(deploy, "ImageTagMutability") {
        let wanted = deploy.text("ImageTagMutability").unwrap_or("MUTABLE");
        let input = json!({"repositoryName": name, "imageTagMutability": wanted});
        deploy.call(tx, "ecr", "PutImageTagMutability", input)?;
    }
    if changed(deploy, "ImageScanningConfiguration") {
        let wanted = match scanning(deploy) {
            Json::Null => json!({"scanOnPush": false}),
            wanted => wanted,
        };
        let input = json!({"repositoryName": name, "imageScanningConfiguration": wanted});
        deploy.call(tx, "ecr", "PutImageScanningConfiguration", input)?;
    }
    if changed(deploy, "Tags") {
        retag(tx, deploy, &name)?;
    }
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<(), Fault> {
    let arn = crate::repository::arn(&tx.region, &tx.account, name);
    let new = deploy.tags_with("Tags");
    let old = deploy.previous.and_then(|p| p.get("Tags")).cloned().unwrap_or_default();
    let old = model::service::tags_of(&Value::from_json(old));
    let gone: Vec<&String> = old.keys().filter(|k| !new.contains_key(*k)).collect();
    if !gone.is_empty() {
        deploy.call(tx, "ecr", "UntagResource", json!({"resourceArn": arn, "tagKeys": gone}))?;
    }
    if !new.is_empty() {
        deploy.call(tx, "ecr", "TagResource", json!({"resourceArn": arn, "tags": tags(deploy)}))?;
    }
    Ok(())
}

fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    match deploy.call(tx, "ecr", "DeleteRepository", json!({"repositoryName": deploy.id()?})) {
        Err(fault) if fault.code != "RepositoryNotFoundException" => Err(fault),
        _ => Ok(()),
    }
}

//! `AWS::CloudTrail::Trail` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx};
use serde_json::{Value as Json, json};

pub(crate) const RESOURCES: &[Resource] =
    &[Resource { type_name: "AWS::CloudTrail::Trail", create, update, delete, ready: None }];

fn input(deploy: &Deploy<'_>, name: &str) -> Json {
    json!({
        "Name": name,
        "S3BucketName": deploy.property("S3BucketName"),
        "S3KeyPrefix": deploy.property("S3KeyPrefix"),
        "KmsKeyId": deploy.property("KMSKeyId"),
        "IncludeGlobalServiceEvents": deploy.property("IncludeGlobalServiceEvents"),
        "IsMultiRegionTrail": deploy.property("IsMultiRegionTrail"),
        "IsOrganizationTrail": deploy.property("IsOrganizationTrail"),
    })
}

/// What is more than the trail itself: selectors, and whether it is logging.
fn complete(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<Physical, Fault> {
    if let Some(selectors) = deploy.property("EventSelectors") {
        deploy.call(
            tx,
            "cloudtrail",
            "PutEventSelectors",
            json!({"TrailName": name, "EventSelectors": selectors}),
        )?;
    }
    let logging = deploy.property("IsLogging").is_some_and(|l| *l == json!(true) || *l == json!("true"));
    let operation = if logging { "StartLogging" } else { "StopLogging" };
    deploy.call(tx, "cloudtrail", operation, json!({"Name": name}))?;
    let arn = model::ids::arn("cloudtrail", &tx.region, &tx.account, &format!("trail/{name}"));
    Ok(Physical::new(name).attribute("Arn", arn))
}

fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.text("TrailName").map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 128));
    let mut input = input(deploy, &name);
    let tags: Vec<Json> =
        deploy.tags_with("Tags").iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
    if let Some(map) = input.as_object_mut() {
        map.insert("TagsList".to_owned(), json!(tags));
    }
    deploy.call(tx, "cloudtrail", "CreateTrail", input)?;
    complete(tx, deploy, &name)
}

fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.id()?;
    deploy.call(tx, "cloudtrail", "UpdateTrail", input(deploy, name))?;
    complete(tx, deploy, name)
}

fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    match deploy.call(tx, "cloudtrail", "DeleteTrail", json!({"Name": deploy.id()?})) {
        Err(fault) if fault.code != "TrailNotFoundException" => Err(fault),
        _ => Ok(()),
    }
}

//! `AWS::S3::Bucket` and `AWS::S3::BucketPolicy` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Value as Json, json};

const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";

pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        type_name: "AWS::S3::Bucket",
        create: create_bucket,
        update: update_bucket,
        delete: delete_bucket,
        ready: None,
    },
    Resource {
        type_name: "AWS::S3::BucketPolicy",
        create: put_policy,
        update: put_policy,
        delete: delete_policy,
        ready: None,
    },
];

fn call(tx: &mut Tx<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    tx.call(CLOUDFORMATION, "s3", operation, Value::from_json(input))
}

fn create_bucket(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let given = deploy.text("BucketName").map(str::to_owned);
    let name = given.unwrap_or_else(|| deploy.name(tx, 63).to_ascii_lowercase());
    let mut input = json!({"Bucket": name});
    if tx.region != "us-east-1"
        && let Some(map) = input.as_object_mut()
    {
        map.insert("CreateBucketConfiguration".to_owned(), json!({"LocationConstraint": tx.region}));
    }
    call(tx, "CreateBucket", input)?;
    configure(tx, deploy, &name)?;
    Ok(physical(tx, name))
}

fn physical(tx: &Tx<'_>, name: String) -> Physical {
    let region = &tx.region;
    Physical::new(name.clone())
        .attribute("Arn", format!("arn:aws:s3:::{name}"))
        .attribute("DomainName", format!("{name}.s3.amazonaws.com"))
        .attribute("RegionalDomainName", format!("{name}.s3.{region}.amazonaws.com"))
        .attribute("DualStackDomainName", format!("{name}.s3.dualstack.{region}.amazonaws.com"))
        .attribute("WebsiteURL", format!("http://{name}.s3-website-{region}.amazonaws.com"))
}

fn configure(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<(), Fault> {
    if let Some(encryption) = deploy.property("BucketEncryption") {
        let rules = encryption
            .get("ServerSideEncryptionConfiguration")
            .and_then(Json::as_array)
            .cloned()
            .unwrap_or_default();
        let rules: Vec<Json> = rules
            .into_iter()
            .map(|rule| {
                json!({
                    "BucketKeyEnabled": rule.get("BucketKeyEnabled"),
                    "ApplyServerSideEncryptionByDefault": rule.get("ServerSideEncryptionByDefault"),
                })
            })
            .collect();
        call(
            tx,
            "PutBucketEncryption",
            json!({"Bucket": name, "ServerSideEncryptionConfiguration": {"Rules": rules}}),
        )?;
    }
    if let Some(block) = deploy.property("PublicAccessBlockConfiguration") {
        call(tx, "PutPublicAccessBlock", json!({"Bucket": name, "PublicAccessBlockConfiguration": block}))?;
    }
    if let Some(versioning) = deploy.property("VersioningConfiguration") {
        call(tx, "PutBucketVersioning", json!({"Bucket": name, "VersioningConfiguration": versioning}))?;
    }
    lifecycle(tx, deploy, name)?;
    if let Some(rules) = deploy.property("OwnershipControls") {
        call(tx, "PutBucketOwnershipControls", json!({"Bucket": name, "OwnershipControls": rules}))?;
    }
    let mut tags: Vec<Json> = deploy.tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
    tags.extend(deploy.property("Tags").and_then(Json::as_array).cloned().unwrap_or_default());
    if !tags.is_empty() {
        call(tx, "PutBucketTagging", json!({"Bucket": name, "Tagging": {"TagSet": tags}}))?;
    }
    Ok(())
}

fn lifecycle(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<(), Fault> {
    let Some(wanted) = deploy.property("LifecycleConfiguration") else {
        if deploy.previous.is_some_and(|p| p.get("LifecycleConfiguration").is_some()) {
            call(tx, "DeleteBucketLifecycle", json!({"Bucket": name}))?;
        }
        return Ok(());
    };
    let rules = wanted.get("Rules").and_then(Json::as_array).cloned().unwrap_or_default();
    let rules = rules.iter().map(|rule| {
        let days = rule.get("ExpirationInDays");
        let marker = rule.get("ExpiredObjectDeleteMarker");
        let expiration = (days.or(marker).is_some())
            .then(|| without_nulls(json!({"Days": days, "ExpiredObjectDeleteMarker": marker})));
        let old = rule.get("NoncurrentVersionExpirationInDays").map(|days| json!({"NoncurrentDays": days}));
        without_nulls(json!({
            "ID": rule.get("Id"),
            "Status": rule.get("Status"),
            "Filter": {"Prefix": rule.get("Prefix").and_then(Json::as_str).unwrap_or_default()},
            "Expiration": expiration,
            "NoncurrentVersionExpiration": rule.get("NoncurrentVersionExpiration").cloned().or(old),
            "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
        }))
    });
    let configuration = json!({"Rules": rules.collect::<Vec<_>>()});
    let input = json!({"Bucket": name, "LifecycleConfiguration": configuration});
    call(tx, "PutBucketLifecycleConfiguration", input).map(|_| ())
}

fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(map) => Json::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    }
}

fn id(deploy: &Deploy<'_>) -> Result<String, Fault> {
    deploy.physical.map(|p| p.id.clone()).ok_or_else(|| Fault::internal("the resource has no physical id"))
}

fn update_bucket(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = id(deploy)?;
    if deploy.property("BucketEncryption").is_none() {
        call(tx, "DeleteBucketEncryption", json!({"Bucket": name}))?;
    }
    configure(tx, deploy, &name)?;
    Ok(physical(tx, name))
}

/// What is gone already is deleted.
fn unless_missing(outcome: Result<Value, Fault>) -> Result<(), Fault> {
    match outcome {
        Err(fault) if fault.code != "NoSuchBucket" => Err(fault),
        _ => Ok(()),
    }
}

fn delete_bucket(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let name = id(deploy)?;
    unless_missing(call(tx, "DeleteBucket", json!({"Bucket": name})))
}

fn put_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let bucket = deploy
        .text("Bucket")
        .ok_or_else(|| Fault::validation("the property `Bucket` is required"))?
        .to_owned();
    let policy = deploy.property("PolicyDocument").map(ToString::to_string).unwrap_or_default();
    tx.source = deploy.source("/PolicyDocument");
    let done = call(tx, "PutBucketPolicy", json!({"Bucket": bucket, "Policy": policy}));
    tx.source = None;
    done?;
    Ok(Physical::new(bucket))
}

fn delete_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let bucket = id(deploy)?;
    unless_missing(call(tx, "DeleteBucketPolicy", json!({"Bucket": bucket})))
}

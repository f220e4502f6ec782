//! Which permission each call needs.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>

use model::{Ask, Asking, CallerKind, Fault, Value};

use crate::bucket::{Bucket, arn};
use crate::copy::copy_source;
use crate::object::header_tags;

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let Some(name) = asking.text("Bucket") else {
        return Ok(match asking.operation {
            "ListBuckets" => vec![Ask::new("s3:ListAllMyBuckets", "*")],
            _ => Vec::new(),
        });
    };
    restrict_public(asking, name)?;
    let bucket = arn(name);
    if let Some(action) = of_bucket(asking.operation) {
        return Ok(vec![listing_keys(asking, Ask::new(action, bucket))]);
    }
    let object = |action: &'static str, key: &str| {
        let mut ask = Ask::new(action, format!("{bucket}/{key}"));
        ask.owner = Some(bucket.clone());
        ask
    };
    let key = asking.text("Key").unwrap_or_default();
    let versioned = asking.text("VersionId").is_some();
    let asks = match asking.operation {
        "GetObject" | "HeadObject" => {
            let action = if versioned { "s3:GetObjectVersion" } else { "s3:GetObject" };
            vec![object(action, key).key("s3:VersionId", asking.text("VersionId"))]
        }
        "GetObjectTagging" => {
            vec![object(if versioned { "s3:GetObjectVersionTagging" } else { "s3:GetObjectTagging" }, key)]
        }
        "DeleteObjectTagging" if versioned => vec![object("s3:DeleteObjectVersionTagging", key)],
        "DeleteObjectTagging" => vec![object("s3:DeleteObjectTagging", key)],
        "GetObjectAcl" => {
            vec![object(if versioned { "s3:GetObjectVersionAcl" } else { "s3:GetObjectAcl" }, key)]
        }
        "PutObjectTagging" => {
            vec![object(if versioned { "s3:PutObjectVersionTagging" } else { "s3:PutObjectTagging" }, key)]
        }
        "PutObject" | "CreateMultipartUpload" => writing(asking, object("s3:PutObject", key), key, object)?,
        "UploadPart" | "CompleteMultipartUpload" => vec![object("s3:PutObject", key)],
        "AbortMultipartUpload" => vec![object("s3:AbortMultipartUpload", key)],
        "ListParts" => vec![object("s3:ListMultipartUploadParts", key)],
        "DeleteObject" => {
            vec![object(if versioned { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" }, key)]
        }
        "DeleteObjects" => {
            let objects = asking
                .input
                .get("Delete")
                .and_then(|d| d.get("Objects"))
                .and_then(Value::as_list)
                .unwrap_or_default();
            let one = |o: &Value| {
                let action =
                    if o.text("VersionId").is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
                object(action, o.text("Key").unwrap_or_default())
            };
            objects.iter().map(one).collect()
        }
        "CopyObject" | "UploadPartCopy" => {
            let source = asking.text("CopySource").and_then(copy_source);
            let (from, from_key, version) = source.ok_or_else(|| {
                Fault::client("InvalidArgument", "Copy Source must mention the source bucket and key")
            })?;
            let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
            let mut read = Ask::new(action, format!("{}/{from_key}", arn(&from)));
            read.owner = Some(arn(&from));
            let mut asks = vec![read];
            asks.extend(writing(asking, object("s3:PutObject", key), key, object)?);
            asks
        }
        _ => Vec::new(),
    };
    Ok(asks)
}

fn of_bucket(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "CreateBucket" => "s3:CreateBucket",
        "DeleteBucket" => "s3:DeleteBucket",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "s3:ListBucket",
        "ListObjectVersions" => "s3:ListBucketVersions",
        "ListMultipartUploads" => "s3:ListBucketMultipartUploads",
        "GetBucketLocation" => "s3:GetBucketLocation",
        "GetBucketAcl" => "s3:GetBucketAcl",
        "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => "s3:PutLifecycleConfiguration",
        "GetBucketLifecycleConfiguration" => "s3:GetLifecycleConfiguration",
        "GetBucketPolicy" => "s3:GetBucketPolicy",
        "PutBucketPolicy" => "s3:PutBucketPolicy",
        "DeleteBucketPolicy" => "s3:DeleteBucketPolicy",
        "GetBucketPolicyStatus" => "s3:GetBucketPolicyStatus",
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => "s3:PutBucketPublicAccessBlock",
        "GetPublicAccessBlock" => "s3:GetBucketPublicAccessBlock",
        "PutBucketEncryption" | "DeleteBucketEncryption" => "s3:PutEncryptionConfiguration",
        "GetBucketEncryption" => "s3:GetEncryptionConfiguration",
        "PutBucketVersioning" => "s3:PutBucketVersioning",
        "GetBucketVersioning" => "s3:GetBucketVersioning",
        "PutBucketTagging" | "DeleteBucketTagging" => "s3:PutBucketTagging",
        "GetBucketTagging" => "s3:GetBucketTagging",
        "PutBucketOwnershipControls" => "s3:PutBucketOwnershipControls",
        "GetBucketOwnershipControls" => "s3:GetBucketOwnershipControls",
        _ => return None,
    })
}

fn listing_keys(asking: &Asking<'_>, mut ask: Ask) -> Ask {
    if matches!(asking.operation, "ListObjects" | "ListObjectsV2" | "ListObjectVersions") {
        let max = asking.input.get("MaxKeys").and_then(Value::as_i64).map(|n| n.to_string());
        ask = ask
            // An absent prefix is an empty one to a policy that names it.
            .key("s3:prefix", Some(asking.text("Prefix").unwrap_or_default()))
            .key("s3:delimiter", asking.text("Delimiter"))
            .key("s3:max-keys", max);
    }
    if asking.operation == "CreateBucket" {
        let location =
            asking.input.get("CreateBucketConfiguration").and_then(|c| c.text("LocationConstraint"));
        ask = ask.key("s3:LocationConstraint", location);
        // A bucket that is not there yet would be the caller's.
        ask.account = Some(asking.account.clone());
    }
    ask
}

fn writing(
    asking: &Asking<'_>,
    put: Ask,
    key: &str,
    object: impl Fn(&'static str, &str) -> Ask,
) -> Result<Vec<Ask>, Fault> {
    let tags = header_tags(asking.text("Tagging"))?;
    let mut put = put
        .key("s3:x-amz-server-side-encryption", asking.text("ServerSideEncryption"))
        .key("s3:x-amz-server-side-encryption-aws-kms-key-id", asking.text("SSEKMSKeyId"))
        .key("s3:x-amz-acl", asking.text("ACL"))
        .key("s3:x-amz-storage-class", asking.text("StorageClass"))
        .key("s3:x-amz-copy-source", asking.text("CopySource"))
        .key("s3:x-amz-metadata-directive", asking.text("MetadataDirective"));
    for (name, value) in &tags {
        put = put.key(format!("s3:RequestObjectTag/{name}"), Some(value.as_str()));
    }
    if tags.is_empty() {
        return Ok(vec![put]);
    }
    put = put.keys("s3:RequestObjectTagKeys", tags.keys().cloned().collect());
    Ok(vec![put, object("s3:PutObjectTagging", key)])
}

/// `RestrictPublicBuckets`: a bucket whose policy is public is for its own account and for services only.
fn restrict_public(asking: &Asking<'_>, name: &str) -> Result<(), Fault> {
    let Some(bucket) = asking.snapshot.find_arn::<Bucket>(&arn(name)) else { return Ok(()) };
    let restricted = bucket.block.is_some_and(|b| b.restrict_public_buckets);
    let outsider =
        asking.caller.account != bucket.account && !matches!(asking.caller.kind, CallerKind::Service { .. });
    match restricted && outsider && bucket.is_public() {
        true => Err(Fault::access_denied(
            "Access Denied: the bucket's policy is public and RestrictPublicBuckets is on",
        )),
        false => Ok(()),
    }
}

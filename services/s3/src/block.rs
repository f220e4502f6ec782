//! Block Public Access: which bucket policies are public, and what is then refused.

use model::policy::Proof;
use model::{Fault, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::bucket::{Bucket, find};
use crate::shapes::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block {
    pub(crate) block_public_acls: bool,
    pub(crate) ignore_public_acls: bool,
    pub(crate) block_public_policy: bool,
    pub(crate) restrict_public_buckets: bool,
}

impl Block {
    /// What every new bucket has since April 2023.
    pub(crate) const ALL: Block = Block {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}

/// Whether a policy lets anyone in, in the sense of Block Public Access: what cannot be proved otherwise does.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
pub(crate) fn is_public(tx: &Tx<'_>, policy: &str) -> bool {
    let closed =
        tx.host().policies().prove(&Proof::NoPublicAccess { policy, resource_type: "AWS::S3::Bucket" });
    !closed.is_ok_and(|proved| proved.holds)
}

/// Refuses what the bucket's block forbids, and what is no policy about this bucket; else tells whether it is public.
pub(crate) fn check_policy(tx: &Tx<'_>, bucket: &Bucket, text: &str) -> Result<bool, Fault> {
    let malformed = |why: &str| Fault::client("MalformedPolicy", why.to_owned());
    let document: Json = serde_json::from_str(text)
        .map_err(|_| malformed("Policies must be valid JSON and the first byte must be '{'"))?;
    let statements = match document.get("Statement") {
        Some(Json::Array(list)) => list.clone(),
        Some(one @ Json::Object(_)) => vec![one.clone()],
        _ => return Err(malformed("Missing required field Statement")),
    };
    let own = crate::bucket::arn(&bucket.name);
    for statement in &statements {
        if statement.get("Principal").is_none() && statement.get("NotPrincipal").is_none() {
            return Err(malformed("Missing required field Principal"));
        }
        let resources = match statement.get("Resource").or(statement.get("NotResource")) {
            Some(Json::String(one)) => vec![one.as_str()],
            Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).collect(),
            _ => return Err(malformed("Missing required field Resource")),
        };
        if !resources
            .iter()
            .all(|r| *r == own || r.starts_with(&format!("{own}/")) || *r == format!("{own}*"))
        {
            return Err(malformed("Policy has invalid resource"));
        }
    }
    let public = is_public(tx, text);
    if bucket.block.is_some_and(|b| b.block_public_policy) && public {
        return Err(Fault::new(
            "AccessDenied",
            403,
            format!(
                "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"{own}\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
                tx.caller().arn
            ),
        ));
    }
    Ok(public)
}

pub(crate) fn get_bucket_policy_status(
    tx: &mut Tx<'_>,
    input: GetBucketPolicyStatusRequest,
) -> Result<GetBucketPolicyStatusOutput, Fault> {
    let bucket = find(tx, &input.bucket)?;
    if bucket.policy.is_none() {
        return Err(Fault::new("NoSuchBucketPolicy", 404, "The bucket policy does not exist"));
    }
    Ok(GetBucketPolicyStatusOutput {
        policy_status: Some(PolicyStatus { is_public: Some(bucket.is_public()) }),
    })
}

pub(crate) fn put_public_access_block(
    tx: &mut Tx<'_>,
    input: PutPublicAccessBlockRequest,
) -> Result<(), Fault> {
    let mut bucket = find(tx, &input.bucket)?;
    let wanted = input.public_access_block_configuration;
    bucket.block = Some(Block {
        block_public_acls: wanted.block_public_acls.unwrap_or(false),
        ignore_public_acls: wanted.ignore_public_acls.unwrap_or(false),
        block_public_policy: wanted.block_public_policy.unwrap_or(false),
        restrict_public_buckets: wanted.restrict_public_buckets.unwrap_or(false),
    });
    tx.put(bucket)
}

pub(crate) fn get_public_access_block(
    tx: &mut Tx<'_>,
    input: GetPublicAccessBlockRequest,
) -> Result<GetPublicAccessBlockOutput, Fault> {
    let bucket = find(tx, &input.bucket)?;
    let missing = || {
        Fault::new(
            "NoSuchPublicAccessBlockConfiguration",
            404,
            "The public access block configuration was not found",
        )
    };
    let block = bucket.block.ok_or_else(missing)?;
    Ok(GetPublicAccessBlockOutput {
        public_access_block_configuration: Some(PublicAccessBlockConfiguration {
            block_public_acls: Some(block.block_public_acls),
            ignore_public_acls: Some(block.ignore_public_acls),
            block_public_policy: Some(block.block_public_policy),
            restrict_public_buckets: Some(block.restrict_public_buckets),
        }),
    })
}

pub(crate) fn delete_public_access_block(
    tx: &mut Tx<'_>,
    input: DeletePublicAccessBlockRequest,
) -> Result<(), Fault> {
    let mut bucket = find(tx, &input.bucket)?;
    bucket.block = None;
    tx.put(bucket)
}

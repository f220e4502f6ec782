//! Buckets: the node, and the operations on its configuration.

use model::{AccountId, Fault, Node, PolicyText, Tags, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::block::{self, Block};
use crate::listing;
use crate::shapes::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) policy: Option<PolicyText>,
    /// What the prover said of the policy when it was written.
    #[serde(default)]
    pub(crate) public: Option<bool>,
    pub(crate) block: Option<Block>,
    pub(crate) encryption: Encryption,
    pub(crate) versioning: Option<Versioning>,
    pub(crate) tags: Tags,
    /// `BucketOwnerEnforced`, `BucketOwnerPreferred` or `ObjectWriter`. ACLs are not served.
    pub(crate) ownership: String,
    #[serde(default)]
    pub(crate) lifecycle: Vec<crate::lifecycle::Rule>,
}

/// What new objects are encrypted with unless they say otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Encryption {
    S3,
    Kms { key: Option<String>, bucket_key: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioning {
    Enabled,
    Suspended,
}

impl Node for Bucket {
    const KIND: &'static str = "AWS::S3::Bucket";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.name
    }
    fn arn(&self) -> Option<String> {
        Some(arn(&self.name))
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn policy(&self) -> Option<&PolicyText> {
        self.policy.as_ref()
    }
}

impl Bucket {
    /// Its policy lets anyone in, as far as is known.
    pub(crate) fn is_public(&self) -> bool {
        self.policy.is_some() && self.public != Some(false)
    }
}

pub(crate) fn arn(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

/// The bucket of this name, whoever owns it.
pub(crate) fn find(tx: &Tx<'_>, name: &str) -> Result<Bucket, Fault> {
    let missing =
        || Fault::new("NoSuchBucket", 404, "The specified bucket does not exist").with("BucketName", name);
    tx.find_arn::<Bucket>(&arn(name)).cloned().ok_or_else(missing)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
fn valid_name(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && edge(name.chars().next())
        && edge(name.chars().next_back())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !name.starts_with("xn--")
}

fn refuse_acl(acl: Option<&str>) -> Result<(), Fault> {
    match acl {
        None | Some("private" | "bucket-owner-full-control") => Ok(()),
        Some(_) => Err(Fault::client(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        )),
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>
pub(crate) fn create_bucket(
    tx: &mut Tx<'_>,
    input: CreateBucketRequest,
) -> Result<CreateBucketOutput, Fault> {
    let name = input.bucket;
    if !valid_name(&name) {
        return Err(
            Fault::client("InvalidBucketName", "The specified bucket is not valid.").with("BucketName", name)
        );
    }
    refuse_acl(input.acl.as_deref())?;
    let wanted = input.create_bucket_configuration.and_then(|c| c.location_constraint);
    let region = match wanted.as_deref() {
        None | Some("") => "us-east-1".to_owned(),
        Some("EU") => "eu-west-1".to_owned(),
        Some(region) => region.to_owned(),
    };
    if tx.region != "us-east-1" && region != tx.region {
        let message = format!(
            "The {region} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        return Err(Fault::client("IllegalLocationConstraintException", message));
    }
    if let Some(old) = tx.find_arn::<Bucket>(&arn(&name)) {
        let own = old.account == tx.account;
        return match own {
            // In us-east-1 creating one's own bucket again changes nothing.
            true if region == "us-east-1" && old.region == "us-east-1" => {
                Ok(CreateBucketOutput { location: Some(format!("/{name}")), ..CreateBucketOutput::default() })
            }
            true => Err(Fault::new("BucketAlreadyOwnedByYou", 409, "Your previous request to create the named bucket succeeded and you already own it.").with("BucketName", name)),
            false => Err(Fault::new("BucketAlreadyExists", 409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.").with("BucketName", name)),
        };
    }
    tx.put(Bucket {
        account: tx.account.clone(),
        region,
        name: name.clone(),
        created: tx.now,
        policy: None,
        public: None,
        block: Some(Block::ALL),
        encryption: Encryption::S3,
        versioning: None,
        tags: Tags::new(),
        ownership: input.object_ownership.unwrap_or_else(|| "BucketOwnerEnforced".to_owned()),
        lifecycle: Vec::new(),
    })?;
    Ok(CreateBucketOutput { location: Some(format!("/{name}")), bucket_arn: Some(arn(&name)) })
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html>
pub(crate) fn delete_bucket(tx: &mut Tx<'_>, input: DeleteBucketRequest) -> Result<(), Fault> {
    let bucket = find(tx, &input.bucket)?;
    if !listing::is_empty(tx, &bucket.name)? {
        return Err(Fault::new("BucketNotEmpty", 409, "The bucket you tried to delete is not empty")
            .with("BucketName", bucket.name));
    }
    tx.remove(&bucket)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>
pub(crate) fn head_bucket(tx: &mut Tx<'_>, input: HeadBucketRequest) -> Result<HeadBucketOutput, Fault> {
    let bucket = find(tx, &input.bucket)?;
    Ok(HeadBucketOutput { bucket_region: Some(bucket.region), ..HeadBucketOutput::default() })
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html>
pub(crate) fn list_buckets(tx: &mut Tx<'_>, input: ListBucketsRequest) -> Result<ListBucketsOutput, Fault> {
    let limit = input.max_buckets.and_then(|n| usize::try_from(n).ok()).unwrap_or(10_000);
    let mut own: Vec<&Bucket> = tx.snapshot().all::<Bucket>().filter(|b| b.account == tx.account).collect();
    own.sort_by(|a, b| a.name.cmp(&b.name));
    let wanted = own.into_iter().filter(|b| {
        input.prefix.as_ref().is_none_or(|p| b.name.starts_with(p.as_str()))
            && input.bucket_region.as_ref().is_none_or(|r| b.region == *r)
            && input.continuation_token.as_ref().is_none_or(|t| b.name.as_str() > t.as_str())
    });
    let mut buckets: Vec<crate::shapes::Bucket> = wanted
        .take(limit + 1)
        .map(|b| crate::shapes::Bucket {
            name: Some(b.name.clone()),
            creation_date: Some(b.created),
            bucket_region: Some(b.region.clone()),
            bucket_arn: Some(arn(&b.name)),
        })
        .collect();
    let more = buckets.len() > limit;
    buckets.truncate(limit);
    let continuation_token = if more { buckets.last().and_then(|b| b.name.clone()) } else { None };
    let owner = Owner { id: Some(canonical(&tx.account)), ..Owner::default() };
    Ok(ListBucketsOutput {
        buckets: Some(buckets),
        owner: Some(owner),
        continuation_token,
        prefix: input.prefix,
    })
}

/// The canonical user id of an account: 64 hexadecimal digits.
pub(crate) fn canonical(account: &AccountId) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, format!("canonical {account}").as_bytes());
    hex::encode(hash)
}

pub(crate) fn get_bucket_location(
    tx: &mut Tx<'_>,
    input: GetBucketLocationRequest,
) -> Result<GetBucketLocationOutput, Fault> {
    let bucket = find(tx, &input.bucket)?;
    let named = (bucket.region != "us-east-1").then_some(bucket.region);
    Ok(GetBucketLocationOutput { location_constraint: named })
}

/// Only its owner has a grant: ACLs are off.
pub(crate) fn get_bucket_acl(
    tx: &mut Tx<'_>,
    input: GetBucketAclRequest,
) -> Result<GetBucketAclOutput, Fault> {
    let owner = canonical(&find(tx, &input.bucket)?.account);
    let grantee =
        Grantee { r#type: "CanonicalUser".to_owned(), id: Some(owner.clone()), ..Grantee::default() };
    Ok(GetBucketAclOutput {
        owner: Some(Owner { id: Some(owner), display_name: None }),
        grants: Some(vec![Grant { grantee: Some(grantee), permission: Some("FULL_CONTROL".to_owned()) }]),
    })
}

pub(crate) fn get_bucket_policy(
    tx: &mut Tx<'_>,
    input: GetBucketPolicyRequest,
) -> Result<GetBucketPolicyOutput, Fault> {
    let bucket = find(tx, &input.bucket)?;
    match bucket.policy {
        Some(policy) => Ok(GetBucketPolicyOutput { policy: Some(policy.text) }),
        None => Err(Fault::new("NoSuchBucketPolicy", 404, "The bucket policy does not exist")
            .with("BucketName", bucket.name)),
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>
pub(crate) fn put_bucket_policy(tx: &mut Tx<'_>, input: PutBucketPolicyRequest) -> Result<(), Fault> {
    let mut bucket = find(tx, &input.bucket)?;
    let policy = PolicyText::new(input.policy, tx.source.clone());
    bucket.public = Some(block::check_policy(tx, &bucket, &policy.text)?);
    bucket.policy = Some(policy);
    tx.put(bucket)
}

pub(crate) fn delete_bucket_policy(tx: &mut Tx<'_>, input: DeleteBucketPolicyRequest) -> Result<(), Fault> {
    let mut bucket = find(tx, &input.bucket)?;
    bucket.policy = None;
    tx.put(bucket)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html>
pub(crate) fn put_bucket_encryption(tx: &mut Tx<'_>, input: PutBucketEncryptionRequest) -> Result<(), Fault> {
    let mut bucket = find(tx, &input.bucket)?;
    let rule = input.server_side_encryption_configuration.rules.into_iter().next().ok_or_else(malformed)?;
    let default = rule.apply_server_side_encryption_by_default.ok_or_else(malformed)?;
    bucket.encryption = match (default.sse_algorithm.as_str(), default.kms_master_key_id) {
        ("AES256", None) => Encryption::S3,
        ("aws:kms", key) => Encryption::Kms { key, bucket_key: rule.bucket_key_enabled.unwrap_or(false) },
        ("AES256", Some(_)) => {
            return Err(Fault::client(
                "InvalidArgument",
                "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            ));
        }
        (other, _) => {
            return Err(Fault::client("InvalidArgument", format!("the encryption `{other}` is not served")));
        }
    };
    tx.put(bucket)
}

pub(crate) fn malformed() -> Fault {
    Fault::client(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

pub(crate) fn get_bucket_encryption(
    tx: &mut Tx<'_>,
    input: GetBucketEncryptionRequest,
) -> Result<GetBucketEncryptionOutput, Fault> {
    let bucket = find(tx, &input.bucket)?;
    let (sse_algorithm, kms_master_key_id, bucket_key) = match bucket.encryption {
        Encryption::S3 => ("AES256", None, false),
        Encryption::Kms { key, bucket_key } => ("aws:kms", key, bucket_key),
    };
    let default =
        ServerSideEncryptionByDefault { sse_algorithm: sse_algorithm.to_owned(), kms_master_key_id };
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(default),
        bucket_key_enabled: Some(bucket_key),
        ..ServerSideEncryptionRule::default()
    };
    Ok(GetBucketEncryptionOutput {
        server_side_encryption_configuration: Some(ServerSideEncryptionConfiguration { rules: vec![rule] }),
    })
}

pub(crate) fn delete_bucket_encryption(
    tx: &mut Tx<'_>,
    input: DeleteBucketEncryptionRequest,
) -> Result<(), Fault> {
    let mut bucket = find(tx, &input.bucket)?;
    bucket.encryption = Encryption::S3;
    tx.put(bucket)
}

pub(crate) fn put_bucket_versioning(tx: &mut Tx<'_>, input: PutBucketVersioningRequest) -> Result<(), Fault> {
    let mut bucket = find(tx, &input.bucket)?;
    if input.versioning_configuration.mfa_delete.as_deref() == Some("Enabled") {
        return Err(Fault::client("InvalidArgument", "MFA delete is not served"));
    }
    bucket.versioning = match input.versioning_configuration.status.as_deref() {
        Some("Enabled") => Some(Versioning::Enabled),
        Some("Suspended") => Some(Versioning::Suspended),
        _ => {
            return Err(Fault::client(
                "IllegalVersioningConfigurationException",
                "The Versioning element must be specified",
            ));
        }
    };
    tx.put(bucket)
}

pub(crate) fn get_bucket_versioning(
    tx: &mut Tx<'_>,
    input: GetBucketVersioningRequest,
) -> Result<GetBucketVersioningOutput, Fault> {
    let status = find(tx, &input.bucket)?.versioning.map(|v| format!("{v:?}"));
    Ok(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() })
}

pub(crate) fn put_bucket_tagging(tx: &mut Tx<'_>, input: PutBucketTaggingRequest) -> Result<(), Fault> {
    let mut bucket = find(tx, &input.bucket)?;
    bucket.tags = tags(input.tagging)?;
    tx.put(bucket)
}

/// Tags with distinct keys, at most fifty.
pub(crate) fn tags(tagging: Tagging) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for tag in tagging.tag_set {
        if tag.key.is_empty()
            || tag.key.len() > 128
            || tag.value.len() > 256
            || tags.insert(tag.key, tag.value).is_some()
        {
            return Err(Fault::client(
                "InvalidTag",
                "Cannot provide multiple Tags with the same key, or a tag that is too long",
            ));
        }
    }
    match tags.len() {
        0..=50 => Ok(tags),
        _ => Err(Fault::client("BadRequest", "Bucket tag count cannot be greater than 50")),
    }
}

pub(crate) fn tag_set(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

pub(crate) fn get_bucket_tagging(
    tx: &mut Tx<'_>,
    input: GetBucketTaggingRequest,
) -> Result<GetBucketTaggingOutput, Fault> {
    let bucket = find(tx, &input.bucket)?;
    match bucket.tags.is_empty() {
        true => {
            Err(Fault::new("NoSuchTagSet", 404, "The TagSet does not exist").with("BucketName", bucket.name))
        }
        false => Ok(GetBucketTaggingOutput { tag_set: tag_set(&bucket.tags) }),
    }
}

pub(crate) fn delete_bucket_tagging(tx: &mut Tx<'_>, input: DeleteBucketTaggingRequest) -> Result<(), Fault> {
    let mut bucket = find(tx, &input.bucket)?;
    bucket.tags.clear();
    tx.put(bucket)
}

pub(crate) fn put_bucket_ownership_controls(
    tx: &mut Tx<'_>,
    input: PutBucketOwnershipControlsRequest,
) -> Result<(), Fault> {
    let mut bucket = find(tx, &input.bucket)?;
    let rule = input.ownership_controls.rules.into_iter().next().ok_or_else(malformed)?;
    bucket.ownership = rule.object_ownership;
    tx.put(bucket)
}

pub(crate) fn get_bucket_ownership_controls(
    tx: &mut Tx<'_>,
    input: GetBucketOwnershipControlsRequest,
) -> Result<GetBucketOwnershipControlsOutput, Fault> {
    let object_ownership = find(tx, &input.bucket)?.ownership;
    let controls = OwnershipControls { rules: vec![OwnershipControlsRule { object_ownership }] };
    Ok(GetBucketOwnershipControlsOutput { ownership_controls: Some(controls) })
}

//! Block Public Access: which bucket policies are public, and what is then refused.

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

/// Condition keys that confine "everyone" to someone, when compared with fixed values.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
const CONFINING: [&str; 16] = [
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:userid",
    "aws:sourceip",
    "aws:vpcsourceip",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
    "aws:sourceorgid",
];

/// Whether a policy lets anyone in, in the sense of Block Public Access.
pub(crate) fn is_public(policy: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Json>(policy) else { return true };
    match document.get("Statement") {
        Some(Json::Array(statements)) => statements.iter().any(public_statement),
        Some(one) => public_statement(one),
        None => false,
    }
}

fn public_statement(statement: &Json) -> bool {
    let everyone = |principal: &Json| match principal {
        Json::String(star) => star == "*",
        Json::Object(kinds) => kinds.values().any(|names| match names {
            Json::String(name) => name == "*",
            Json::Array(names) => names.iter().any(|n| n == "*"),
            _ => true,
        }),
        _ => true,
    };
    let open = statement.get("NotPrincipal").is_some() || statement.get("Principal").is_some_and(everyone);
    statement.get("Effect").and_then(Json::as_str) == Some("Allow")
        && open
        && !confined(statement.get("Condition"))
}

fn confined(condition: Option<&Json>) -> bool {
    let Some(Json::Object(operators)) = condition else { return false };
    operators.iter().any(|(operator, keys)| {
        let positive = !operator.contains("Not")
            && !operator.ends_with("IfExists")
            && operator != "Null"
            && operator != "Bool";
        let Json::Object(keys) = keys else { return false };
        positive
            && keys.iter().any(|(key, value)| {
                CONFINING.contains(&key.to_ascii_lowercase().as_str()) && fixed(key, value)
            })
    })
}

/// Without wildcards and variables; address ranges not so wide that they are everyone.
fn fixed(key: &str, value: &Json) -> bool {
    let good = |text: &str| {
        let wide = text.split_once('/').and_then(|(_, bits)| bits.parse::<u8>().ok());
        match key.to_ascii_lowercase().ends_with("sourceip") {
            true => !(wide.is_some_and(|bits| if text.contains(':') { bits < 32 } else { bits < 8 })),
            false => !text.contains("${") && !text.contains('*') && !text.contains('?'),
        }
    };
    match value {
        Json::String(text) => good(text),
        Json::Array(list) => !list.is_empty() && list.iter().all(|v| v.as_str().is_some_and(good)),
        _ => false,
    }
}

/// Refuses what the bucket's block forbids, and what is no policy about this bucket.
pub(crate) fn check_policy(tx: &Tx<'_>, bucket: &Bucket, text: &str) -> Result<(), Fault> {
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
    let _ = tx;
    if bucket.block.is_some_and(|b| b.block_public_policy) && is_public(text) {
        return Err(Fault::new(
            "AccessDenied",
            403,
            format!(
                "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"{own}\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
                tx.caller().arn
            ),
        ));
    }
    Ok(())
}

pub(crate) fn get_bucket_policy_status(
    tx: &mut Tx<'_>,
    input: GetBucketPolicyStatusRequest,
) -> Result<GetBucketPolicyStatusOutput, Fault> {
    let bucket = find(tx, &input.bucket)?;
    let policy = bucket
        .policy
        .ok_or_else(|| Fault::new("NoSuchBucketPolicy", 404, "The bucket policy does not exist"))?;
    Ok(GetBucketPolicyStatusOutput {
        policy_status: Some(PolicyStatus { is_public: Some(is_public(&policy.text)) }),
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

#[cfg(test)]
mod tests {
    use super::is_public;

    fn policy(principal: &str, condition: &str) -> String {
        format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"{condition}}}]}}"#
        )
    }

    #[test]
    fn everyone_is_public_unless_confined() {
        let when = |operator: &str, key: &str, value: &str| {
            format!(r#","Condition":{{"{operator}":{{"{key}":{value}}}}}"#)
        };
        let cases = [
            (policy(r#""*""#, ""), true),
            (policy(r#"{"AWS":"*"}"#, ""), true),
            (policy(r#"{"AWS":"111122223333"}"#, ""), false),
            (policy(r#""*""#, &when("StringEquals", "aws:PrincipalOrgID", r#""o-abc""#)), false),
            (policy(r#""*""#, &when("StringNotEquals", "aws:PrincipalOrgID", r#""o-abc""#)), true),
            (policy(r#""*""#, &when("StringLike", "aws:PrincipalArn", r#""arn:*""#)), true),
            (policy(r#""*""#, &when("IpAddress", "aws:SourceIp", r#""10.0.0.0/8""#)), false),
            (policy(r#""*""#, &when("IpAddress", "aws:SourceIp", r#""0.0.0.0/1""#)), true),
            (policy(r#""*""#, &when("Bool", "aws:SecureTransport", r#""true""#)), true),
            ("not a policy".to_owned(), true),
        ];
        for (text, public) in cases {
            assert_eq!(is_public(&text), public, "{text}");
        }
    }
}

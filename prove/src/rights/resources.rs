//! Where resources have their policies, and which part of a resource an action is about.

/// A type that writes the policy of a resource, the property with the document, and the one that names
/// the resources; empty: the resource itself.
pub(crate) const POLICIES: &[(&str, &str, &str)] = &[
    ("AWS::DynamoDB::Table", "ResourcePolicy/PolicyDocument", ""),
    ("AWS::ECR::Repository", "RepositoryPolicyText", ""),
    ("AWS::IAM::Role", "AssumeRolePolicyDocument", ""),
    ("AWS::KMS::Key", "KeyPolicy", ""),
    ("AWS::S3::BucketPolicy", "PolicyDocument", "Bucket"),
    ("AWS::SNS::TopicPolicy", "PolicyDocument", "Topics"),
    ("AWS::SQS::QueuePolicy", "PolicyDocument", "Queues"),
    ("AWS::SecretsManager::ResourcePolicy", "ResourcePolicy", "SecretId"),
    ("AWS::SecretsManager::Secret", "ResourcePolicy", ""),
    ("Countersign::KeyPolicy", "PolicyDocument", "Key"),
    ("Countersign::Resource", "Policy", ""),
];

/// Properties with the role that acts for a resource, or with what it is another name of.
pub(crate) const ROLES: &[(&str, &str)] = &[
    ("AWS::ECS::TaskDefinition", "TaskRoleArn"),
    ("AWS::KMS::Alias", "TargetKeyId"),
    ("AWS::Lambda::Function", "Role"),
];

/// The resources that an action on `arn` is asked of.
pub(crate) fn asked(action: &str, arn: &str) -> Vec<String> {
    let (vendor, name) = action.split_once(':').unwrap_or_default();
    let under = |tail: &str| format!("{arn}{tail}");
    let whole = || vec![arn.to_owned()];
    match vendor.to_ascii_lowercase().as_str() {
        "s3" if !arn.contains('/') => match name {
            name if name.contains('*') || name.contains('?') => vec![arn.to_owned(), under("/*")],
            name if name.contains("Bucket") => whole(),
            name if name.contains("Object") || name.contains("Multipart") => vec![under("/*")],
            _ => whole(),
        },
        "dynamodb" => vec![arn.to_owned(), under("/index/*"), under("/stream/*")],
        "logs" => vec![arn.to_owned(), under(":*"), arn.trim_end_matches(":*").to_owned()],
        "lambda" => vec![arn.to_owned(), under(":*")],
        _ => whole(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_asked_of_what_they_are_about() {
        let bucket = "arn:aws:s3:::b";
        for (action, arn, expected) in [
            ("s3:GetObject", bucket, vec!["arn:aws:s3:::b/*"]),
            ("s3:GetObject", "arn:aws:s3:::b/k", vec!["arn:aws:s3:::b/k"]),
            ("s3:ListBucket", bucket, vec![bucket]),
            ("s3:PutBucketObjectLockConfiguration", bucket, vec![bucket]),
            ("s3:*", bucket, vec![bucket, "arn:aws:s3:::b/*"]),
            ("kms:Decrypt", "arn:aws:kms:x:1:key/k", vec!["arn:aws:kms:x:1:key/k"]),
        ] {
            assert_eq!(asked(action, arn), expected, "{action}");
        }
        assert!(POLICIES.is_sorted() && ROLES.is_sorted());
    }
}

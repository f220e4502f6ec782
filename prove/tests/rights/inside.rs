//! Which roles can do what to a bucket, action by action.

use crate::{rights, role, template};

const ECS: &str = "{Service: ecs-tasks.amazonaws.com}";
const BUCKET: &str = "  Box:
    Type: AWS::S3::Bucket
    Properties: {BucketName: box}
  Guard:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: box
      PolicyDocument:
        Version: \"2012-10-17\"
        Statement:
          - {Effect: Deny, Principal: \"*\", Action: \"s3:Put*\", Resource: \"arn:aws:s3:::box/*\"}
";

#[test]
fn each_role_comes_with_the_actions_that_it_can() {
    let one = |action: &str, on: &str| format!("{{Effect: Allow, Action: \"{action}\", Resource: \"{on}\"}}");
    let roles = [
        role("Reader", ECS, &[&one("s3:GetObject", "arn:aws:s3:::box/*")]),
        role("Writer", ECS, &[&one("s3:PutObject", "arn:aws:s3:::box/*")]),
        role("Other", ECS, &[&one("s3:*", "arn:aws:s3:::else/*")]),
        role("All", ECS, &[&one("s3:*", "*")]),
    ];
    let rights = rights(&template(&[&[BUCKET.to_owned()], roles.as_slice()].concat()));
    let actions = ["s3:GetObject", "s3:ListBucket", "s3:PutObject"].map(str::to_owned);
    let told = |account: &str| -> Vec<String> {
        let insiders = rights.insiders("arn:aws:s3:::box", &actions, &[account.to_owned()]);
        let name = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        insiders.iter().map(|i| format!("{}: {}", name(&i.arn), i.actions.join(","))).collect()
    };
    let mut all = told("111122223333");
    all.sort();
    assert_eq!(all, ["All: s3:GetObject,s3:ListBucket", "Reader: s3:GetObject"]);
    assert!(told("444455556666").is_empty());
}

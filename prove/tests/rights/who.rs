//! Who can do something to a key, a bucket, a role.

use prove::rights::{Document, Finding, Outcome};

use crate::{around, rights, rights_in, role, subjects, template};

const KEY: &str = "  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Version: \"2012-10-17\"
        Statement:
          - Sid: Account
            Effect: Allow
            Principal: {AWS: !Sub \"arn:aws:iam::${AWS::AccountId}:root\"}
            Action: kms:*
            Resource: \"*\"
          - Sid: Logs
            Effect: Allow
            Principal: {Service: logs.us-east-1.amazonaws.com}
            Action: kms:Decrypt
            Resource: \"*\"
          - Sid: Partner
            Effect: Allow
            Principal: {AWS: \"999999999999\"}
            Action: kms:Decrypt
            Resource: \"*\"
            Condition: {StringEquals: {\"kms:ViaService\": s3.us-east-1.amazonaws.com}}
";
const ECS: &str = "{Service: ecs-tasks.amazonaws.com}";
const DECRYPT: &str = "{Sid: Use, Effect: Allow, Action: kms:Decrypt, Resource: !GetAtt Key.Arn}";

fn shop(more: &[&str]) -> String {
    let statements: Vec<&str> = [DECRYPT].iter().chain(more).copied().collect();
    template(&[
        KEY.to_owned(),
        role("Reader", ECS, &statements),
        role(
            "Other",
            ECS,
            &[
                "{Effect: Allow, Action: kms:Decrypt, Resource: \"arn:aws:kms:us-east-1:111122223333:key/else\"}",
            ],
        ),
    ])
}

fn who(template: &str) -> Vec<Finding> {
    rights(template).who_can("kms:Decrypt", "Key").unwrap()
}

#[test]
fn each_principal_comes_with_a_request_and_its_statement() {
    let found = who(&shop(&[]));
    let all = ["Reader", "root of 111122223333", "logs.us-east-1.amazonaws.com", "account 999999999999"];
    assert_eq!(subjects(&found, Outcome::Told), all);
    let text = shop(&[]);
    let line = 1 + text.lines().position(|l| l.contains("Sid: Use")).unwrap();
    assert_eq!((found[0].spot.file.as_str(), found[0].spot.line as usize), ("t.yaml", line));
    let because: Vec<&str> = found[0].requests[0].because.iter().map(|g| g.layer).collect();
    assert_eq!(because, ["resource-based policy", "identity-based policy"]);
    // The partner only as its statement says.
    let partner = &found[3].requests[0];
    let via = ("kms:ViaService".to_owned(), vec!["s3.us-east-1.amazonaws.com".to_owned()]);
    assert!(partner.request.keys.contains(&via), "{}", partner.request);
    assert_eq!(partner.because[0].sid.as_deref(), Some("Partner"));
}

#[test]
fn what_denies_or_limits_takes_a_principal_out() {
    let deny = "{Effect: Deny, Action: \"kms:*\", Resource: \"*\"}";
    let can = |found: &[Finding]| subjects(found, Outcome::Told).contains(&"Reader");
    assert!(can(&who(&shop(&[]))));
    assert!(!can(&who(&shop(&[deny]))));
    // The key no longer hands its use to the account's policies.
    assert!(!can(&who(&shop(&[]).replace("Action: kms:*", "Action: kms:DescribeKey"))));
    let bounded = shop(&[]).replace(
        "      RoleName: Reader\n",
        "      RoleName: Reader\n      PermissionsBoundary: arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess\n",
    );
    assert!(!can(&who(&bounded)));
    let mut limited = around();
    let scp =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}}"#;
    limited.scps.push(Document { name: "scp.json".to_owned(), text: scp.to_owned() });
    let found = rights_in(&shop(&[]), &limited).who_can("kms:Decrypt", "Key").unwrap();
    assert_eq!(subjects(&found, Outcome::Told), ["logs.us-east-1.amazonaws.com", "account 999999999999"]);
}

#[test]
fn tags_are_those_that_the_role_has() {
    let by_tag = "{Effect: Allow, Action: kms:Decrypt, Resource: \"*\", Condition: {StringEquals: {\"aws:PrincipalTag/team\": blue}}}";
    let with = |tag: &str| {
        let text = template(&[KEY.to_owned(), role("Reader", ECS, &[by_tag])]);
        let tags = format!("      RoleName: Reader\n      Tags: [{{Key: team, Value: {tag}}}]\n");
        subjects(&who(&text.replace("      RoleName: Reader\n", &tags)), Outcome::Told).contains(&"Reader")
    };
    assert!(with("blue") && !with("red"));
}

#[test]
fn a_bucket_is_asked_by_its_parts() {
    let bucket = "  Store:\n    Type: AWS::S3::Bucket\n    Properties: {BucketName: store}\n".to_owned();
    let read = |on: &str| {
        let grant = format!("{{Effect: Allow, Action: \"s3:*\", Resource: \"{on}\"}}");
        let text = template(&[bucket.clone(), role("Reader", ECS, &[&grant])]);
        let can = |action| {
            subjects(&rights(&text).who_can(action, "store").unwrap(), Outcome::Told).contains(&"Reader")
        };
        (can("s3:GetObject"), can("s3:ListBucket"))
    };
    assert_eq!(read("arn:aws:s3:::store"), (false, true));
    assert_eq!(read("arn:aws:s3:::store/*"), (true, false));
    let policy = "  Open:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Store
      PolicyDocument: {Version: \"2012-10-17\", Statement: {Effect: Allow, Principal: \"*\", Action: s3:GetObject, Resource: !Sub \"${Store.Arn}/*\"}}
";
    let open = template(&[bucket.clone(), policy.to_owned()]);
    let found = rights(&open).who_can("s3:GetObject", "Store").unwrap();
    assert_eq!(subjects(&found, Outcome::Told), ["root of 111122223333", "everyone"]);
    let closed = open.replace(
        "{BucketName: store}",
        "{BucketName: store, PublicAccessBlockConfiguration: {RestrictPublicBuckets: true}}",
    );
    let found = rights(&closed).who_can("s3:GetObject", "Store").unwrap();
    assert_eq!(subjects(&found, Outcome::Told), ["root of 111122223333"]);
}

#[test]
fn an_alias_is_its_key_and_a_function_is_for_whom_it_permits() {
    let alias = "  Alias:\n    Type: AWS::KMS::Alias\n    Properties: {AliasName: alias/data, TargetKeyId: !Ref Key}\n";
    let found = rights(&format!("{}{alias}", shop(&[]))).who_can("kms:Decrypt", "alias/data").unwrap();
    assert_eq!(subjects(&found, Outcome::Told)[0], "Reader");
    let function = "  Job:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: job, Role: x}
  ByQueue:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Job, Principal: events.amazonaws.com, Action: lambda:InvokeFunction}
";
    let found = rights(&template(&[function.to_owned()])).who_can("lambda:InvokeFunction", "Job").unwrap();
    assert_eq!(subjects(&found, Outcome::Told), ["root of 111122223333", "events.amazonaws.com"]);
    assert_eq!((found[1].spot.file.as_str(), found[1].spot.line), ("t.yaml", 5));
}

#[test]
fn a_role_is_assumed_by_whom_it_trusts_and_who_may() {
    let assume = "{Effect: Allow, Action: sts:AssumeRole, Resource: \"*\"}";
    let trusting = |trusted: &str| {
        let text = template(&[
            role("Target", trusted, &[]),
            role("Caller", ECS, &[assume]),
            role("Other", ECS, &[]),
        ]);
        let found = rights(&text).who_can("sts:AssumeRole", "Target").unwrap();
        subjects(&found, Outcome::Told).join(" ")
    };
    let root = "{AWS: \"arn:aws:iam::111122223333:root\"}";
    assert_eq!(trusting(root), "Caller root of 111122223333");
    assert_eq!(trusting("{AWS: \"arn:aws:iam::111122223333:role/Other\"}"), "Other");
    assert_eq!(trusting(ECS), "ecs-tasks.amazonaws.com");
}

#[test]
fn what_is_not_known_is_undecided_and_what_is_not_there_is_said() {
    let text = shop(&[]).replace(
        "      RoleName: Other\n",
        "      RoleName: Other\n      ManagedPolicyArns: [\"arn:aws:iam::aws:policy/NobodyKnows\"]\n",
    );
    let found = who(&text);
    assert_eq!(subjects(&found, Outcome::Undecided), ["Other"]);
    assert!(found.iter().any(|f| f.message.contains("NobodyKnows")));
    let rights = rights(&text);
    assert!(rights.who_can("kms:Decrypt", "Nowhere").unwrap_err().contains("`Nowhere`"));
    assert!(rights.who_can("Decrypt", "Key").unwrap_err().contains("`Decrypt` is no action"));
}

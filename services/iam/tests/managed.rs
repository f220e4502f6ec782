//! AWS-managed policies have the effect of AWS's own.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails the test"
)]

use harness::World;
use model::Host as _;
use model::estate::iam::ManagedPolicy;
use model::policy::PolicyCheck;
use serde_json::json;

#[test]
fn each_is_a_policy() {
    let world = World::new(vec![&service_iam::SERVICE]);
    let snapshot = world.estate.snapshot();
    let mut count = 0;
    for policy in snapshot.all::<ManagedPolicy>() {
        let text = &policy.document().unwrap().text;
        world
            .estate
            .policies()
            .check(PolicyCheck::Identity, text)
            .unwrap_or_else(|e| panic!("{}: {e}", policy.name));
        count += 1;
    }
    assert!(count >= 100, "{count}");
}

#[test]
fn their_effect() {
    let world = World::new(vec![&service_iam::SERVICE]);
    let admin = world.admin();
    let call = |operation: &str, input| world.call(&admin, "iam", operation, input).unwrap();
    call("CreateUser", json!({"UserName": "ann"}));
    for (policy, action, resource, decision) in [
        ("ReadOnlyAccess", "s3:GetObject", "arn:aws:s3:::b/k", "allowed"),
        ("ReadOnlyAccess", "s3:PutObject", "arn:aws:s3:::b/k", "implicitDeny"),
        ("ReadOnlyAccess", "secretsmanager:GetSecretValue", "*", "implicitDeny"),
        ("ReadOnlyAccess", "kms:Decrypt", "*", "implicitDeny"),
        ("job-function/ViewOnlyAccess", "ec2:DescribeInstances", "*", "allowed"),
        ("job-function/ViewOnlyAccess", "s3:GetObject", "arn:aws:s3:::b/k", "implicitDeny"),
        ("SecurityAudit", "iam:GenerateCredentialReport", "*", "allowed"),
        ("SecurityAudit", "dynamodb:GetItem", "*", "implicitDeny"),
        ("PowerUserAccess", "dynamodb:DeleteTable", "*", "allowed"),
        ("PowerUserAccess", "iam:CreateUser", "*", "implicitDeny"),
        ("AmazonDynamoDBReadOnlyAccess", "dynamodb:Query", "*", "allowed"),
        ("AmazonDynamoDBReadOnlyAccess", "dynamodb:PutItem", "*", "implicitDeny"),
        ("AmazonEC2FullAccess", "ec2:RunInstances", "*", "allowed"),
        ("AmazonEC2FullAccess", "iam:PassRole", "*", "implicitDeny"),
        ("AWSKeyManagementServicePowerUser", "kms:CreateKey", "*", "allowed"),
        ("AWSKeyManagementServicePowerUser", "kms:Decrypt", "*", "implicitDeny"),
        ("service-role/AWSLambdaBasicExecutionRole", "logs:PutLogEvents", "*", "allowed"),
        ("service-role/AmazonECSTaskExecutionRolePolicy", "ecr:PutImage", "*", "implicitDeny"),
        ("job-function/Billing", "s3:PutObject", "arn:aws:s3:::b/k", "implicitDeny"),
    ] {
        let arn = format!("arn:aws:iam::aws:policy/{policy}");
        let named = json!({"UserName": "ann", "PolicyArn": arn});
        call("AttachUserPolicy", named.clone());
        let user = call("GetUser", json!({"UserName": "ann"}))["User"]["Arn"].clone();
        let input = json!({"PolicySourceArn": user, "ActionNames": [action], "ResourceArns": [resource]});
        let told = call("SimulatePrincipalPolicy", input);
        assert_eq!(told["EvaluationResults"][0]["EvalDecision"], decision, "{policy}: {action}");
        call("DetachUserPolicy", named);
    }
    let paths = call("ListPolicies", json!({"Scope": "AWS", "PathPrefix": "/job-function/"}));
    assert_eq!(paths["Policies"].as_array().unwrap().len(), 7);
    let shown = call("GetPolicy", json!({"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}));
    assert_ne!(shown["Policy"]["DefaultVersionId"], "v1");
}

//! Repositories: who may use them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::{ACCOUNT, World};
use serde_json::json;

#[test]
fn a_repository_policy_lets_another_account_in() {
    let world = World::new(vec![&service_ecr::SERVICE]);
    let admin = world.admin();
    let made = world
        .call(
            &admin,
            "ecr",
            "CreateRepository",
            json!({"repositoryName": "shop/web", "imageTagMutability": "IMMUTABLE"}),
        )
        .unwrap();
    assert_eq!(
        made["repository"]["repositoryUri"],
        format!("{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/shop/web")
    );
    let again = world.call(&admin, "ecr", "CreateRepository", json!({"repositoryName": "shop/web"}));
    assert_eq!(again.unwrap_err().code, "RepositoryAlreadyExistsException");
    let everything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let other = world.user_in("444455556666", "other", Some(everything));
    let look = || {
        world.call(
            &other,
            "ecr",
            "DescribeRepositories",
            json!({"registryId": ACCOUNT, "repositoryNames": ["shop/web"]}),
        )
    };
    assert_eq!(look().unwrap_err().code, "AccessDeniedException");
    let policy = json!({"Version": "2008-10-17", "Statement": [{"Sid": "Look", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "ecr:DescribeRepositories"}]});
    world
        .call(
            &admin,
            "ecr",
            "SetRepositoryPolicy",
            json!({"repositoryName": "shop/web", "policyText": policy.to_string()}),
        )
        .unwrap();
    look().unwrap();
    world.call(&admin, "ecr", "DeleteRepositoryPolicy", json!({"repositoryName": "shop/web"})).unwrap();
    assert_eq!(look().unwrap_err().code, "AccessDeniedException");
    let malformed = world.call(
        &admin,
        "ecr",
        "SetRepositoryPolicy",
        json!({"repositoryName": "shop/web", "policyText": "{}"}),
    );
    assert_eq!(malformed.unwrap_err().code, "InvalidParameterException");
}

#[test]
fn lifecycle_policies_are_checked_and_tokens_are_sealed() {
    let world = World::new(vec![&service_ecr::SERVICE]);
    let admin = world.admin();
    world.call(&admin, "ecr", "CreateRepository", json!({"repositoryName": "web"})).unwrap();
    let put = |text: &str| {
        world.call(
            &admin,
            "ecr",
            "PutLifecyclePolicy",
            json!({"repositoryName": "web", "lifecyclePolicyText": text}),
        )
    };
    for wrong in ["{}", "x", r#"{"rules":[{"rulePriority":1}]}"#] {
        // Shorter ones are refused by their length already.
        let wrong = format!("{wrong:<120}");
        assert_eq!(put(&wrong).unwrap_err().code, "InvalidParameterException", "{wrong}");
    }
    let rule = json!({"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countNumber": 365, "countUnit": "days"}, "action": {"type": "expire"}}]});
    put(&rule.to_string()).unwrap();
    let token = world.call(&admin, "ecr", "GetAuthorizationToken", json!({})).unwrap();
    assert!(token["authorizationData"][0]["authorizationToken"].as_str().unwrap().len() > 100);
    let nobody = world.user("nobody", None);
    assert_eq!(
        world.call(&nobody, "ecr", "GetAuthorizationToken", json!({})).unwrap_err().code,
        "AccessDeniedException"
    );
}

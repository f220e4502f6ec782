//! Analyzers of internal access: what the prover tells becomes findings, within the zone.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::{ACCOUNT, World};
use serde_json::{Value as Json, json};

#[test]
fn what_is_reached_is_found_within_the_zone_and_resolved() {
    let world = World::new(vec![&service_accessanalyzer::SERVICE, &service_securityhub::SERVICE]);
    let admin = world.admin();
    let call = |operation: &str, input: Json| world.call(&admin, "accessanalyzer", operation, input);
    let make = |configuration: Json| {
        let kind = "ACCOUNT_INTERNAL_ACCESS";
        let input = json!({"analyzerName": "inside", "type": kind, "configuration": {"internalAccess": configuration}});
        call("CreateAnalyzer", input)
    };
    for wrong in [
        json!({}),
        json!({"analysisRule": {"inclusions": [{"resourceTypes": ["AWS::SNS::Topic"]}]}}),
        json!({"analysisRule": {"inclusions": [{"accountIds": [ACCOUNT]}]}}),
    ] {
        assert_eq!(make(wrong.clone()).unwrap_err().code, "ValidationException", "{wrong}");
    }
    let rule = json!({"analysisRule": {"inclusions": [{"resourceTypes": ["AWS::S3::Bucket"]}]}});
    let analyzer = make(rule).unwrap()["arn"].as_str().unwrap().to_owned();
    let reached = |account: &str, actions: &[&str], unknown: Option<&str>| {
        json!({
            "resource": "arn:aws:s3:::box", "kind": "AWS::S3::Bucket", "owner": ACCOUNT,
            "principal": format!("arn:aws:iam::{account}:role/r"), "account": account, "user": false,
            "actions": actions, "unknown": unknown,
        })
    };
    let tell = |found: Json| {
        world.report("accessanalyzer", "Inside", json!({"analyzer": analyzer, "found": found})).unwrap();
        let list = call("ListFindingsV2", json!({"analyzerArn": analyzer})).unwrap()["findings"].clone();
        let line =
            |f: &Json| format!("{} {}", f["status"].as_str().unwrap(), f["error"].as_str().unwrap_or("-"));
        let mut told: Vec<String> = list.as_array().unwrap().iter().map(line).collect();
        told.sort();
        told
    };
    let own = || reached(ACCOUNT, &["s3:GetObject"], None);
    let told = tell(json!([own(), reached("444455556666", &["s3:GetObject"], None)]));
    assert_eq!(told, ["ACTIVE -"], "who is not of the zone is not inside");
    assert_eq!(tell(json!([own()])), ["ACTIVE -"]);
    // What is not known is a finding of its own.
    let unknown = reached(ACCOUNT, &[], Some("too intricate"));
    assert_eq!(tell(json!([unknown])), ["ACTIVE INTERNAL_ERROR", "RESOLVED -"]);
    assert!(tell(json!([])).iter().all(|line| line.starts_with("RESOLVED")));
}

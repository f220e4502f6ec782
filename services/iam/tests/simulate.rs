//! The simulators with what older clients cannot send: the organization's policies, and policies to leave out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::World;
use serde_json::{Value as Json, json};

fn doc(effect: &str, action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": "*"}]})
        .to_string()
}

fn world() -> (World, model::Caller) {
    let world = World::new(vec![&service_iam::SERVICE]);
    let admin = world.admin();
    (world, admin)
}

#[test]
fn every_level_of_an_organization_must_allow() {
    let (world, admin) = world();
    let simulate = |levels: &[&str]| {
        let level = |action: &&str| json!({"ServiceControlPolicyInputList": [doc("Allow", action)]});
        let levels: Vec<Json> = levels.iter().map(level).collect();
        let input = json!({
            "PolicyInputList": [doc("Allow", "s3:*")], "ActionNames": ["s3:GetObject"],
            "OrderedOrganizationPolicyInputList": levels,
        });
        let told = world.call(&admin, "iam", "SimulateCustomPolicy", input).unwrap();
        let result = &told["EvaluationResults"][0];
        let organization = &result["OrganizationsDecisionDetail"]["AllowedByOrganizations"];
        (result["EvalDecision"].clone(), organization.clone())
    };
    assert_eq!(simulate(&["*", "s3:*"]), (json!("allowed"), json!(true)));
    assert_eq!(simulate(&["*", "ec2:*"]), (json!("implicitDeny"), json!(false)));
    assert_eq!(simulate(&[]), (json!("allowed"), Json::Null));
}

#[test]
fn what_is_left_out_does_not_count() {
    let (world, admin) = world();
    let call = |operation: &str, input: Json| world.call(&admin, "iam", operation, input);
    let arn = call("CreateUser", json!({"UserName": "ann"})).unwrap()["User"]["Arn"].clone();
    for (name, effect, action) in [("yes", "Allow", "s3:*"), ("no", "Deny", "s3:GetObject")] {
        let input = json!({"UserName": "ann", "PolicyName": name, "PolicyDocument": doc(effect, action)});
        call("PutUserPolicy", input).unwrap();
    }
    let decide = |without: Json| {
        let input = json!({
            "PolicySourceArn": arn, "ActionNames": ["s3:GetObject"], "PolicyExclusionList": without,
        });
        call("SimulatePrincipalPolicy", input).map(|out| out["EvaluationResults"][0]["EvalDecision"].clone())
    };
    let inline = |name: &str| {
        let identifier = json!({"PolicyName": name, "AttachmentType": "user", "AttachmentName": "ann"});
        json!([{"InlinePolicyIdentifier": identifier}])
    };
    assert_eq!(decide(json!([])).unwrap(), "explicitDeny");
    assert_eq!(decide(inline("no")).unwrap(), "allowed");
    assert_eq!(decide(inline("yes")).unwrap(), "explicitDeny");
    assert_eq!(decide(json!([{"PolicyType": "inline"}])).unwrap(), "implicitDeny");
    assert_eq!(decide(json!([{"PolicyType": "user-managed"}])).unwrap(), "explicitDeny");
}

//! The checks on the lines of `cases.jsonl`, in the API's own field names.

use prove::policy::{Access, Answer, PolicyType, Prover};
use serde_json::Value;

use crate::{policy, result};

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
}

fn check(prover: &Prover, case: &Value) -> Answer {
    let of = case["policyType"].as_str().map(|t| PolicyType::parse(t).unwrap());
    let of = of.unwrap_or(PolicyType::ResourcePolicy);
    let document = |name: &str| policy(&case[name], of);
    match case["check"].as_str().unwrap() {
        "CheckNoNewAccess" => {
            let (existing, new) = (document("existingPolicyDocument"), document("newPolicyDocument"));
            prover.check_no_new_access(&[existing], &[new], of)
        }
        "CheckAccessNotGranted" => {
            let access: Vec<Access> = case["access"]
                .as_array()
                .unwrap()
                .iter()
                .map(|a| Access { actions: strings(&a["actions"]), resources: strings(&a["resources"]) })
                .collect();
            prover.check_access_not_granted(&document("policyDocument"), of, &access)
        }
        "CheckNoPublicAccess" => {
            prover.check_no_public_access(&document("policyDocument"), case["resourceType"].as_str().unwrap())
        }
        other => panic!("no check `{other}`"),
    }
}

#[test]
fn checks_answer_as_expected() {
    let prover = Prover::default();
    let mut wrong = Vec::new();
    for (at, line) in include_str!("cases.jsonl").lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let case: Value =
            serde_json::from_str(line).unwrap_or_else(|fault| panic!("line {}: {fault}", at + 1));
        let answer = check(&prover, &case);
        if result(&answer) != case["expect"] {
            wrong.push(format!("line {}: {answer:?}\n  {line}", at + 1));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

//! Policy validation: findings with their places, page by page, for those who may ask.

use harness::World;
use serde_json::{Value as Json, json};

const NOTHING_MISSING: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#;

fn world() -> World {
    World::new(vec![&service_accessanalyzer::SERVICE])
}

fn codes(answer: &Json) -> Vec<&str> {
    let findings = answer["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.iter().filter_map(|f| f["issueCode"].as_str()).collect()
}

#[test]
fn a_good_policy_has_no_findings_and_a_bad_one_has_all() {
    let world = world();
    let admin = world.admin();
    let ask = |text: &str, more: Json| {
        let mut input = json!({ "policyDocument": text, "policyType": "IDENTITY_POLICY" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.call(&admin, "accessanalyzer", "ValidatePolicy", input)
    };
    assert_eq!(ask(NOTHING_MISSING, json!({})).unwrap(), json!({ "findings": [] }));

    let bad = "{\"Statement\":[{\"Sid\":\"\",\"Effect\":\"allow\"}]}";
    let found = ask(bad, json!({})).unwrap();
    let all = ["MISSING_VERSION", "MISSING_ACTION", "MISSING_RESOURCE", "EMPTY_SID_VALUE", "INVALID_EFFECT"];
    assert_eq!(codes(&found), all);
    assert_eq!(
        found["findings"][3],
        json!({
            "findingDetails": "Add a value to the empty string in the Sid element.",
            "findingType": "SUGGESTION",
            "issueCode": "EMPTY_SID_VALUE",
            "learnMoreLink": "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html#access-analyzer-reference-policy-checks-suggestion-empty-sid-value",
            "locations": [{
                "path": [{ "value": "Statement" }, { "index": 0 }, { "value": "Sid" }],
                "span": {
                    "start": { "line": 1, "column": 21, "offset": 21 },
                    "end": { "line": 1, "column": 23, "offset": 23 },
                },
            }],
        })
    );

    let first = ask(bad, json!({ "maxResults": 2 })).unwrap();
    assert_eq!(codes(&first), &all[..2]);
    let token = first["nextToken"].clone();
    let second = ask(bad, json!({ "maxResults": 3, "nextToken": token })).unwrap();
    assert_eq!((codes(&second), &second["nextToken"]), (all[2..].to_vec(), &Json::Null));

    for wrong in [
        json!({ "nextToken": "6" }),
        json!({ "nextToken": "x" }),
        json!({ "maxResults": 0 }),
        json!({ "policyType": "OTHER" }),
        json!({ "validatePolicyResourceType": "AWS::S3::Bucket" }),
    ] {
        assert_eq!(ask(bad, wrong.clone()).unwrap_err().code, "ValidationException", "{wrong}");
    }
}

#[test]
fn the_type_decides_what_a_policy_may_say() {
    let world = world();
    let admin = world.admin();
    let statement = |extra: &str| {
        format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"kms:Decrypt"{extra}}}}}"#)
    };
    let everyone = statement(r#","Principal":"*","Resource":"*""#);
    let all: [(&str, Json, &[&str]); 6] = [
        ("IDENTITY_POLICY", Json::Null, &["UNSUPPORTED_PRINCIPAL"]),
        ("SERVICE_CONTROL_POLICY", Json::Null, &["SCP_SYNTAX_ERROR_PRINCIPAL"]),
        ("RESOURCE_CONTROL_POLICY", Json::Null, &[]),
        ("RESOURCE_POLICY", Json::Null, &[]),
        ("RESOURCE_POLICY", json!("AWS::S3::Bucket"), &["UNSUPPORTED_ACTION_IN_POLICY"]),
        (
            "RESOURCE_POLICY",
            json!("AWS::IAM::AssumeRolePolicyDocument"),
            &["UNSUPPORTED_ACTION_IN_POLICY", "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE"],
        ),
    ];
    for (kind, resource, expected) in all {
        let mut input = json!({ "policyDocument": everyone, "policyType": kind });
        if !resource.is_null() {
            input["validatePolicyResourceType"] = resource;
        }
        let found = world.call(&admin, "accessanalyzer", "ValidatePolicy", input).unwrap();
        assert_eq!(codes(&found), expected, "{kind}");
    }
}

#[test]
fn nobody_asks_without_permission_and_nothing_passes_that_is_not_known() {
    let world = world();
    let input = |text: &str| json!({ "policyDocument": text, "policyType": "IDENTITY_POLICY" });
    let nobody = world.user("nobody", None);
    let refused =
        world.call(&nobody, "accessanalyzer", "ValidatePolicy", input(NOTHING_MISSING)).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");

    let admin = world.admin();
    let patterns: Vec<String> = (0..8000).map(|i| format!("\"s3:{i}*\"")).collect();
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":[{}],"Resource":"*"}}}}"#,
        patterns.join(",")
    );
    let refused = world.call(&admin, "accessanalyzer", "ValidatePolicy", input(&text)).unwrap_err();
    assert_eq!(refused.code, "ValidationException");
}

//! Customer managed permissions, and who may use the service at all.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{CONSUMER, OWNER, PARAMETER, Scene};
use serde_json::json;

#[test]
fn a_customer_managed_permission_grants_what_it_says() {
    let scene = Scene::new();
    let template = |actions: &str| format!(r#"{{"Effect":"Allow","Action":[{actions}]}}"#);
    let input = json!({"name": "reading", "resourceType": "ssm:Parameter",
        "policyTemplate": template(r#""ssm:GetParameterHistory""#)});
    let made = scene.owner("CreatePermission", input);
    let arn = made["permission"]["arn"].as_str().unwrap();
    let share =
        json!({"name": "s", "principals": [CONSUMER], "resourceArns": [PARAMETER], "permissionArns": [arn]});
    let share = scene.owner("CreateResourceShare", share)["resourceShare"]["resourceShareArn"].clone();
    let history = || scene.outcome(&scene.consumer, "ssm", "GetParameterHistory", json!({"Name": PARAMETER}));
    assert_eq!((scene.read(&scene.consumer).as_str(), history().as_str()), ("AccessDeniedException", "ok"));
    // A share keeps the version that it has, until it is given another.
    let next = json!({"permissionArn": arn, "policyTemplate": template(r#""ssm:GetParameter""#)});
    scene.owner("CreatePermissionVersion", next);
    assert_eq!((scene.read(&scene.consumer).as_str(), history().as_str()), ("AccessDeniedException", "ok"));
    let newer = json!({"resourceShareArn": share, "permissionArn": arn, "replace": true});
    scene.owner("AssociateResourceSharePermission", newer);
    assert_eq!((scene.read(&scene.consumer).as_str(), history().as_str()), ("ok", "AccessDeniedException"));
    // What is in use stays.
    let gone = scene.outcome(&scene.owner, "ram", "DeletePermission", json!({"permissionArn": arn}));
    assert_eq!(gone, "OperationNotPermittedException");
}

#[test]
fn a_condition_of_the_permission_holds() {
    let scene = Scene::new();
    let template = r#"{"Effect":"Allow","Action":["ssm:GetParameter"],"Condition":{"StringEquals":{"aws:username":"carl"}}}"#;
    let input = json!({"name": "carl", "resourceType": "ssm:Parameter", "policyTemplate": template});
    let arn = scene.owner("CreatePermission", input)["permission"]["arn"].clone();
    let share =
        json!({"name": "s", "principals": [CONSUMER], "resourceArns": [PARAMETER], "permissionArns": [arn]});
    scene.owner("CreateResourceShare", share);
    let other = scene.world.user_in(CONSUMER, "carla", Some(common::ALL));
    assert_eq!(scene.read(&scene.consumer), "ok");
    assert_eq!(scene.read(&other), "AccessDeniedException");
}

#[test]
fn templates_that_are_refused() {
    let scene = Scene::new();
    let cases = [
        ("no JSON", "MalformedPolicyTemplateException"),
        (r#"{"Effect":"Deny","Action":["ssm:GetParameter"]}"#, "MalformedPolicyTemplateException"),
        (r#"{"Action":["ssm:GetParameter"],"Principal":"*"}"#, "MalformedPolicyTemplateException"),
        (r#"{"Action":["ssm:GetParameter"],"Resource":"*"}"#, "MalformedPolicyTemplateException"),
        (r#"{"Action":["ssm:DeleteParameter"]}"#, "InvalidPolicyException"),
        (r#"{"Action":["ssm:*"]}"#, "InvalidPolicyException"),
        (r#"{"Action":["ssm:GetParameter"],"Condition":{"Odd":{"a":"b"}}}"#, "InvalidPolicyException"),
    ];
    for (template, code) in cases {
        let input = json!({"name": "x", "resourceType": "ssm:Parameter", "policyTemplate": template});
        assert_eq!(scene.outcome(&scene.owner, "ram", "CreatePermission", input), code, "{template}");
    }
}

#[test]
fn who_may_share_what_with_whom() {
    let scene = Scene::new();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ram:CreateResourceShare","Resource":"*","Condition":{
        "Bool":{"ram:RequestedAllowsExternalPrincipals":"false"},
        "ForAllValues:StringEquals":{"ram:Principal":"444455556666","ram:RequestedResourceType":"ssm:Parameter"}}}]}"#;
    let sharer = scene.world.user_in(OWNER, "sharer", Some(policy));
    let create = |principal: &str, external: Option<bool>| {
        let mut input = json!({"name": "s", "principals": [principal], "resourceArns": [PARAMETER]});
        if let Some(external) = external {
            input["allowExternalPrincipals"] = json!(external);
        }
        scene.outcome(&sharer, "ram", "CreateResourceShare", input)
    };
    assert_eq!(create(CONSUMER, Some(false)), "ok");
    assert_eq!(create(CONSUMER, Some(true)), "AccessDeniedException");
    // Without the member, outsiders would be let in.
    assert_eq!(create(CONSUMER, None), "AccessDeniedException");
    assert_eq!(create(common::MANAGEMENT, Some(false)), "AccessDeniedException");
}

#[test]
fn only_the_management_account_switches_sharing_on() {
    let scene = Scene::without_sharing();
    let refused = scene.outcome(&scene.owner, "ram", "EnableSharingWithAwsOrganization", json!({}));
    assert_eq!(refused, "AccessDeniedException");
    // Nor does it there who may not let a service into the organization.
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ram:*","iam:*","organizations:Describe*"],"Resource":"*"}]}"#;
    let narrow = scene.world.user_in(common::MANAGEMENT, "narrow", Some(policy));
    let refused = scene.outcome(&narrow, "ram", "EnableSharingWithAwsOrganization", json!({}));
    assert_eq!(refused, "AccessDeniedException");
}

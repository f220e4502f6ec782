//! Web ACLs and their parts: locks, limits, references, associations, what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test: what fails here fails the test"
)]

use std::sync::Arc;

use harness::World;
use model::estate::elb::LoadBalancer;
use model::graph::Change;
use model::{AccountId, Caller, Fault, Tags, Timestamp};
use serde_json::{Value as Json, json};

struct Scene {
    world: World,
    admin: Caller,
}

fn visibility() -> Json {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"})
}

fn rule(name: &str, priority: i64, statement: Json) -> Json {
    json!({"Name": name, "Priority": priority, "Statement": statement, "Action": {"Block": {}}, "VisibilityConfig": visibility()})
}

fn group_rule(statement: Json) -> Json {
    json!({"Name": "group", "Priority": 0, "Statement": statement, "OverrideAction": {"None": {}}, "VisibilityConfig": visibility()})
}

fn managed(name: &str) -> Json {
    group_rule(json!({"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": name}}))
}

fn bytes(field: Json) -> Json {
    json!({"ByteMatchStatement": {"FieldToMatch": field, "PositionalConstraint": "EXACTLY", "SearchString": "L2FkbWlu", "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}})
}

impl Scene {
    fn new() -> Scene {
        let world = World::new(vec![&service_wafv2::SERVICE]);
        let admin = world.admin();
        Scene { world, admin }
    }

    fn call(&self, operation: &str, input: Json) -> Result<Json, Fault> {
        self.world.call(&self.admin, "wafv2", operation, input)
    }

    fn create(&self, name: &str, rules: Json) -> Result<Json, Fault> {
        let input = json!({"Name": name, "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility(), "Rules": rules});
        Ok(self.call("CreateWebACL", input)?["Summary"].clone())
    }

    /// The code of the error with which this web ACL is refused.
    fn refused(&self, rules: Json) -> String {
        self.create("refused", rules).unwrap_err().code.into_owned()
    }
}

fn key(summary: &Json) -> Json {
    json!({"Name": summary["Name"], "Id": summary["Id"], "Scope": "REGIONAL"})
}

fn with(mut value: Json, more: Json) -> Json {
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

#[test]
fn a_web_acl_is_kept_as_it_was_given_and_changed_under_its_lock() {
    let scene = Scene::new();
    let rules = json!([
        rule("admin", 0, bytes(json!({"UriPath": {}}))),
        with(managed("AWSManagedRulesCommonRuleSet"), json!({"Priority": 1}))
    ]);
    let made = scene.create("shop", rules.clone()).unwrap();
    let got = scene.call("GetWebACL", key(&made)).unwrap();
    assert_eq!(got["WebACL"]["Rules"], rules);
    assert_eq!(got["WebACL"]["Capacity"], 702);
    assert_eq!(got["WebACL"]["LabelNamespace"], "awswaf:111122223333:webacl:shop:");
    let arn = made["ARN"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:wafv2:us-east-1:111122223333:regional/webacl/shop/"), "{arn}");
    assert_eq!(scene.create("shop", json!([])).unwrap_err().code, "WAFDuplicateItemException");

    let update = |token: &Json| {
        let more =
            json!({"LockToken": token, "DefaultAction": {"Block": {}}, "VisibilityConfig": visibility()});
        scene.call("UpdateWebACL", with(key(&made), more))
    };
    let next = update(&got["LockToken"]).unwrap();
    assert_eq!(update(&got["LockToken"]).unwrap_err().code, "WAFOptimisticLockException");
    let delete = |token: &Json| scene.call("DeleteWebACL", with(key(&made), json!({"LockToken": token})));
    assert_eq!(delete(&got["LockToken"]).unwrap_err().code, "WAFOptimisticLockException");
    delete(&next["NextLockToken"]).unwrap();
    assert_eq!(scene.call("GetWebACL", key(&made)).unwrap_err().code, "WAFNonexistentItemException");
}

#[test]
fn what_is_invalid_or_cannot_be_enforced_is_refused() {
    let scene = Scene::new();
    let invalid = "WAFInvalidParameterException";
    let uri = json!({"UriPath": {}});
    let none = json!([{"Priority": 0, "Type": "NONE"}]);
    let action_missing = json!({"Name": "r", "Priority": 0, "Statement": bytes(uri.clone()), "VisibilityConfig": visibility()});
    let rate = |more: Json| rule("r", 0, json!({"RateBasedStatement": with(json!({"Limit": 100}), more)}));
    for (rules, code) in [
        (json!([rule("a", 0, bytes(uri.clone())), rule("b", 0, bytes(uri.clone()))]), invalid),
        (json!([rule("a", 0, bytes(uri.clone())), rule("a", 1, bytes(uri.clone()))]), invalid),
        (json!([action_missing]), invalid),
        (json!([with(managed("AWSManagedRulesCommonRuleSet"), json!({"Action": {"Block": {}}}))]), invalid),
        (json!([managed("AWSManagedRulesBotControlRuleSet")]), "WAFNonexistentItemException"),
        (json!([rule("r", 0, json!({"GeoMatchStatement": {"CountryCodes": ["DE"]}}))]), invalid),
        (json!([rule("r", 0, json!({"AsnMatchStatement": {"AsnList": [1]}}))]), invalid),
        (json!([rule("r", 0, bytes(json!({"JA3Fingerprint": {"FallbackBehavior": "MATCH"}})))]), invalid),
        (
            json!([rule(
                "r",
                0,
                json!({"IPSetReferenceStatement": {"ARN": "arn:aws:wafv2:us-east-1:111122223333:regional/ipset/x/1"}})
            )]),
            "WAFNonexistentItemException",
        ),
        (
            json!([rule(
                "r",
                0,
                json!({"RegexMatchStatement": {"RegexString": "(?=a)b", "FieldToMatch": uri, "TextTransformations": none}})
            )]),
            invalid,
        ),
        (json!([rule("r", 0, json!({"AndStatement": {"Statements": [bytes(uri.clone())]}}))]), invalid),
        (
            json!([rule(
                "r",
                0,
                json!({"NotStatement": {"Statement": {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP"}}}})
            )]),
            invalid,
        ),
        (json!([rate(json!({"AggregateKeyType": "IP", "EvaluationWindowSec": 61}))]), invalid),
        (json!([rate(json!({"AggregateKeyType": "CONSTANT"}))]), invalid),
        (json!([rate(json!({"AggregateKeyType": "FORWARDED_IP"}))]), invalid),
        (json!([rate(json!({"AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": [{"IP": {}}]}))]), invalid),
        (
            json!([with(
                rule("r", 0, bytes(uri.clone())),
                json!({"Action": {"Block": {"CustomResponse": {"ResponseCode": 403, "CustomResponseBodyKey": "gone"}}}})
            )]),
            invalid,
        ),
        (
            json!([with(rule("r", 0, bytes(uri.clone())), json!({"RuleLabels": [{"Name": "awswaf:x"}]}))]),
            invalid,
        ),
        (
            json!([group_rule(
                json!({"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet", "ExcludedRules": [{"Name": "NoSuchRule"}]}})
            )]),
            invalid,
        ),
        (
            json!(
                (0..8)
                    .map(|i| with(
                        managed("AWSManagedRulesCommonRuleSet"),
                        json!({"Name": format!("g{i}"), "Priority": i})
                    ))
                    .collect::<Vec<_>>()
            ),
            "WAFLimitsExceededException",
        ),
    ] {
        assert_eq!(scene.refused(rules.clone()), code, "{rules}");
    }
    let cloudfront = json!({"Name": "x", "Scope": "CLOUDFRONT", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility()});
    assert_eq!(scene.call("CreateWebACL", cloudfront).unwrap_err().code, invalid);
}

#[test]
fn sets_and_groups_stay_while_they_are_referred_to() {
    let scene = Scene::new();
    let set = json!({"Name": "office", "Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": ["192.0.2.0/24"]});
    let set = scene.call("CreateIPSet", set).unwrap()["Summary"].clone();
    for bad in ["192.0.2.0", "0.0.0.0/0", "::/64", "x/8"] {
        let more = json!({"LockToken": set["LockToken"], "Addresses": [bad]});
        let refused = scene.call("UpdateIPSet", with(key(&set), more)).unwrap_err();
        assert_eq!(refused.code, "WAFInvalidParameterException", "{bad}");
    }
    let by_set = rule("r", 0, json!({"IPSetReferenceStatement": {"ARN": set["ARN"]}}));
    let group = |capacity: u64, rules: Json| {
        scene.call("CreateRuleGroup", json!({"Name": "own", "Scope": "REGIONAL", "Capacity": capacity, "VisibilityConfig": visibility(), "Rules": rules}))
    };
    let two = json!([by_set, rule("s", 1, bytes(json!({"UriPath": {}})))]);
    assert_eq!(group(2, two.clone()).unwrap_err().code, "WAFLimitsExceededException");
    let group = group(50, two).unwrap()["Summary"].clone();
    let acl = scene
        .create("shop", json!([group_rule(json!({"RuleGroupReferenceStatement": {"ARN": group["ARN"]}}))]))
        .unwrap();
    assert_eq!(scene.call("GetWebACL", key(&acl)).unwrap()["WebACL"]["Capacity"], 50);
    let delete = |kind: &str, it: &Json| {
        scene.call(&format!("Delete{kind}"), with(key(it), json!({"LockToken": it["LockToken"]})))
    };
    for (kind, it) in [("IPSet", &set), ("RuleGroup", &group)] {
        assert_eq!(delete(kind, it).unwrap_err().code, "WAFAssociatedItemException", "{kind}");
    }
    delete("WebACL", &acl).unwrap();
    delete("RuleGroup", &group).unwrap();
    delete("IPSet", &set).unwrap();
    let patterns = |pattern: &str| {
        scene.call(
            "CreateRegexPatternSet",
            json!({"Name": "p", "Scope": "REGIONAL", "RegularExpressionList": [{"RegexString": pattern}]}),
        )
    };
    assert_eq!(patterns("(").unwrap_err().code, "WAFInvalidParameterException");
    let made = patterns("^bot").unwrap()["Summary"].clone();
    let got = scene.call("GetRegexPatternSet", key(&made)).unwrap();
    assert_eq!(got["RegexPatternSet"]["RegularExpressionList"], json!([{"RegexString": "^bot"}]));
}

fn balancer() -> LoadBalancer {
    LoadBalancer {
        account: AccountId::parse(harness::ACCOUNT).unwrap(),
        region: harness::REGION.into(),
        name: "front".into(),
        id: "0123456789abcdef".into(),
        kind: "application".into(),
        scheme: "internal".into(),
        dns_name: "internal-front-1.us-east-1.elb.localhost".into(),
        vpc: "vpc-1".into(),
        subnets: Vec::new(),
        security_groups: Vec::new(),
        interfaces: Vec::new(),
        state: "active".into(),
        attributes: Default::default(),
        created: Timestamp(0),
        tags: Tags::new(),
    }
}

#[test]
fn a_web_acl_is_put_before_resources_that_exist_and_may_have_one() {
    let scene = Scene::new();
    let acl = scene.create("shop", json!([])).unwrap();
    let there = balancer();
    let associate = |resource: &str| {
        scene.call("AssociateWebACL", json!({"WebACLArn": acl["ARN"], "ResourceArn": resource}))
    };
    assert_eq!(associate(&there.arn()).unwrap_err().code, "WAFNonexistentItemException");
    scene.world.change(vec![Change::Put(Arc::new(there.clone()))]);
    associate(&there.arn()).unwrap();
    for wrong in ["arn:aws:apigateway:us-east-1::/apis/abc/stages/prod", "arn:aws:s3:::bucket-of-mine"] {
        assert_eq!(associate(wrong).unwrap_err().code, "WAFInvalidParameterException", "{wrong}");
    }
    let of = scene.call("GetWebACLForResource", json!({"ResourceArn": there.arn()})).unwrap();
    assert_eq!(of["WebACL"]["ARN"], acl["ARN"]);
    let list = || {
        scene.call("ListResourcesForWebACL", json!({"WebACLArn": acl["ARN"]})).unwrap()["ResourceArns"]
            .clone()
    };
    assert_eq!(list(), json!([there.arn()]));
    let delete = || scene.call("DeleteWebACL", with(key(&acl), json!({"LockToken": acl["LockToken"]})));
    assert_eq!(delete().unwrap_err().code, "WAFAssociatedItemException");
    scene.call("DisassociateWebACL", json!({"ResourceArn": there.arn()})).unwrap();
    assert_eq!(list(), json!([]));
    associate(&there.arn()).unwrap();
    // A web ACL of a resource that is gone is free.
    scene.world.change(vec![Change::Remove(model::Node::key(&there))]);
    delete().unwrap();
}

#[test]
fn each_resource_needs_its_own_permission() {
    let scene = Scene::new();
    let acl = scene.create("shop", json!([])).unwrap();
    scene.world.change(vec![Change::Put(Arc::new(balancer()))]);
    let input = json!({"WebACLArn": acl["ARN"], "ResourceArn": balancer().arn()});
    let allow = |actions: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#
        )
    };
    let some = scene.world.user("some", Some(&allow(r#""wafv2:*""#)));
    let refused = scene.world.call(&some, "wafv2", "AssociateWebACL", input.clone()).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
    assert!(refused.message.contains("elasticloadbalancing:SetWebACL"), "{}", refused.message);
    let both = scene.world.user("both", Some(&allow(r#""wafv2:*","elasticloadbalancing:SetWebACL""#)));
    scene.world.call(&both, "wafv2", "AssociateWebACL", input).unwrap();
    let managed_only = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"wafv2:CreateWebACL","Resource":"arn:aws:wafv2:us-east-1:{}:regional/webacl/*"}}]}}"#,
        harness::ACCOUNT
    );
    let narrow = scene.world.user("narrow", Some(&managed_only));
    let create = |rules: Json| json!({"Name": "n", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility(), "Rules": rules});
    let with_group = scene.world.call(
        &narrow,
        "wafv2",
        "CreateWebACL",
        create(json!([managed("AWSManagedRulesSQLiRuleSet")])),
    );
    assert_eq!(with_group.unwrap_err().code, "AccessDeniedException");
    scene.world.call(&narrow, "wafv2", "CreateWebACL", create(json!([]))).unwrap();
}

#[test]
fn managed_groups_are_told_and_logging_goes_to_log_groups_that_exist() {
    let scene = Scene::new();
    let list = scene.call("ListAvailableManagedRuleGroups", json!({"Scope": "REGIONAL"})).unwrap();
    assert!(list["ManagedRuleGroups"].as_array().unwrap().len() >= 6);
    let told = scene
        .call(
            "DescribeManagedRuleGroup",
            json!({"Scope": "REGIONAL", "VendorName": "AWS", "Name": "AWSManagedRulesSQLiRuleSet"}),
        )
        .unwrap();
    assert_eq!(
        (&told["Capacity"], &told["LabelNamespace"]),
        (&json!(200), &json!("awswaf:managed:aws:sql-database:"))
    );
    let names: Vec<&str> =
        told["Rules"].as_array().unwrap().iter().map(|r| r["Name"].as_str().unwrap()).collect();
    assert!(names.contains(&"SQLi_BODY") && names.contains(&"SQLi_QUERYARGUMENTS"), "{names:?}");

    let acl = scene.create("shop", json!([])).unwrap();
    let log = |to: &str| {
        scene.call(
            "PutLoggingConfiguration",
            json!({"LoggingConfiguration": {"ResourceArn": acl["ARN"], "LogDestinationConfigs": [to]}}),
        )
    };
    for (to, code) in [
        ("arn:aws:s3:::aws-waf-logs-bucket", "WAFInvalidParameterException"),
        ("arn:aws:logs:us-east-1:111122223333:log-group:other", "WAFInvalidParameterException"),
        (
            "arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-gone",
            "WAFLogDestinationPermissionIssueException",
        ),
    ] {
        assert_eq!(log(to).unwrap_err().code, code, "{to}");
    }
    let get = scene.call("GetLoggingConfiguration", json!({"ResourceArn": acl["ARN"]}));
    assert_eq!(get.unwrap_err().code, "WAFNonexistentItemException");
    scene
        .call("TagResource", json!({"ResourceARN": acl["ARN"], "Tags": [{"Key": "team", "Value": "web"}]}))
        .unwrap();
    let tags = scene.call("ListTagsForResource", json!({"ResourceARN": acl["ARN"]})).unwrap();
    assert_eq!(tags["TagInfoForResource"]["TagList"], json!([{"Key": "team", "Value": "web"}]));
}

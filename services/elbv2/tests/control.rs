//! Load balancers, listeners, rules and target groups through the service's own door.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

mod scene;

use scene::Scene;
use serde_json::{Value as Json, json};

#[test]
fn a_load_balancer_stands_in_two_zones() {
    let scene = Scene::new();
    let refused = |input: Json, code: &str| {
        let fault = scene.call("CreateLoadBalancer", input.clone()).unwrap_err();
        assert_eq!(fault.code, code, "{input}: {}", fault.message);
    };
    refused(json!({"Name": "shop", "Subnets": ["subnet-a"]}), "ValidationError");
    refused(json!({"Name": "shop", "Subnets": ["subnet-a", "subnet-gone"]}), "SubnetNotFound");
    refused(json!({"Name": "shop", "Subnets": ["subnet-a", "subnet-a2"]}), "InvalidConfigurationRequest");
    refused(json!({"Name": "-shop", "Subnets": ["subnet-a", "subnet-b"]}), "ValidationError");
    refused(json!({"Name": "internal-shop", "Subnets": ["subnet-a", "subnet-b"]}), "ValidationError");
    refused(
        json!({"Name": "shop", "Type": "network", "Subnets": ["subnet-a", "subnet-b"]}),
        "InvalidConfigurationRequest",
    );
    refused(
        json!({"Name": "shop", "Subnets": ["subnet-a", "subnet-b"], "SecurityGroups": ["sg-other"]}),
        "InvalidSecurityGroup",
    );
    let made = scene.balancer("shop", "internal");
    let shown =
        scene.call("DescribeLoadBalancers", json!({"Names": ["shop"]})).unwrap()["LoadBalancers"][0].clone();
    assert_eq!(shown["State"]["Code"], "provisioning");
    scene.world.run_jobs_until(scene.now());
    let shown =
        scene.call("DescribeLoadBalancers", json!({"LoadBalancerArns": [made]})).unwrap()["LoadBalancers"][0]
            .clone();
    assert_eq!(shown["State"]["Code"], "active");
    let name = shown["DNSName"].as_str().unwrap();
    assert!(name.starts_with("internal-shop-") && name.ends_with(".us-east-1.elb.localhost"), "{name}");
    // The same again gives the same; with other settings it is refused.
    assert_eq!(scene.balancer("shop", "internal"), made);
    refused(json!({"Name": "shop", "Subnets": ["subnet-a", "subnet-b"]}), "DuplicateLoadBalancerName");
}

#[test]
fn deletion_protection_protects_until_it_is_taken_away() {
    let scene = Scene::new();
    let arn = scene.balancer("shop", "internet-facing");
    let protect = |on: &str| {
        let attributes = json!([{"Key": "deletion_protection.enabled", "Value": on}]);
        scene
            .call("ModifyLoadBalancerAttributes", json!({"LoadBalancerArn": arn, "Attributes": attributes}))
            .unwrap();
    };
    protect("true");
    let delete = || scene.call("DeleteLoadBalancer", json!({"LoadBalancerArn": arn}));
    assert_eq!(delete().unwrap_err().code, "OperationNotPermitted");
    protect("false");
    delete().unwrap();
    delete().unwrap();
    assert_eq!(scene.interfaces(), 0, "its interfaces go with it");
}

#[test]
fn what_is_not_carried_out_is_refused() {
    let scene = Scene::new();
    let balancer = scene.balancer("shop", "internet-facing");
    let group = scene.group("web");
    let listener = scene.listener(&balancer, 80, &group);
    let attribute = |operation: &str, arn: &str, member: &str, key: &str, value: &str| {
        scene.call(operation, json!({member: arn, "Attributes": [{"Key": key, "Value": value}]}))
    };
    let balancer_cases = [
        ("waf.fail_open.enabled", "true"),
        ("connection_logs.s3.enabled", "true"),
        ("idle_timeout.timeout_seconds", "0"),
        ("no.such.attribute", "true"),
    ];
    for (key, value) in balancer_cases {
        let fault =
            attribute("ModifyLoadBalancerAttributes", &balancer, "LoadBalancerArn", key, value).unwrap_err();
        assert_eq!(fault.code, "ValidationError", "{key}");
    }
    let fault =
        attribute("ModifyTargetGroupAttributes", &group, "TargetGroupArn", "stickiness.type", "app_cookie");
    assert_eq!(fault.unwrap_err().code, "ValidationError");
    for kind in ["authenticate-oidc", "authenticate-cognito", "jwt-validation"] {
        let input = json!({
            "ListenerArn": listener,
            "Priority": 1,
            "Conditions": [{"Field": "path-pattern", "Values": ["/*"]}],
            "Actions": [{"Type": kind}],
        });
        assert_eq!(
            scene.call("CreateRule", input).unwrap_err().code,
            "InvalidConfigurationRequest",
            "{kind}"
        );
    }
}

#[test]
fn rules_have_their_order_and_their_limits() {
    let scene = Scene::new();
    let balancer = scene.balancer("shop", "internet-facing");
    let group = scene.group("web");
    let listener = scene.listener(&balancer, 80, &group);
    let rule = |priority: i64, conditions: Json| {
        let actions = json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]);
        scene.call("CreateRule", json!({"ListenerArn": listener, "Priority": priority, "Conditions": conditions, "Actions": actions}))
    };
    let path = json!([{"Field": "path-pattern", "Values": ["/a/*"]}]);
    let first = rule(10, path.clone()).unwrap()["Rules"][0]["RuleArn"].clone();
    assert_eq!(rule(10, path.clone()).unwrap_err().code, "PriorityInUse");
    let bad = [
        json!([]),
        json!([{"Field": "path-pattern", "Values": ["/a", "/b", "/c", "/d", "/e", "/f"]}]),
        json!([{"Field": "path-pattern", "Values": ["/a"]}, {"Field": "path-pattern", "Values": ["/b"]}]),
        json!([{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "Host", "Values": ["x"]}}]),
        json!([{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.1"]}}]),
        json!([{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["get"]}}]),
    ];
    for conditions in bad {
        assert_eq!(rule(20, conditions.clone()).unwrap_err().code, "ValidationError", "{conditions}");
    }
    rule(5, path).unwrap();
    let shown = scene.call("DescribeRules", json!({"ListenerArn": listener})).unwrap()["Rules"].clone();
    let priorities: Vec<&str> =
        shown.as_array().unwrap().iter().map(|r| r["Priority"].as_str().unwrap()).collect();
    assert_eq!(priorities, ["5", "10", "default"]);
    let default = &shown[2]["RuleArn"];
    assert_eq!(
        scene.call("DeleteRule", json!({"RuleArn": default})).unwrap_err().code,
        "OperationNotPermitted"
    );
    scene.call("SetRulePriorities", json!({"RulePriorities": [{"RuleArn": first, "Priority": 1}]})).unwrap();
    let shown = scene.call("DescribeRules", json!({"ListenerArn": listener})).unwrap()["Rules"].clone();
    assert_eq!(shown[0]["RuleArn"], first);
}

#[test]
fn an_https_listener_needs_a_certificate_that_is_there() {
    let scene = Scene::new();
    let balancer = scene.balancer("shop", "internet-facing");
    let group = scene.group("web");
    let listen = |more: Json| {
        let mut input = json!({
            "LoadBalancerArn": balancer,
            "Port": 443,
            "Protocol": "HTTPS",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}],
        });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        scene.call("CreateListener", input)
    };
    let certificate = scene.certificate("shop.example.com");
    assert_eq!(listen(json!({})).unwrap_err().code, "ValidationError");
    let gone = "arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-0000-0000-000000000000";
    assert_eq!(
        listen(json!({"Certificates": [{"CertificateArn": gone}]})).unwrap_err().code,
        "CertificateNotFound"
    );
    let old = json!({"Certificates": [{"CertificateArn": certificate}], "SslPolicy": "ELBSecurityPolicy-TLS-1-0-2015-04"});
    assert_eq!(listen(old).unwrap_err().code, "SSLPolicyNotFound");
    let made =
        listen(json!({"Certificates": [{"CertificateArn": certificate}]})).unwrap()["Listeners"][0].clone();
    assert_eq!(made["SslPolicy"], "ELBSecurityPolicy-2016-08");
    // ACM sees the use, and keeps the certificate.
    let delete =
        scene.world.call(&scene.admin, "acm", "DeleteCertificate", json!({"CertificateArn": certificate}));
    assert_eq!(delete.unwrap_err().code, "ResourceInUseException");
    let again = listen(json!({"Certificates": [{"CertificateArn": certificate}]}));
    assert_eq!(again.unwrap_err().code, "DuplicateListener");
}

#[test]
fn target_groups_and_their_targets() {
    let scene = Scene::new();
    let (balancer, other) =
        (scene.balancer("shop", "internet-facing"), scene.balancer("other", "internet-facing"));
    let group = scene.group("web");
    let register =
        |targets: Json| scene.call("RegisterTargets", json!({"TargetGroupArn": group, "Targets": targets}));
    register(json!([{"Id": "10.0.0.10"}, {"Id": "10.0.1.11", "Port": 9000}])).unwrap();
    for (id, zone) in
        [("8.8.8.8", Some("all")), ("192.168.0.1", None), ("i-0123", None), ("10.0.0.999", None)]
    {
        let target = json!([{"Id": id, "AvailabilityZone": zone}]);
        let target = if zone.is_some() { target } else { json!([{"Id": id}]) };
        assert_eq!(register(target).unwrap_err().code, "InvalidTarget", "{id}");
    }
    register(json!([{"Id": "192.168.0.1", "AvailabilityZone": "all"}])).unwrap();
    let health = |id: &str| {
        let found = scene
            .call("DescribeTargetHealth", json!({"TargetGroupArn": group, "Targets": [{"Id": id}]}))
            .unwrap();
        found["TargetHealthDescriptions"][0]["TargetHealth"].clone()
    };
    assert_eq!(health("10.0.0.10")["Reason"], "Target.NotInUse");
    scene.listener(&balancer, 80, &group);
    assert_eq!(health("10.0.0.10")["Reason"], "Elb.RegistrationInProgress");
    assert_eq!(health("10.9.9.9")["Reason"], "Target.NotRegistered");
    let second = json!({
        "LoadBalancerArn": other, "Port": 80, "Protocol": "HTTP",
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}],
    });
    assert_eq!(scene.call("CreateListener", second).unwrap_err().code, "TargetGroupAssociationLimit");
    assert_eq!(
        scene.call("DeleteTargetGroup", json!({"TargetGroupArn": group})).unwrap_err().code,
        "ResourceInUse"
    );
    let delay = json!([{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}]);
    scene.call("ModifyTargetGroupAttributes", json!({"TargetGroupArn": group, "Attributes": delay})).unwrap();
    scene
        .call("DeregisterTargets", json!({"TargetGroupArn": group, "Targets": [{"Id": "10.0.0.10"}]}))
        .unwrap();
    assert_eq!(health("10.0.0.10")["State"], "draining");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    scene.world.run_jobs_until(scene.now());
    assert_eq!(health("10.0.0.10")["Reason"], "Target.NotRegistered", "its time to drain is over");
    let check = json!({"TargetGroupArn": group, "HealthCheckTimeoutSeconds": 30});
    assert_eq!(scene.call("ModifyTargetGroup", check).unwrap_err().code, "ValidationError");
}

#[test]
fn only_the_allowed_may_change_a_load_balancer() {
    let scene = Scene::new();
    let arn = scene.balancer("shop", "internet-facing");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"elasticloadbalancing:*","Resource":"*","Condition":{"StringEquals":{"elasticloadbalancing:Scheme":"internal"}}}]}"#;
    let inside = scene.world.user("inside", Some(policy));
    let make = |scheme: &str| {
        let input =
            json!({"Name": format!("x-{scheme}"), "Scheme": scheme, "Subnets": ["subnet-a", "subnet-b"]});
        scene.world.call(&inside, "elbv2", "CreateLoadBalancer", input)
    };
    make("internal").unwrap();
    assert_eq!(make("internet-facing").unwrap_err().code, "AccessDeniedException");
    let delete = scene.world.call(&inside, "elbv2", "DeleteLoadBalancer", json!({"LoadBalancerArn": arn}));
    assert_eq!(delete.unwrap_err().code, "AccessDeniedException");
    let tagger = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"elasticloadbalancing:CreateLoadBalancer","Resource":"*"}]}"#;
    let tagger = scene.world.user("tagger", Some(tagger));
    let input =
        json!({"Name": "tagged", "Subnets": ["subnet-a", "subnet-b"], "Tags": [{"Key": "a", "Value": "b"}]});
    let refused = scene.world.call(&tagger, "elbv2", "CreateLoadBalancer", input).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException", "tagging needs its own leave");
}

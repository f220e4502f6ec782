//! Analyzers of external access: what is shared is found, resolved when it goes, archived by rules.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::{ACCOUNT, World};
use model::{Caller, Timestamp};
use serde_json::{Value as Json, json};

const OTHER: &str = "444455556666";

struct Scene {
    world: World,
    admin: Caller,
    analyzer: String,
}

fn policy(statements: Json) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn shared(action: &str) -> String {
    let arns = ["arn:aws:s3:::box", "arn:aws:s3:::box/*"];
    policy(json!([{"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": action, "Resource": arns}]))
}

impl Scene {
    fn new(rules: Json) -> Scene {
        let world = World::new(vec![
            &service_accessanalyzer::SERVICE,
            &service_kms::SERVICE,
            &service_s3::SERVICE,
            &service_securityhub::SERVICE,
        ]);
        let admin = world.admin();
        world.call(&admin, "securityhub", "EnableSecurityHub", json!({})).unwrap();
        world.call(&admin, "s3", "CreateBucket", json!({"Bucket": "box"})).unwrap();
        let input = json!({"analyzerName": "watch", "type": "ACCOUNT", "archiveRules": rules});
        let made = world.call(&admin, "accessanalyzer", "CreateAnalyzer", input).unwrap();
        let analyzer = made["arn"].as_str().unwrap().to_owned();
        Scene { world, admin, analyzer }
    }

    fn call(&self, service: &str, operation: &str, input: Json) -> Json {
        self.world.call(&self.admin, service, operation, input).unwrap()
    }

    fn put(&self, policy: Option<&str>) {
        match policy {
            Some(text) => self.call("s3", "PutBucketPolicy", json!({"Bucket": "box", "Policy": text})),
            None => self.call("s3", "DeleteBucketPolicy", json!({"Bucket": "box"})),
        };
        self.changed("arn:aws:s3:::box");
    }

    /// What the loop that follows commits tells.
    fn changed(&self, arn: &str) {
        self.world.report("accessanalyzer", "Changed", json!({"resources": [arn]})).unwrap();
        self.world.run_jobs_until(Timestamp(i64::MAX / 4_000_000));
    }

    fn findings(&self) -> Vec<Json> {
        let list = self.call("accessanalyzer", "ListFindings", json!({"analyzerArn": self.analyzer}));
        list["findings"].as_array().unwrap().clone()
    }

    fn told(&self) -> Vec<(String, String)> {
        let text = |f: &Json, name: &str| f[name].as_str().unwrap_or_default().to_owned();
        let mut told: Vec<_> =
            self.findings().iter().map(|f| (f["action"].to_string(), text(f, "status"))).collect();
        told.sort();
        told
    }
}

#[test]
fn access_is_found_resolved_and_found_again() {
    let scene = Scene::new(json!([]));
    assert!(scene.findings().is_empty());
    scene.put(Some(&shared("s3:GetObject")));
    let found = scene.findings();
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(one["principal"], json!({"AWS": OTHER}));
    assert_eq!((&one["isPublic"], &one["condition"]), (&json!(false), &json!({})));
    assert_eq!(one["sources"], json!([{"type": "POLICY"}]));
    assert_eq!(one["resourceOwnerAccount"], ACCOUNT);

    // Other access is another finding; the first comes back as itself.
    scene.put(Some(&shared("s3:PutObject")));
    let of = |action: &str, status: &str| (format!("[\"{action}\"]"), status.to_owned());
    assert_eq!(scene.told(), [of("s3:GetObject", "RESOLVED"), of("s3:PutObject", "ACTIVE")]);
    scene.put(Some(&shared("s3:GetObject")));
    assert_eq!(scene.told(), [of("s3:GetObject", "ACTIVE"), of("s3:PutObject", "RESOLVED")]);
    assert!(scene.findings().iter().any(|f| f["id"] == one["id"] && f["status"] == "ACTIVE"));
    scene.put(None);
    assert!(scene.told().iter().all(|(_, status)| status == "RESOLVED"));

    // Security Hub is told of each.
    let hub = scene.call("securityhub", "GetFindings", json!({}));
    let told = hub["Findings"].as_array().unwrap();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|f| f["RecordState"] == "ARCHIVED" && f["ProductName"] == "IAM Access Analyzer"));
}

#[test]
fn a_rule_archives_what_it_describes_and_nothing_else() {
    let filter = json!({"principal.AWS": {"eq": [OTHER]}, "isPublic": {"eq": ["false"]}});
    let scene = Scene::new(json!([{"ruleName": "partner", "filter": filter}]));
    scene.put(Some(&shared("s3:GetObject")));
    assert_eq!(scene.findings()[0]["status"], "ARCHIVED");
    let more = policy(json!([
        {"Effect": "Allow", "Principal": {"AWS": "777788889999"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*"},
    ]));
    scene.put(Some(&more));
    let active = json!({"analyzerArn": scene.analyzer, "filter": {"status": {"eq": ["ACTIVE"]}}});
    let found = scene.call("accessanalyzer", "ListFindingsV2", active)["findings"].clone();
    assert_eq!(found.as_array().unwrap().len(), 1);

    // One that is made later is applied on demand.
    let filter = json!({"resource": {"contains": ["box"]}});
    let rule = json!({"analyzerName": "watch", "ruleName": "all", "filter": filter});
    scene.call("accessanalyzer", "CreateArchiveRule", rule);
    let apply = json!({"analyzerArn": scene.analyzer, "ruleName": "all"});
    scene.call("accessanalyzer", "ApplyArchiveRule", apply);
    let states: Vec<String> = scene.told().into_iter().map(|(_, status)| status).collect();
    assert_eq!(states, ["ARCHIVED", "RESOLVED"]);
}

#[test]
fn a_policy_that_cannot_be_analyzed_is_a_finding() {
    let scene = Scene::new(json!([]));
    let odd = policy(json!([{
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*",
        "Condition": {"NumericLessThan": {"aws:username": "5"}},
    }]));
    scene.call("s3", "DeletePublicAccessBlock", json!({"Bucket": "box"}));
    scene.put(Some(&odd));
    let found = scene.findings();
    assert_eq!((&found[0]["error"], &found[0]["status"]), (&json!("INTERNAL_ERROR"), &json!("ACTIVE")));
}

#[test]
fn a_blocked_bucket_and_a_denied_grant_share_nothing() {
    let scene = Scene::new(json!([]));
    let public = policy(json!([
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*"},
    ]));
    let block = |restrict: bool| json!({"Bucket": "box", "PublicAccessBlockConfiguration": {"RestrictPublicBuckets": restrict}});
    scene.call("s3", "PutPublicAccessBlock", block(true));
    scene.put(Some(&public));
    assert!(scene.findings().is_empty());
    scene.call("s3", "PutPublicAccessBlock", block(false));
    scene.changed("arn:aws:s3:::box");
    assert_eq!(
        (&scene.findings()[0]["isPublic"], &scene.findings()[0]["principal"]),
        (&json!(true), &json!({"AWS": "*"}))
    );

    let key = scene.call("kms", "CreateKey", json!({}))["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let grantee = scene.world.user_in(OTHER, "partner", None).arn;
    let grant = json!({"KeyId": key, "GranteePrincipal": grantee, "Operations": ["Decrypt", "DescribeKey"]});
    scene.call("kms", "CreateGrant", grant);
    scene.changed(&key);
    let of_key = || scene.findings().into_iter().find(|f| f["resource"] == key.as_str()).unwrap();
    assert_eq!(of_key()["action"], json!(["kms:Decrypt", "kms:DescribeKey"]));
    let denied = policy(json!([
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": {"AWS": OTHER}, "Action": "kms:*", "Resource": "*"},
    ]));
    scene.call("kms", "PutKeyPolicy", json!({"KeyId": key, "Policy": denied}));
    scene.changed(&key);
    assert_eq!(of_key()["status"], "RESOLVED");
}

#[test]
fn a_preview_tells_what_would_be_new_and_what_would_go() {
    let scene = Scene::new(json!([]));
    scene.put(Some(&shared("s3:GetObject")));
    for (action, expected) in [
        ("s3:GetObject", vec![("UNCHANGED", "ACTIVE")]),
        ("s3:PutObject", vec![("NEW", "ACTIVE"), ("CHANGED", "RESOLVED")]),
    ] {
        let configuration = json!({"arn:aws:s3:::box": {"s3Bucket": {"bucketPolicy": shared(action)}}});
        let input = json!({"analyzerArn": scene.analyzer, "configurations": configuration});
        let id = scene.call("accessanalyzer", "CreateAccessPreview", input)["id"].clone();
        let input = json!({"analyzerArn": scene.analyzer, "accessPreviewId": id});
        let found = scene.call("accessanalyzer", "ListAccessPreviewFindings", input);
        let told: Vec<_> = found["findings"].as_array().unwrap().iter().collect();
        let told: Vec<_> =
            told.iter().map(|f| (f["changeType"].as_str().unwrap(), f["status"].as_str().unwrap())).collect();
        assert_eq!(told, expected, "{action}");
    }
    assert_eq!(scene.findings().len(), 1);
}

#[test]
fn nobody_without_permission_sees_findings_or_makes_analyzers() {
    let scene = Scene::new(json!([]));
    let nobody = scene.world.user("nobody", None);
    let stranger = scene.world.user_in(
        OTHER,
        "stranger",
        Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#),
    );
    let list = json!({"analyzerArn": scene.analyzer});
    for caller in [&nobody, &stranger] {
        let refused = scene.world.call(caller, "accessanalyzer", "ListFindings", list.clone()).unwrap_err();
        assert_eq!(refused.code, "AccessDeniedException");
    }
    for (input, code) in [
        (json!({"analyzerName": "watch", "type": "ACCOUNT"}), "ConflictException"),
        (json!({"analyzerName": "more", "type": "ACCOUNT"}), "ServiceQuotaExceededException"),
        (json!({"analyzerName": "more", "type": "ORGANIZATION"}), "ValidationException"),
    ] {
        let refused = scene.world.call(&scene.admin, "accessanalyzer", "CreateAnalyzer", input).unwrap_err();
        assert_eq!(refused.code, code);
    }
    scene.call("accessanalyzer", "DeleteAnalyzer", json!({"analyzerName": "watch"}));
    let gone = scene.world.call(&scene.admin, "accessanalyzer", "ListFindings", list).unwrap_err();
    assert_eq!(gone.code, "ResourceNotFoundException");
}

//! Analyzers of unused access: what nobody has used for so long is found, and resolved by a use.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use std::sync::Arc;

use harness::{ACCOUNT, World};
use model::estate::iam::{AccessKey, InlinePolicy, Role};
use model::graph::Change;
use model::{AccountId, Caller, PolicyText, Tags, Timestamp};
use serde_json::{Value as Json, json};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:GetObject","kms:*"],"Resource":"*"}}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;

fn role(name: &str, created: Timestamp, tags: Tags) -> Role {
    Role {
        account: AccountId::parse(ACCOUNT).unwrap(),
        name: name.to_owned(),
        path: "/".to_owned(),
        id: format!("AROA{}", name.to_ascii_uppercase()),
        created,
        description: None,
        max_session: 3600,
        trust: PolicyText::new(TRUST, None),
        inline: vec![InlinePolicy { name: "p".to_owned(), document: PolicyText::new(POLICY, None) }],
        attached: Vec::new(),
        boundary: None,
        tags,
        last_used: None,
    }
}

struct Scene {
    world: World,
    admin: Caller,
    analyzer: String,
}

impl Scene {
    fn new(configuration: Json) -> Scene {
        let services = vec![
            &service_accessanalyzer::SERVICE,
            &service_kms::SERVICE,
            &service_s3::SERVICE,
            &service_securityhub::SERVICE,
        ];
        let world = World::new(services);
        let admin = world.admin();
        let input = json!({
            "analyzerName": "idle", "type": "ACCOUNT_UNUSED_ACCESS", "configuration": {"unusedAccess": configuration},
        });
        let made = world.call(&admin, "accessanalyzer", "CreateAnalyzer", input).unwrap();
        let analyzer = made["arn"].as_str().unwrap().to_owned();
        Scene { world, admin, analyzer }
    }

    fn used(&self, principals: Json, services: Json, keys: Json) {
        let payload = json!({"principals": principals, "services": services, "keys": keys});
        self.world.report("accessanalyzer", "Used", payload).unwrap();
    }

    /// `TYPE NAME STATUS` of each finding.
    fn told(&self) -> Vec<String> {
        let input = json!({"analyzerArn": self.analyzer});
        let found = self.world.call(&self.admin, "accessanalyzer", "ListFindingsV2", input).unwrap();
        let text = |f: &Json, name: &str| f[name].as_str().unwrap_or_default().to_owned();
        let line = |f: &Json| {
            let resource = text(f, "resource");
            let name = resource.rsplit('/').next().unwrap_or_default();
            format!("{} {name} {}", text(f, "findingType"), text(f, "status"))
        };
        let mut told: Vec<String> = found["findings"].as_array().unwrap().iter().map(line).collect();
        told.sort();
        told
    }
}

#[test]
fn what_is_not_used_is_found_and_a_use_resolves_it() {
    let scene = Scene::new(json!({
        "unusedAccessAge": 30, "analysisRule": {"exclusions": [{"resourceTags": [{"keep": ""}]}]},
    }));
    let now = estate_now();
    let key = |id: &str| AccessKey {
        account: AccountId::parse(ACCOUNT).unwrap(),
        id: id.to_owned(),
        user: Some("admin".to_owned()),
        active: true,
        created: Timestamp(0),
        sealed_secret: String::new(),
    };
    scene.world.change(vec![
        Change::Put(Arc::new(role("idle", Timestamp(0), Tags::new()))),
        Change::Put(Arc::new(role("kept", Timestamp(0), Tags::from([("keep".to_owned(), "x".to_owned())])))),
        Change::Put(Arc::new(role("new", now, Tags::new()))),
        Change::Put(Arc::new(role("busy", Timestamp(0), Tags::new()))),
        Change::Put(Arc::new(key("AKIAOLD"))),
        Change::Put(Arc::new(key("AKIAUSED"))),
    ]);
    let days = |days: i64| now.plus_seconds(-days * 86_400).0;
    let busy = json!({"s3": days(1), "kms": days(40)});
    scene.used(
        json!({"AROABUSY": days(1)}),
        json!({"AROABUSY": busy}),
        json!({"AKIAUSED": days(2), "AKIAOLD": days(31)}),
    );
    assert_eq!(
        scene.told(),
        ["UnusedIAMRole idle ACTIVE", "UnusedIAMUserAccessKey admin ACTIVE", "UnusedPermission busy ACTIVE",]
    );
    let filter = json!({"findingType": {"eq": ["UnusedPermission"]}});
    let input = json!({"analyzerArn": scene.analyzer, "filter": filter});
    let found = scene.world.call(&scene.admin, "accessanalyzer", "ListFindingsV2", input).unwrap();
    let input = json!({"analyzerArn": scene.analyzer, "id": found["findings"][0]["id"]});
    let one = scene.world.call(&scene.admin, "accessanalyzer", "GetFindingV2", input).unwrap();
    let details = one["findingDetails"].as_array().unwrap();
    assert_eq!(details.len(), 1);
    assert_eq!(details[0]["unusedPermissionDetails"]["serviceNamespace"], "kms");

    let busy = json!({"s3": days(1), "kms": days(1)});
    let principals = json!({"AROABUSY": days(1), "AROAIDLE": days(1)});
    let idle = json!({"s3": days(1), "kms": days(1)});
    scene.used(
        principals,
        json!({"AROABUSY": busy, "AROAIDLE": idle}),
        json!({"AKIAUSED": days(2), "AKIAOLD": days(1)}),
    );
    assert!(scene.told().iter().all(|line| line.ends_with("RESOLVED")), "{:?}", scene.told());
}

#[test]
fn the_configuration_is_checked_told_and_changed() {
    let scene = Scene::new(json!({}));
    let get = || {
        let input = json!({"analyzerName": "idle"});
        scene.world.call(&scene.admin, "accessanalyzer", "GetAnalyzer", input).unwrap()["analyzer"].clone()
    };
    assert_eq!(get()["configuration"], json!({"unusedAccess": {"unusedAccessAge": 90}}));
    let update = |unused: Json| {
        let input = json!({"analyzerName": "idle", "configuration": {"unusedAccess": unused}});
        scene.world.call(&scene.admin, "accessanalyzer", "UpdateAnalyzer", input)
    };
    for wrong in [
        json!({"unusedAccessAge": 0}),
        json!({"unusedAccessAge": 366}),
        json!({"analysisRule": {"exclusions": [{}]}}),
        json!({"analysisRule": {"exclusions": [{"accountIds": [ACCOUNT]}]}}),
    ] {
        assert_eq!(update(wrong.clone()).unwrap_err().code, "ValidationException", "{wrong}");
    }
    update(json!({"unusedAccessAge": 7})).unwrap();
    assert_eq!(get()["configuration"]["unusedAccess"]["unusedAccessAge"], 7);
    let of_external = json!({"analyzerArn": scene.analyzer});
    let refused = scene.world.call(&scene.admin, "accessanalyzer", "ListFindings", of_external).unwrap_err();
    assert_eq!(refused.code, "ValidationException");
}

fn estate_now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

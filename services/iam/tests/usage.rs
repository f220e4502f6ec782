//! What an account has, and what was used of it: told from the graph and from the record of calls.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::{ACCOUNT, World};
use model::Caller;
use serde_json::{Value as Json, json};

const LIST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:ListUsers","sts:GetCallerIdentity"],"Resource":"*"}]}"#;
const READ_ONLY: &str = "arn:aws:iam::aws:policy/IAMReadOnlyAccess";

struct Scene {
    world: World,
    admin: Caller,
}

impl Scene {
    fn new() -> Scene {
        let world = World::new(vec![&service_iam::SERVICE]);
        let admin = world.admin();
        Scene { world, admin }
    }

    fn call(&self, operation: &str, input: Json) -> Json {
        self.world.call(&self.admin, "iam", operation, input).unwrap()
    }

    /// A user with an access key, as the caller that signs with it.
    fn user(&self, name: &str, policy: Option<&str>) -> (Caller, String) {
        let caller = self.world.user(name, policy);
        let key = self.call("CreateAccessKey", json!({"UserName": name}))["AccessKey"]["AccessKeyId"].clone();
        let key = key.as_str().unwrap().to_owned();
        (Caller { access_key: Some(key.clone()), ..caller }, key)
    }

    /// A write's record is on the disk when it is answered, and so are those of all calls before it.
    fn settle(&self) {
        self.call("UpdateUser", json!({"UserName": "admin"}));
    }

    fn last_used(&self, key: &str) -> Json {
        self.settle();
        self.call("GetAccessKeyLastUsed", json!({"AccessKeyId": key}))["AccessKeyLastUsed"].clone()
    }

    fn report(&self) -> Vec<Vec<String>> {
        let content = self.call("GetCredentialReport", json!({}))["Content"].as_str().unwrap().to_owned();
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(content).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }
}

#[test]
fn a_key_is_used_by_every_call_even_a_denied_one() {
    let scene = Scene::new();
    let (ann, key) = scene.user("ann", Some(LIST));
    let (ben, other) = scene.user("ben", None);
    let never = json!({"ServiceName": "N/A", "Region": "N/A"});
    assert_eq!(scene.last_used(&key), never);
    scene.world.call(&ann, "iam", "ListUsers", json!({})).unwrap();
    let used = scene.last_used(&key);
    assert_eq!((&used["ServiceName"], &used["Region"]), (&json!("iam"), &json!("us-east-1")));
    assert!(used["LastUsedDate"].is_number() || used["LastUsedDate"].is_string());
    assert_eq!(scene.last_used(&other), never, "another's key");
    scene.world.call(&ben, "iam", "ListUsers", json!({})).unwrap_err();
    assert_eq!(scene.last_used(&other)["ServiceName"], "iam");
    // Who may not, and what is not there.
    let input = json!({"AccessKeyId": key});
    let ask = |caller: &Caller| world_code(&scene.world, caller, input.clone());
    assert_eq!(ask(&ben), "AccessDeniedException");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    assert_eq!(ask(&scene.world.user_in("444455556666", "eve", Some(policy))), "NoSuchEntity");
}

fn world_code(world: &World, caller: &Caller, input: Json) -> String {
    world.call(caller, "iam", "GetAccessKeyLastUsed", input).unwrap_err().code.into_owned()
}

#[test]
fn the_credential_report_is_of_the_time_it_was_asked_for() {
    let scene = Scene::new();
    let missing = scene.world.call(&scene.admin, "iam", "GetCredentialReport", json!({})).unwrap_err();
    assert_eq!((&*missing.code, missing.status), ("ReportNotPresent", 410));
    let (ann, _) = scene.user("ann", Some(LIST));
    scene.call("UpdateAccountPasswordPolicy", json!({"MaxPasswordAge": 90}));
    scene.call("CreateLoginProfile", json!({"UserName": "ann", "Password": "Correct-horse-1"}));
    scene.world.call(&ann, "iam", "ListUsers", json!({})).unwrap();
    scene.world.user("a,b", None);
    assert_eq!(scene.call("GenerateCredentialReport", json!({}))["State"], "STARTED");
    assert_eq!(scene.call("GenerateCredentialReport", json!({}))["State"], "COMPLETE");
    scene.world.user("later", None);
    let rows = scene.report();
    let column =
        |row: &[String], name: &str| row[rows[0].iter().position(|column| column == name).unwrap()].clone();
    assert_eq!(rows[0].len(), 22);
    assert_eq!((rows[1][0].as_str(), rows[1].len()), ("<root_account>", 22));
    let row = rows.iter().find(|row| row[0] == "ann").unwrap();
    assert_eq!(row[1], format!("arn:aws:iam::{ACCOUNT}:user/ann"));
    for (name, value) in [
        ("password_enabled", "true"),
        ("password_last_used", "no_information"),
        ("mfa_active", "false"),
        ("access_key_1_active", "true"),
        ("access_key_1_last_used_region", "us-east-1"),
        ("access_key_1_last_used_service", "iam"),
        ("access_key_2_active", "false"),
        ("access_key_2_last_rotated", "N/A"),
        ("cert_1_active", "false"),
    ] {
        assert_eq!(column(row, name), value, "{name}");
    }
    let day = |text: String| text.split('T').next().unwrap().to_owned();
    assert_ne!(day(column(row, "password_next_rotation")), day(column(row, "password_last_changed")));
    assert!(column(row, "access_key_1_last_used_date").ends_with("+00:00"));
    assert!(rows.iter().any(|row| row[0] == "\"a"), "a comma in a name is quoted");
    assert!(!rows.iter().any(|row| row[0] == "later"));
    // Reports are the account's own.
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let eve = scene.world.user_in("444455556666", "eve", Some(policy));
    assert_eq!(
        scene.world.call(&eve, "iam", "GetCredentialReport", json!({})).unwrap_err().code,
        "ReportNotPresent"
    );
}

#[test]
fn what_a_principal_may_use_and_what_it_used() {
    let scene = Scene::new();
    let (ann, _) = scene.user("ann", Some(LIST));
    scene.world.user("ben", None);
    scene.call("CreateGroup", json!({"GroupName": "readers"}));
    scene.call("AttachGroupPolicy", json!({"GroupName": "readers", "PolicyArn": READ_ONLY}));
    for user in ["ben", "ann"] {
        scene.call("AddUserToGroup", json!({"GroupName": "readers", "UserName": user}));
    }
    let details = |arn: &str, level: &str| {
        scene.settle();
        let job = scene.call("GenerateServiceLastAccessedDetails", json!({"Arn": arn, "Granularity": level}));
        (job.clone(), scene.call("GetServiceLastAccessedDetails", json!({"JobId": job["JobId"]})))
    };
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/ann");
    let (_, before) = details(&arn, "SERVICE_LEVEL");
    let services = before["ServicesLastAccessed"].as_array().unwrap();
    assert_eq!(services.len(), 1, "of the services that are served, iam alone is allowed: {before}");
    assert_eq!(
        (&services[0]["ServiceNamespace"], &services[0]["TotalAuthenticatedEntities"]),
        (&json!("iam"), &json!(0))
    );
    assert_eq!(services[0].get("LastAuthenticated"), None);
    scene.world.call(&ann, "iam", "ListUsers", json!({})).unwrap();
    for subject in [arn.as_str(), &format!("arn:aws:iam::{ACCOUNT}:group/readers"), READ_ONLY] {
        let (job, after) = details(subject, "ACTION_LEVEL");
        let iam = &after["ServicesLastAccessed"][0];
        assert_eq!(iam["LastAuthenticatedEntity"], arn, "{subject}");
        assert_eq!(iam["TotalAuthenticatedEntities"], 1);
        assert_eq!(iam["TrackedActionsLastAccessed"][0]["ActionName"], "ListUsers");
        let input = json!({"JobId": job["JobId"], "ServiceNamespace": "iam"});
        let entities = scene.call("GetServiceLastAccessedDetailsWithEntities", input);
        let used: Vec<(bool, &Json)> = entities["EntityDetailsList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entity| (entity.get("LastAuthenticated").is_some(), &entity["EntityInfo"]["Name"]))
            .collect();
        match subject == arn {
            true => assert_eq!(used, [(true, &json!("ann"))]),
            false => assert_eq!(used, [(true, &json!("ann")), (false, &json!("ben"))]),
        }
    }
    // A new user of the same name has used nothing; jobs and principals are the account's own.
    let (job, _) = details(&arn, "SERVICE_LEVEL");
    let eve = scene.world.user_in(
        "444455556666",
        "eve",
        Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#),
    );
    for (operation, input) in [
        ("GetServiceLastAccessedDetails", json!({"JobId": job["JobId"]})),
        ("GenerateServiceLastAccessedDetails", json!({"Arn": arn})),
    ] {
        let fault = scene.world.call(&eve, "iam", operation, input).unwrap_err();
        assert_eq!(fault.code, "NoSuchEntity", "{operation}");
    }
}

#[test]
fn every_principal_and_policy_in_one_list() {
    let scene = Scene::new();
    let (_, _) = scene.user("ann", Some(LIST));
    scene.call("CreateGroup", json!({"GroupName": "readers"}));
    scene.call("AttachGroupPolicy", json!({"GroupName": "readers", "PolicyArn": READ_ONLY}));
    scene.call("AddUserToGroup", json!({"GroupName": "readers", "UserName": "ann"}));
    scene.call("CreatePolicy", json!({"PolicyName": "own", "PolicyDocument": LIST}));
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    scene.call("CreateRole", json!({"RoleName": "worker", "AssumeRolePolicyDocument": trust}));
    let all = scene.call("GetAccountAuthorizationDetails", json!({}));
    let ann = all["UserDetailList"].as_array().unwrap().iter().find(|u| u["UserName"] == "ann").unwrap();
    assert_eq!(
        (&ann["GroupList"], &ann["UserPolicyList"][0]["PolicyName"]),
        (&json!(["readers"]), &json!("test"))
    );
    assert_eq!(all["GroupDetailList"][0]["AttachedManagedPolicies"][0]["PolicyArn"], READ_ONLY);
    assert_eq!(all["RoleDetailList"][0]["RoleName"], "worker");
    let names: Vec<&Json> = all["Policies"].as_array().unwrap().iter().map(|p| &p["PolicyName"]).collect();
    assert_eq!(names, ["own", "IAMReadOnlyAccess"], "of AWS's own, what somebody has");
    let local = scene.call("GetAccountAuthorizationDetails", json!({"Filter": ["LocalManagedPolicy"]}));
    assert_eq!((local["Policies"].as_array().unwrap().len(), &local["UserDetailList"]), (1, &json!([])));
    // Page by page it is the same list.
    let (mut marker, mut found) = (Json::Null, 0);
    loop {
        let input =
            if marker.is_null() { json!({"MaxItems": 1}) } else { json!({"MaxItems": 1, "Marker": marker}) };
        let page = scene.call("GetAccountAuthorizationDetails", input);
        for list in ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"] {
            found += page[list].as_array().unwrap().len();
        }
        if page["IsTruncated"] != true {
            break;
        }
        marker = page["Marker"].clone();
    }
    assert_eq!(found, 6);
    let summary = scene.call("GetAccountSummary", json!({}))["SummaryMap"].clone();
    for (name, value) in
        [("Users", 2), ("Groups", 1), ("Roles", 1), ("Policies", 1), ("AccessKeysPerUserQuota", 2)]
    {
        assert_eq!(summary[name], value, "{name}");
    }
}

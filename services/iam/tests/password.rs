//! Passwords: what the account's policy refuses, who may change them, and what is kept of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::World;
use model::{Caller, Fault};
use serde_json::{Value as Json, json};

const CHANGE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ChangePassword","Resource":"arn:aws:iam::*:user/${aws:username}"}]}"#;
const DENIED: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:ChangePassword","Resource":"*"}]}"#;
const RIGHT: &str = "Correct-horse-1";

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

    fn call(&self, operation: &str, input: Json) -> Result<Json, Fault> {
        self.world.call(&self.admin, "iam", operation, input)
    }

    fn create(&self, user: &str, password: &str) -> Result<Json, Fault> {
        self.call("CreateLoginProfile", json!({"UserName": user, "Password": password}))
    }

    fn set(&self, user: &str, password: &str) -> Result<Json, Fault> {
        self.call("UpdateLoginProfile", json!({"UserName": user, "Password": password}))
    }

    fn rules(&self, rules: Json) {
        self.call("UpdateAccountPasswordPolicy", rules).unwrap();
    }

    fn change(&self, caller: &Caller, old: &str, new: &str) -> Result<Json, Fault> {
        self.world.call(caller, "iam", "ChangePassword", json!({"OldPassword": old, "NewPassword": new}))
    }
}

#[test]
fn a_password_is_as_the_account_wants_it() {
    let scene = Scene::new();
    scene.world.user("ann", None);
    let refused = |rules: Option<Json>, passwords: &[&str], right: &str| {
        if let Some(rules) = rules {
            scene.rules(rules);
        }
        for wrong in passwords {
            let fault = scene.create("ann", wrong).unwrap_err();
            assert_eq!((&*fault.code, fault.status), ("PasswordPolicyViolation", 400), "{wrong}");
        }
        scene.create("ann", right).unwrap();
        for wrong in passwords {
            assert_eq!(scene.set("ann", wrong).unwrap_err().code, "PasswordPolicyViolation", "{wrong}");
        }
        scene.call("DeleteLoginProfile", json!({"UserName": "ann"})).unwrap();
    };
    // AWS's own rules, where there are none.
    assert_eq!(scene.call("GetAccountPasswordPolicy", json!({})).unwrap_err().code, "NoSuchEntity");
    refused(None, &["Short-1", "onlylowercase", "lower-and-symbols"], "Long-enough");
    refused(Some(json!({})), &["short"], "longer");
    refused(Some(json!({"MinimumPasswordLength": 12})), &["elevenchars"], "twelve-chars");
    refused(Some(json!({"RequireSymbols": true})), &["nosymbols", "space symbol"], "with|bar");
    refused(Some(json!({"RequireNumbers": true})), &["nonumbers"], "number1");
    refused(Some(json!({"RequireUppercaseCharacters": true})), &["lowercase", "ÄÖÜäöü"], "Uppercase");
    refused(Some(json!({"RequireLowercaseCharacters": true})), &["UPPERCASE"], "lOWERCASE");
    scene.call("DeleteAccountPasswordPolicy", json!({})).unwrap();
    refused(None, &["onlylowercase"], RIGHT);
    assert_eq!(scene.call("DeleteAccountPasswordPolicy", json!({})).unwrap_err().code, "NoSuchEntity");
}

#[test]
fn who_changes_a_password_knows_the_old_one_and_may() {
    let scene = Scene::new();
    let ann = scene.world.user("ann", Some(CHANGE));
    assert_eq!(scene.change(&ann, RIGHT, "Another-1").unwrap_err().code, "NoSuchEntity");
    scene.create("ann", RIGHT).unwrap();
    assert_eq!(scene.create("ann", RIGHT).unwrap_err().code, "EntityAlreadyExists");
    assert_eq!(scene.change(&ann, "Wrong-horse-1", "Another-1").unwrap_err().code, "AccessDeniedException");
    assert_eq!(scene.change(&ann, RIGHT, "short").unwrap_err().code, "PasswordPolicyViolation");
    scene.change(&ann, RIGHT, "Another-1").unwrap();
    assert_eq!(scene.change(&ann, RIGHT, "Third-one-1").unwrap_err().code, "AccessDeniedException");
    // It goes along with the user's name, and goes before the user does.
    scene.call("UpdateUser", json!({"UserName": "ann", "NewUserName": "anna"})).unwrap();
    let anna = Caller {
        kind: model::CallerKind::User { name: "anna".to_owned() },
        arn: ann.arn.replace("user/ann", "user/anna"),
        ..ann
    };
    scene.change(&anna, "Another-1", "Third-one-1").unwrap();
    scene.call("DeleteUserPolicy", json!({"UserName": "anna", "PolicyName": "test"})).unwrap();
    assert_eq!(scene.call("DeleteUser", json!({"UserName": "anna"})).unwrap_err().code, "DeleteConflict");
    scene.call("DeleteLoginProfile", json!({"UserName": "anna"})).unwrap();
    scene.call("DeleteUser", json!({"UserName": "anna"})).unwrap();
}

#[test]
fn remembered_passwords_do_not_come_again() {
    let scene = Scene::new();
    scene.world.user("ann", None);
    scene.rules(json!({"PasswordReusePrevention": 2}));
    scene.create("ann", "first-1").unwrap();
    assert_eq!(scene.set("ann", "first-1").unwrap_err().code, "PasswordPolicyViolation");
    scene.set("ann", "second-1").unwrap();
    assert_eq!(scene.set("ann", "first-1").unwrap_err().code, "PasswordPolicyViolation");
    scene.set("ann", "third-1").unwrap();
    scene.set("ann", "first-1").unwrap();
    scene.rules(json!({}));
    scene.set("ann", "first-1").unwrap();
}

#[test]
fn the_account_lets_its_users_change_their_own() {
    let scene = Scene::new();
    let (ann, ben) = (scene.world.user("ann", None), scene.world.user("ben", Some(DENIED)));
    let eve = scene.world.user_in("444455556666", "ann", None);
    for user in ["ann", "ben"] {
        scene.create(user, RIGHT).unwrap();
    }
    let denied = |caller: &Caller, why: &str| {
        let fault = scene.change(caller, RIGHT, "Another-1").unwrap_err();
        assert_eq!(fault.code, "AccessDeniedException", "{why}");
        assert!(fault.message.contains("is not authorized to perform: iam:ChangePassword"), "{why}: {fault}");
    };
    denied(&ann, "nothing allows it");
    scene.rules(json!({"MinimumPasswordLength": 8}));
    denied(&ann, "the policy does not");
    scene.rules(json!({"AllowUsersToChangePassword": true}));
    scene.change(&ann, RIGHT, RIGHT).unwrap();
    assert!(scene.world.call(&ann, "iam", "GetAccountPasswordPolicy", json!({})).is_ok());
    denied(&ben, "an explicit deny holds");
    denied(&eve, "another account's user of the same name");
    let other = json!({"UserName": "ben", "Password": "Another-1"});
    assert!(scene.world.call(&ann, "iam", "UpdateLoginProfile", other).is_err(), "only the own one");
    scene.call("DeleteAccountPasswordPolicy", json!({})).unwrap();
    denied(&ann, "the policy is gone");
    assert!(scene.world.call(&ann, "iam", "GetAccountPasswordPolicy", json!({})).is_err());
}

#[test]
fn after_a_hard_expiry_only_an_own_permission_helps() {
    let scene = Scene::new();
    let (ann, ben) = (scene.world.user("ann", None), scene.world.user("ben", Some(CHANGE)));
    for user in ["ann", "ben"] {
        scene.create(user, RIGHT).unwrap();
        // The password was set two days ago.
        let snapshot = scene.world.estate.snapshot();
        let account = model::AccountId::parse(harness::ACCOUNT).unwrap();
        let node = snapshot.by_arn(&format!("arn:aws:iam::{account}:login-profile/{user}")).unwrap();
        let mut aged = node.to_json();
        aged["changed"] = json!(aged["changed"].as_i64().unwrap() - 2 * 86_400_000);
        let kind = service_iam::SERVICE.nodes.iter().find(|k| k.name == "Countersign::IAM::LoginProfile");
        let aged = (kind.unwrap().decode)(aged).unwrap();
        scene.world.change(vec![model::graph::Change::Put(aged)]);
    }
    let rules =
        |hard: bool| json!({"AllowUsersToChangePassword": true, "MaxPasswordAge": 1, "HardExpiry": hard});
    scene.rules(rules(true));
    assert_eq!(scene.change(&ann, RIGHT, "Another-1").unwrap_err().code, "AccessDeniedException");
    scene.change(&ben, RIGHT, "Another-1").unwrap();
    scene.rules(rules(false));
    scene.change(&ann, RIGHT, "Another-1").unwrap();
    // What was just set is not expired.
    scene.rules(rules(true));
    scene.change(&ann, "Another-1", "Third-one-1").unwrap();
    let policy = scene.call("GetAccountPasswordPolicy", json!({})).unwrap();
    assert_eq!(policy["PasswordPolicy"]["ExpirePasswords"], true);
}

#[test]
fn nothing_but_a_sealed_hash_is_kept() {
    let scene = Scene::new();
    scene.world.user("ann", None);
    scene.create("ann", RIGHT).unwrap();
    let mut seen = 0;
    use model::Host as _;
    scene
        .world
        .estate
        .events(&mut |_, event| {
            seen += 1;
            assert!(!serde_json::to_string(&event).unwrap().contains(RIGHT));
            true
        })
        .unwrap();
    assert!(seen > 0);
    let shown = scene.call("GetLoginProfile", json!({"UserName": "ann"})).unwrap().to_string();
    assert!(!shown.contains(RIGHT) && shown.contains("PasswordResetRequired"));
}

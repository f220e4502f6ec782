//! Grants: whom they let use a key, and when they no longer do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use std::sync::Arc;

use harness::{ACCOUNT, World};
use model::estate::iam::{Role, User};
use model::graph::Change;
use model::identity::Session;
use model::{AccountId, Caller, CallerKind, Fault, Node as _, PolicyText, Tags, Timestamp};
use serde_json::{Value as Json, json};

const ABROAD: &str = "444455556666";

fn world() -> (World, Caller, String) {
    let world = World::new(vec![&service_kms::SERVICE]);
    let admin = world.admin();
    let key = key(&world, &admin, json!({}));
    (world, admin, key)
}

fn key(world: &World, by: &Caller, input: Json) -> String {
    let made = world.call(by, "kms", "CreateKey", input).unwrap();
    made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

fn role(account: &str, name: &str, id: &str) -> Role {
    Role {
        account: AccountId::parse(account).unwrap(),
        name: name.to_owned(),
        path: "/".to_owned(),
        id: id.to_owned(),
        created: Timestamp(0),
        description: None,
        max_session: 3600,
        trust: PolicyText::new("{}", None),
        inline: Vec::new(),
        attached: Vec::new(),
        boundary: None,
        tags: Tags::new(),
        last_used: None,
    }
}

fn session(role: &Role, name: &str) -> Caller {
    Caller {
        arn: format!("arn:aws:sts::{}:assumed-role/{}/{name}", role.account, role.name),
        account: role.account.clone(),
        principal_id: format!("{}:{name}", role.id),
        kind: CallerKind::Role { role_arn: role.arn(), session_name: name.to_owned() },
        access_key: None,
        session: None,
    }
}

fn put(world: &World, role: &Role) {
    world.change(vec![Change::Put(Arc::new(role.clone()))]);
}

fn grant(
    world: &World,
    by: &Caller,
    key: &str,
    to: &str,
    operations: &[&str],
    more: Json,
) -> Result<Json, Fault> {
    let mut input = json!({"KeyId": key, "GranteePrincipal": to, "Operations": operations});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.call(by, "kms", "CreateGrant", input)
}

fn encrypt(world: &World, by: &Caller, key: &str, context: Json) -> Result<Json, Fault> {
    let input = json!({"KeyId": key, "Plaintext": "eA==", "EncryptionContext": context});
    world.call(by, "kms", "Encrypt", input)
}

fn code(done: Result<Json, Fault>) -> String {
    done.map_or_else(|fault| fault.code.to_string(), |_| "OK".to_owned())
}

const DENIED: &str = "AccessDeniedException";

#[test]
fn a_grant_lets_its_grantee_use_its_key_and_no_more() {
    let (world, admin, key_arn) = world();
    let (bob, eve) = (world.user("bob", None), world.user("eve", None));
    assert_eq!(code(encrypt(&world, &bob, &key_arn, json!({}))), DENIED);
    let made = grant(&world, &admin, &key_arn, &bob.arn, &["Encrypt", "DescribeKey"], json!({})).unwrap();
    assert_eq!(made["GrantId"].as_str().unwrap().len(), 64);
    let blob = encrypt(&world, &bob, &key_arn, json!({})).unwrap();
    assert_eq!(code(encrypt(&world, &eve, &key_arn, json!({}))), DENIED);
    assert_eq!(code(world.call(&bob, "kms", "DescribeKey", json!({"KeyId": key_arn}))), "OK");
    let decrypt = json!({"CiphertextBlob": blob["CiphertextBlob"]});
    assert_eq!(code(world.call(&bob, "kms", "Decrypt", decrypt)), DENIED);
    assert_eq!(code(world.call(&bob, "kms", "ListGrants", json!({"KeyId": key_arn}))), DENIED);
    let other = key(&world, &admin, json!({}));
    assert_eq!(code(encrypt(&world, &bob, &other, json!({}))), DENIED);
    // Gone with the grant, and not usable while the key is not.
    world.call(&admin, "kms", "DisableKey", json!({"KeyId": key_arn})).unwrap();
    assert_eq!(code(encrypt(&world, &bob, &key_arn, json!({}))), "DisabledException");
    assert_eq!(code(grant(&world, &admin, &key_arn, &bob.arn, &["Encrypt"], json!({}))), "DisabledException");
    world.call(&admin, "kms", "EnableKey", json!({"KeyId": key_arn})).unwrap();
    let revoke = json!({"KeyId": key_arn, "GrantId": made["GrantId"]});
    assert_eq!(code(world.call(&bob, "kms", "RevokeGrant", revoke.clone())), DENIED);
    world.call(&admin, "kms", "RevokeGrant", revoke.clone()).unwrap();
    assert_eq!(code(encrypt(&world, &bob, &key_arn, json!({}))), DENIED);
    assert_eq!(code(world.call(&admin, "kms", "RevokeGrant", revoke)), "NotFoundException");
}

#[test]
fn a_role_that_is_made_anew_is_another_grantee() {
    let (world, admin, key) = world();
    let first = role(ACCOUNT, "worker", "AROAFIRSTFIRSTFIRST1");
    put(&world, &first);
    grant(&world, &admin, &key, &first.arn(), &["Encrypt"], json!({})).unwrap();
    let (one, two) = (session(&first, "one"), session(&first, "two"));
    assert_eq!(code(encrypt(&world, &one, &key, json!({}))), "OK");
    world.change(vec![Change::Remove(first.key())]);
    assert_eq!(code(encrypt(&world, &one, &key, json!({}))), DENIED);
    let second = role(ACCOUNT, "worker", "AROASECONDSECONDSEC2");
    put(&world, &second);
    assert_eq!(code(encrypt(&world, &session(&second, "one"), &key, json!({}))), DENIED);
    assert_eq!(code(encrypt(&world, &one, &key, json!({}))), DENIED);
    // A session is a grantee of its own.
    put(&world, &first);
    let listed = world.call(&admin, "kms", "ListGrants", json!({"KeyId": key})).unwrap();
    let revoke = json!({"KeyId": key, "GrantId": listed["Grants"][0]["GrantId"]});
    world.call(&admin, "kms", "RevokeGrant", revoke).unwrap();
    grant(&world, &admin, &key, &one.arn, &["Encrypt"], json!({})).unwrap();
    assert_eq!(code(encrypt(&world, &one, &key, json!({}))), "OK");
    assert_eq!(code(encrypt(&world, &two, &key, json!({}))), DENIED);
}

#[test]
fn constraints_hold_to_the_letter() {
    let (world, admin, key) = world();
    for (kind, context, expected) in [
        ("EncryptionContextEquals", json!({"Team": "red"}), "OK"),
        ("EncryptionContextEquals", json!({"Team": "red", "x": "1"}), DENIED),
        ("EncryptionContextEquals", json!({}), DENIED),
        ("EncryptionContextSubset", json!({"Team": "red", "x": "1"}), "OK"),
        ("EncryptionContextSubset", json!({"team": "red"}), DENIED),
        ("EncryptionContextSubset", json!({"Team": "Red"}), DENIED),
        ("EncryptionContextSubset", json!({"team": "red", "Team": "blue"}), DENIED),
        ("EncryptionContextSubset", json!({}), DENIED),
    ] {
        let bob = world.user("bob", None);
        let constraints = json!({"Constraints": {kind: {"Team": "red"}}});
        let made = grant(&world, &admin, &key, &bob.arn, &["Encrypt"], constraints).unwrap();
        assert_eq!(code(encrypt(&world, &bob, &key, context.clone())), expected, "{kind} {context}");
        world.call(&admin, "kms", "RevokeGrant", json!({"KeyId": key, "GrantId": made["GrantId"]})).unwrap();
    }
}

#[test]
fn denies_and_limits_are_beyond_any_grant() {
    let (world, admin, key) = world();
    let deny =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:Encrypt","Resource":"*"}]}"#;
    let bob = world.user("bob", None);
    grant(&world, &admin, &key, &bob.arn, &["Encrypt"], json!({})).unwrap();
    assert_eq!(code(encrypt(&world, &bob, &key, json!({}))), "OK");
    let bob = world.user("bob", Some(deny));
    assert_eq!(code(encrypt(&world, &bob, &key, json!({}))), DENIED);
    // A boundary that is gone allows nothing.
    world.user("bob", None);
    let account = AccountId::parse(ACCOUNT).unwrap();
    let mut bounded = world.estate.snapshot().find::<User>(&account, "", "bob").unwrap().clone();
    bounded.boundary = Some(format!("arn:aws:iam::{ACCOUNT}:policy/gone"));
    world.change(vec![Change::Put(Arc::new(bounded))]);
    assert_eq!(code(encrypt(&world, &bob, &key, json!({}))), DENIED);
    // A session policy that does not allow it.
    let worker = role(ACCOUNT, "worker", "AROAFIRSTFIRSTFIRST1");
    put(&world, &worker);
    grant(&world, &admin, &key, &worker.arn(), &["Encrypt"], json!({})).unwrap();
    let mut caller = session(&worker, "s");
    assert_eq!(code(encrypt(&world, &caller, &key, json!({}))), "OK");
    let policies = vec![deny.replace("Deny", "Allow").replace("kms:Encrypt", "s3:*")];
    caller.session = Some(Session { policies, ..Session::default() });
    assert_eq!(code(encrypt(&world, &caller, &key, json!({}))), DENIED);
}

#[test]
fn another_account_needs_no_policy_of_its_own_unless_the_account_is_the_grantee() {
    let (world, admin, key) = world();
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;
    let (zoe, yan) = (world.user_in(ABROAD, "zoe", None), world.user_in(ABROAD, "yan", Some(all)));
    assert_eq!(code(encrypt(&world, &yan, &key, json!({}))), DENIED);
    let unknown = format!("arn:aws:iam::{ABROAD}:user/nobody");
    assert_eq!(code(grant(&world, &admin, &key, &unknown, &["Encrypt"], json!({}))), "InvalidArnException");
    grant(&world, &admin, &key, &zoe.arn, &["Encrypt"], json!({})).unwrap();
    assert_eq!(code(encrypt(&world, &zoe, &key, json!({}))), "OK");
    assert_eq!(code(encrypt(&world, &yan, &key, json!({}))), DENIED);
    let own = world.user("own", Some(all.replace("kms:*", "kms:Encrypt").as_str()));
    let (bob, locked) = (
        world.user("bob", None),
        json!({"Policy": json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": admin.arn}, "Action": "kms:*", "Resource": "*"}]}).to_string()}),
    );
    let key = self::key(&world, &admin, locked);
    assert_eq!(code(encrypt(&world, &own, &key, json!({}))), DENIED);
    grant(&world, &admin, &key, &format!("arn:aws:iam::{ACCOUNT}:root"), &["Encrypt"], json!({})).unwrap();
    assert_eq!(code(encrypt(&world, &own, &key, json!({}))), "OK");
    assert_eq!(code(encrypt(&world, &bob, &key, json!({}))), DENIED);
}

#[test]
fn grants_made_by_a_grant_are_no_wider() {
    let (world, admin, key) = world();
    let (bob, eve) = (world.user("bob", None), world.user("eve", None));
    let constraints = json!({"Constraints": {"EncryptionContextSubset": {"Team": "red"}}});
    grant(&world, &admin, &key, &bob.arn, &["Encrypt", "CreateGrant"], constraints.clone()).unwrap();
    let make = |operations: &[&str], more: &Json| {
        code(grant(&world, &bob, &key, &eve.arn, operations, more.clone()))
    };
    assert_eq!(make(&["Encrypt"], &json!({})), DENIED);
    assert_eq!(make(&["Encrypt", "Decrypt"], &constraints), DENIED);
    assert_eq!(
        make(&["Encrypt"], &json!({"Constraints": {"EncryptionContextSubset": {"Team": "blue"}}})),
        DENIED
    );
    assert_eq!(make(&["Encrypt"], &constraints), "OK");
    assert_eq!(
        make(&["Encrypt"], &json!({"Constraints": {"EncryptionContextEquals": {"Team": "red", "x": "1"}}})),
        "OK"
    );
    assert_eq!(code(encrypt(&world, &eve, &key, json!({"Team": "red"}))), "OK");
    assert_eq!(code(encrypt(&world, &eve, &key, json!({"Team": "blue"}))), DENIED);
}

#[test]
fn the_grant_says_who_retires_it() {
    let (world, admin, key) = world();
    let (bob, rex, eve) = (world.user("bob", None), world.user("rex", None), world.user("eve", None));
    let make =
        |operations: &[&str], more: Json| grant(&world, &admin, &key, &bob.arn, operations, more).unwrap();
    let retire = |by: &Caller, made: &Json| {
        code(world.call(by, "kms", "RetireGrant", json!({"KeyId": key, "GrantId": made["GrantId"]})))
    };
    let made = make(&["Encrypt"], json!({"RetiringPrincipal": rex.arn}));
    assert_eq!([retire(&eve, &made), retire(&bob, &made)], [DENIED, DENIED]);
    let listed =
        world.call(&admin, "kms", "ListRetirableGrants", json!({"RetiringPrincipal": rex.arn})).unwrap();
    assert_eq!(listed["Grants"][0]["GrantId"], made["GrantId"]);
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;
    let stranger = world.user_in(ABROAD, "yan", Some(all));
    for (by, asked) in [
        (&stranger, json!({"RetiringPrincipal": rex.arn})),
        (&admin, json!({"RetiringServicePrincipal": "rds.amazonaws.com"})),
    ] {
        assert_eq!(code(world.call(by, "kms", "ListRetirableGrants", asked)), DENIED);
    }
    assert_eq!(retire(&rex, &made), "OK");
    assert_eq!(code(encrypt(&world, &bob, &key, json!({}))), DENIED);
    // The grantee where the grant lets it, by the token alone.
    let made = make(&["Encrypt", "RetireGrant"], json!({}));
    let token = made["GrantToken"].as_str().unwrap();
    assert_eq!(code(world.call(&eve, "kms", "RetireGrant", json!({"GrantToken": token}))), DENIED);
    let forged = format!("{}AAAA", token.split_at(token.len() - 4).0);
    let refused = code(world.call(&bob, "kms", "RetireGrant", json!({"GrantToken": forged})));
    assert_eq!(refused, "InvalidGrantTokenException");
    assert_eq!(code(world.call(&bob, "kms", "RetireGrant", json!({"GrantToken": token}))), "OK");
    // The account's own identity policies, never the key's policy.
    let may = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:RetireGrant","Resource":"*"}]}"#;
    let made = make(&["Encrypt"], json!({}));
    let named = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": [admin.arn, eve.arn]}, "Action": "kms:*", "Resource": "*"}]});
    world.call(&admin, "kms", "PutKeyPolicy", json!({"KeyId": key, "Policy": named.to_string()})).unwrap();
    assert_eq!(retire(&eve, &made), DENIED);
    let abroad = world.user_in(ABROAD, "zoe", Some(may));
    assert_eq!(retire(&abroad, &made), DENIED);
    assert_eq!(retire(&world.user("ann", Some(may)), &made), "OK");
}

#[test]
fn what_a_grant_must_be() {
    let (world, admin, key_arn) = world();
    let bob = world.user("bob", None);
    let mac = key(&world, &admin, json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}));
    let many: Json = (0..9).map(|n| (n.to_string(), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let service = json!({"GranteePrincipal": null, "GranteeServicePrincipal": "rds.amazonaws.com"});
    for (key, operations, more, expected) in [
        (&key_arn, &["GenerateMac"] as &[&str], json!({}), "ValidationException"),
        (&mac, &["Decrypt"], json!({}), "ValidationException"),
        (
            &mac,
            &["GenerateMac"],
            json!({"Constraints": {"EncryptionContextSubset": {"a": "b"}}}),
            "ValidationException",
        ),
        (&mac, &["GenerateMac"], json!({}), "OK"),
        (&key_arn, &[], json!({}), "ValidationException"),
        (
            &key_arn,
            &["Encrypt"],
            json!({"GranteePrincipal": "arn:aws:iam::111122223333:role/none"}),
            "InvalidArnException",
        ),
        (&key_arn, &["Encrypt"], json!({"GranteePrincipal": "rds.amazonaws.com"}), "InvalidArnException"),
        (&key_arn, &["Encrypt"], service.clone(), "ValidationException"),
        (
            &key_arn,
            &["Encrypt"],
            json!({"Constraints": {"EncryptionContextEquals": many}}),
            "ValidationException",
        ),
        (&key_arn, &["Encrypt"], json!({"GrantTokens": ["bm90aGluZw=="]}), "InvalidGrantTokenException"),
        (&key_arn, &["Encrypt"], json!({"DryRun": true}), "DryRunOperationException"),
        (&"alias/none".to_owned(), &["Encrypt"], json!({}), "InvalidArnException"),
    ] {
        assert_eq!(
            code(grant(&world, &admin, key, &bob.arn, operations, more.clone())),
            expected,
            "{operations:?} {more}"
        );
    }
    assert_eq!(
        world.call(&admin, "kms", "ListGrants", json!({"KeyId": key_arn})).unwrap()["Grants"],
        json!([])
    );
    // The same name and the same request: the same grant, with another token.
    let named = || grant(&world, &admin, &key_arn, &bob.arn, &["Encrypt"], json!({"Name": "n"})).unwrap();
    let (one, two) = (named(), named());
    assert_eq!(one["GrantId"], two["GrantId"]);
    assert_ne!(one["GrantToken"], two["GrantToken"]);
    let other = grant(&world, &admin, &key_arn, &bob.arn, &["Decrypt"], json!({"Name": "n"})).unwrap();
    assert_ne!(one["GrantId"], other["GrantId"]);
    let first = world.call(&admin, "kms", "ListGrants", json!({"KeyId": key_arn, "Limit": 1})).unwrap();
    let next = json!({"KeyId": key_arn, "Limit": 1, "Marker": first["NextMarker"]});
    let second = world.call(&admin, "kms", "ListGrants", next).unwrap();
    assert_eq!((&first["Truncated"], &second["Truncated"]), (&json!(true), &json!(false)));
    assert_ne!(first["Grants"][0]["GrantId"], second["Grants"][0]["GrantId"]);
    let over = world.call(&admin, "kms", "ListGrants", json!({"KeyId": key_arn, "Limit": 101}));
    assert_eq!(code(over), "ValidationException");
}

#[test]
fn policies_may_say_which_grants_are_made() {
    let (world, admin, key) = world();
    let bob = world.user("bob", None);
    let only = |condition: Json| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:CreateGrant", "Resource": "*", "Condition": condition}]}).to_string()
    };
    let team = json!({"Constraints": {"EncryptionContextSubset": {"Team": "red"}}});
    for (condition, operations, more, expected) in [
        (
            json!({"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt"]}}),
            &["Encrypt"] as &[&str],
            json!({}),
            "OK",
        ),
        (
            json!({"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt"]}}),
            &["Encrypt", "Decrypt"],
            json!({}),
            DENIED,
        ),
        (json!({"StringEquals": {"kms:GranteePrincipal": bob.arn}}), &["Encrypt"], json!({}), "OK"),
        (json!({"StringEquals": {"kms:GranteePrincipal": "other"}}), &["Encrypt"], json!({}), DENIED),
        (
            json!({"StringEquals": {"kms:RetiringPrincipal": admin.arn}}),
            &["Encrypt"],
            json!({"RetiringPrincipal": admin.arn}),
            "OK",
        ),
        (json!({"StringEquals": {"kms:RetiringPrincipal": admin.arn}}), &["Encrypt"], json!({}), DENIED),
        (
            json!({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"}}),
            &["Encrypt"],
            team.clone(),
            "OK",
        ),
        (
            json!({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"}}),
            &["Encrypt"],
            json!({}),
            DENIED,
        ),
        (json!({"StringEquals": {"kms:EncryptionContext:Team": "red"}}), &["Encrypt"], team, "OK"),
        (json!({"Bool": {"kms:GrantIsForAWSResource": "true"}}), &["Encrypt"], json!({}), DENIED),
        (json!({"Bool": {"kms:GrantIsForAWSResource": "false"}}), &["Encrypt"], json!({}), "OK"),
    ] {
        let maker = world.user("maker", Some(&only(condition.clone())));
        assert_eq!(code(grant(&world, &maker, &key, &bob.arn, operations, more)), expected, "{condition}");
    }
}

#[test]
fn a_service_is_a_grantee_for_one_resource() {
    let (world, admin, key) = world();
    let source = "arn:aws:rds:us-east-1:111122223333:db:shop";
    let input = json!({"KeyId": key, "GranteeServicePrincipal": "rds.amazonaws.com", "Operations": ["Encrypt"],
        "RetiringServicePrincipal": "rds.amazonaws.com", "Constraints": {"SourceArn": source}});
    let made = world.call(&admin, "kms", "CreateGrant", input).unwrap();
    let account = AccountId::parse(ACCOUNT).unwrap();
    let for_it = |resource: &str| Caller::service_for("rds.amazonaws.com", &account, resource);
    assert_eq!(code(encrypt(&world, &for_it(source), &key, json!({}))), "OK");
    assert_eq!(
        code(encrypt(&world, &for_it("arn:aws:rds:us-east-1:111122223333:db:other"), &key, json!({}))),
        DENIED
    );
    assert_eq!(
        code(encrypt(&world, &Caller::service_for("ec2.amazonaws.com", &account, source), &key, json!({}))),
        DENIED
    );
    let listed = world.call(&admin, "kms", "ListGrants", json!({"KeyId": key})).unwrap();
    let entry = &listed["Grants"][0];
    assert_eq!(
        (&entry["GranteeServicePrincipal"], &entry["GranteePrincipal"]),
        (&json!("rds.amazonaws.com"), &Json::Null)
    );
    let retire = json!({"KeyId": key, "GrantId": made["GrantId"]});
    assert_eq!(code(world.call(&for_it(source), "kms", "RetireGrant", retire)), "OK");
}

#[test]
fn a_deleted_key_takes_its_grants_with_it() {
    let (world, admin, key) = world();
    let bob = world.user("bob", None);
    let made = grant(&world, &admin, &key, &bob.arn, &["Encrypt"], json!({})).unwrap();
    world
        .call(&admin, "kms", "ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}))
        .unwrap();
    assert_eq!(code(encrypt(&world, &bob, &key, json!({}))), "KMSInvalidStateException");
    let again = grant(&world, &admin, &key, &bob.arn, &["Encrypt"], json!({}));
    assert_eq!(code(again), "KMSInvalidStateException");
    // Its day has come.
    let mut node = world.estate.snapshot().by_arn(&key).unwrap().to_json();
    node["state"]["PendingDeletion"]["at"] = json!(Timestamp(0));
    world.change(vec![Change::Put((service_kms::SERVICE.nodes[0].decode)(node).unwrap())]);
    world.run_jobs_until(Timestamp(i64::MAX));
    assert_eq!(code(encrypt(&world, &bob, &key, json!({}))), DENIED);
    let token = json!({"GrantToken": made["GrantToken"]});
    assert_eq!(code(world.call(&admin, "kms", "RetireGrant", token)), "InvalidGrantTokenException");
    assert_eq!(world.estate.snapshot().all::<model::estate::kms::Grant>().count(), 0);
}

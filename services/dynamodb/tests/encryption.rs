//! Tables under KMS keys: who may not use the key cannot use the table, whatever else they may.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::World;
use model::{Caller, Fault};
use serde_json::{Value as Json, json};

fn world() -> (World, Caller) {
    let world = World::new(vec![&service_dynamodb::SERVICE, &service_kms::SERVICE]);
    let admin = world.admin();
    (world, admin)
}

fn allow(actions: &[&str]) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
        .to_string()
}

fn table(name: &str, key: Json) -> Json {
    json!({"TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "SSESpecification": key})
}

fn under(key: &Json) -> Json {
    json!({"Enabled": true, "SSEType": "KMS", "KMSMasterKeyId": key})
}

fn get(world: &World, caller: &Caller, name: &str) -> Result<Json, Fault> {
    world.call(caller, "dynamodb", "GetItem", json!({"TableName": name, "Key": {"p": {"S": "a"}}}))
}

fn put(world: &World, caller: &Caller, name: &str) -> Result<Json, Fault> {
    world.call(
        caller,
        "dynamodb",
        "PutItem",
        json!({"TableName": name, "Item": {"p": {"S": "a"}, "x": {"S": "y"}}}),
    )
}

#[test]
fn a_key_guards_its_table() {
    let (world, admin) = world();
    let made = world.call(&admin, "kms", "CreateKey", json!({})).unwrap();
    let (key, arn) = (made["KeyMetadata"]["KeyId"].clone(), made["KeyMetadata"]["Arn"].clone());
    let created = world.call(&admin, "dynamodb", "CreateTable", table("tab", under(&key))).unwrap();
    assert_eq!(
        created["TableDescription"]["SSEDescription"],
        json!({"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn})
    );
    put(&world, &admin, "tab").unwrap();
    // The key's policy leaves it to the account; this one may use tables, but not the key.
    let blind = world.user("blind", Some(&allow(&["dynamodb:*"])));
    for refused in [get(&world, &blind, "tab"), put(&world, &blind, "tab")] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.code, "AccessDeniedException");
        assert!(refused.message.starts_with("KMS key access denied error:"), "{}", refused.message);
    }
    for (operation, input) in [
        ("Scan", json!({"TableName": "tab"})),
        ("BatchGetItem", json!({"RequestItems": {"tab": {"Keys": [{"p": {"S": "a"}}]}}})),
        (
            "TransactWriteItems",
            json!({"TransactItems": [{"Delete": {"TableName": "tab", "Key": {"p": {"S": "a"}}}}]}),
        ),
        (
            "UpdateTimeToLive",
            json!({"TableName": "tab", "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "t"}}),
        ),
        ("UpdateTable", json!({"TableName": "tab", "SSESpecification": {"Enabled": false}})),
    ] {
        assert_eq!(
            world.call(&blind, "dynamodb", operation, input).unwrap_err().code,
            "AccessDeniedException",
            "{operation}"
        );
    }
    let seeing = world.user("seeing", Some(&allow(&["dynamodb:*", "kms:Decrypt"])));
    assert_eq!(get(&world, &seeing, "tab").unwrap()["Item"]["x"]["S"], "y");
    // A key that is off opens nothing, for nobody.
    world.call(&admin, "kms", "DisableKey", json!({"KeyId": key})).unwrap();
    for caller in [&admin, &seeing] {
        let refused = get(&world, caller, "tab").unwrap_err();
        assert_eq!(refused.code, "ValidationException");
        assert!(
            refused.message.starts_with("KMS validation error: DisabledException"),
            "{}",
            refused.message
        );
        assert!(put(&world, caller, "tab").is_err());
    }
    let described = world.call(&admin, "dynamodb", "DescribeTable", json!({"TableName": "tab"})).unwrap();
    assert_eq!(described["Table"]["TableStatus"], "INACCESSIBLE_ENCRYPTION_CREDENTIALS");
    world.call(&admin, "kms", "EnableKey", json!({"KeyId": key})).unwrap();
    assert_eq!(get(&world, &seeing, "tab").unwrap()["Item"]["x"]["S"], "y");
    // From the key to AWS's own, and the items stay.
    world
        .call(
            &admin,
            "dynamodb",
            "UpdateTable",
            json!({"TableName": "tab", "SSESpecification": {"Enabled": false}}),
        )
        .unwrap();
    world.call(&admin, "kms", "DisableKey", json!({"KeyId": key})).unwrap();
    assert_eq!(get(&world, &blind, "tab").unwrap()["Item"]["x"]["S"], "y");
    assert!(
        world
            .call(
                &admin,
                "dynamodb",
                "UpdateTable",
                json!({"TableName": "tab", "SSESpecification": under(&key)})
            )
            .is_err()
    );
    world.call(&admin, "kms", "EnableKey", json!({"KeyId": key})).unwrap();
    world
        .call(&admin, "dynamodb", "UpdateTable", json!({"TableName": "tab", "SSESpecification": under(&key)}))
        .unwrap();
    assert!(get(&world, &blind, "tab").is_err());
}

#[test]
fn who_makes_a_table_under_a_key_needs_the_key() {
    let (world, admin) = world();
    let key = world.call(&admin, "kms", "CreateKey", json!({})).unwrap()["KeyMetadata"]["KeyId"].clone();
    world
        .call(&admin, "kms", "CreateAlias", json!({"AliasName": "alias/tables", "TargetKeyId": key}))
        .unwrap();
    let needed = ["kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKey"];
    for missing in needed {
        let mut actions: Vec<&str> = needed.into_iter().filter(|a| *a != missing).collect();
        actions.push("dynamodb:CreateTable");
        let maker = world.user(&format!("without-{}", missing.replace(':', "-")), Some(&allow(&actions)));
        let refused = world.call(&maker, "dynamodb", "CreateTable", table("tab", under(&key))).unwrap_err();
        assert_eq!(refused.code, "AccessDeniedException", "{missing}");
        assert!(refused.message.contains(missing), "{missing}: {}", refused.message);
    }
    let maker = world.user("maker", Some(&allow(&["dynamodb:CreateTable", needed[0], needed[1], needed[2]])));
    world.call(&maker, "dynamodb", "CreateTable", table("by-id", under(&key))).unwrap();
    world.call(&maker, "dynamodb", "CreateTable", table("by-alias", under(&json!("alias/tables")))).unwrap();
    let refused = world
        .call(&admin, "dynamodb", "CreateTable", table("none", under(&json!("alias/none"))))
        .unwrap_err();
    assert!(refused.message.starts_with("KMS validation error: NotFoundException"), "{refused}");
    // The key of the service itself is made when it is first needed.
    let created =
        world.call(&admin, "dynamodb", "CreateTable", table("managed", json!({"Enabled": true}))).unwrap();
    assert!(
        created["TableDescription"]["SSEDescription"]["KMSMasterKeyArn"].as_str().unwrap().contains(":key/")
    );
    put(&world, &admin, "managed").unwrap();
    // Through the service everyone of the account may use it.
    let user = world.user("user", Some(&allow(&["dynamodb:*"])));
    assert_eq!(get(&world, &user, "managed").unwrap()["Item"]["x"]["S"], "y");
}

#[test]
fn the_store_tells_neither_items_nor_partitions() {
    let (world, admin) = world();
    world.call(&admin, "dynamodb", "CreateTable", table("tab", json!({"Enabled": false}))).unwrap();
    let item = json!({"p": {"S": "alice@example.com"}, "note": {"S": "confidential"}});
    world.call(&admin, "dynamodb", "PutItem", json!({"TableName": "tab", "Item": item})).unwrap();
    let all = model::Range { from: b"", to: None, reverse: false, limit: 100 };
    let records = model::Host::records(&*world.estate).range("dynamodb/items", all).unwrap();
    assert_eq!(records.len(), 1);
    for (key, value) in records {
        let both = [key.as_slice(), &value].concat();
        for secret in ["alice", "confidential", "note"] {
            assert!(!both.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret}");
        }
    }
}

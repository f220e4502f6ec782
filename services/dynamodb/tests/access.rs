//! Who may do what to which items: leading keys, attributes, indexes, parts of transactions, resource policies.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "what fails here fails the test"
)]

use harness::{ACCOUNT, REGION, World};
use model::Caller;
use serde_json::{Value as Json, json};

const TABLE: &str = "arn:aws:dynamodb:us-east-1:111122223333:table/tab";

/// A table with the key `p`, a global index `byG` by `g`, items of `alice` and of `bob`.
fn world() -> (World, Caller) {
    let world = World::new(vec![&service_dynamodb::SERVICE]);
    let admin = world.admin();
    let attributes =
        json!([{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"}]);
    let key = |name: &str| json!([{"AttributeName": name, "KeyType": "HASH"}]);
    let index = json!([{"IndexName": "byG", "KeySchema": key("g"), "Projection": {"ProjectionType": "ALL"}}]);
    let table = json!({"TableName": "tab", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": attributes, "KeySchema": key("p"), "GlobalSecondaryIndexes": index});
    world.call(&admin, "dynamodb", "CreateTable", table).unwrap();
    for name in ["alice", "bob"] {
        let item = json!({"p": {"S": name}, "g": {"S": "g"}, "secret": {"S": "x"}, "open": {"S": "y"}});
        world.call(&admin, "dynamodb", "PutItem", json!({"TableName": "tab", "Item": item})).unwrap();
    }
    (world, admin)
}

fn policy(statements: Json) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn key(p: &str) -> Json {
    json!({"p": {"S": p}})
}

/// Every call, and whether the caller is allowed it.
fn check(world: &World, caller: &Caller, calls: &[(&str, Json, bool)]) {
    for (operation, input, allowed) in calls {
        let mut input = input.clone();
        if !operation.starts_with("Batch")
            && !operation.starts_with("Transact")
            && input.get("TableName").is_none()
        {
            input["TableName"] = json!("tab");
        }
        let outcome = world.call(caller, "dynamodb", operation, input.clone());
        match (allowed, outcome) {
            (true, Ok(_)) => {}
            (false, Err(fault)) if fault.code == "AccessDeniedException" => {}
            (_, outcome) => {
                assert_eq!(format!("{outcome:?}"), format!("allowed: {allowed}"), "{operation} {input}")
            }
        }
    }
}

#[test]
fn leading_keys_are_all_that_a_request_names() {
    let (world, _) = world();
    let own = json!({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["alice"]}});
    let alice = world.user("alice", Some(&policy(json!([
        {"Effect": "Allow", "Action": "dynamodb:*", "Resource": [TABLE, format!("{TABLE}/index/*")], "Condition": own},
        // ForAllValues is met where there is no value at all: a scan is refused by itself.
        {"Effect": "Deny", "Action": "dynamodb:Scan", "Resource": "*"}
    ]))));
    let set = "SET n = :n";
    let n = json!({":n": {"N": "1"}});
    let get = |p: &str| json!({"Get": {"TableName": "tab", "Key": key(p)}});
    let put = |p: &str| json!({"PutRequest": {"Item": key(p)}});
    check(
        &world,
        &alice,
        &[
            ("GetItem", json!({"Key": key("alice")}), true),
            ("GetItem", json!({"Key": key("bob")}), false),
            ("GetItem", json!({"TableName": TABLE, "Key": key("bob")}), false),
            ("PutItem", json!({"Item": key("alice")}), true),
            ("PutItem", json!({"Item": key("bob")}), false),
            (
                "UpdateItem",
                json!({"Key": key("alice"), "UpdateExpression": set, "ExpressionAttributeValues": n}),
                true,
            ),
            (
                "UpdateItem",
                json!({"Key": key("bob"), "UpdateExpression": set, "ExpressionAttributeValues": n}),
                false,
            ),
            ("DeleteItem", json!({"Key": key("bob")}), false),
            (
                "Query",
                json!({"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "alice"}}}),
                true,
            ),
            (
                "Query",
                json!({"KeyConditionExpression": "#p = :p", "ExpressionAttributeNames": {"#p": "p"}, "ExpressionAttributeValues": {":p": {"S": "bob"}}}),
                false,
            ),
            (
                "Query",
                json!({"KeyConditionExpression": ":p = p", "ExpressionAttributeValues": {":p": {"S": "bob"}}}),
                false,
            ),
            // The leading key of an index is the index's.
            (
                "Query",
                json!({"IndexName": "byG", "KeyConditionExpression": "g = :p", "ExpressionAttributeValues": {":p": {"S": "alice"}}}),
                true,
            ),
            (
                "Query",
                json!({"IndexName": "byG", "KeyConditionExpression": "g = :p", "ExpressionAttributeValues": {":p": {"S": "g"}}}),
                false,
            ),
            ("Scan", json!({}), false),
            ("BatchGetItem", json!({"RequestItems": {"tab": {"Keys": [key("alice")]}}}), true),
            ("BatchGetItem", json!({"RequestItems": {"tab": {"Keys": [key("alice"), key("bob")]}}}), false),
            ("BatchWriteItem", json!({"RequestItems": {"tab": [put("alice")]}}), true),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"tab": [put("alice"), {"DeleteRequest": {"Key": key("bob")}}]}}),
                false,
            ),
            ("TransactGetItems", json!({"TransactItems": [get("alice")]}), true),
            ("TransactGetItems", json!({"TransactItems": [get("alice"), get("bob")]}), false),
            (
                "TransactWriteItems",
                json!({"TransactItems": [{"Put": {"TableName": "tab", "Item": key("alice")}}]}),
                true,
            ),
            (
                "TransactWriteItems",
                json!({"TransactItems": [{"Put": {"TableName": "tab", "Item": key("alice")}}, {"ConditionCheck": {"TableName": "tab", "Key": key("bob"), "ConditionExpression": "attribute_exists(p)"}}]}),
                false,
            ),
        ],
    );
}

#[test]
fn attributes_and_returns_are_looked_at() {
    let (world, _) = world();
    let reader = world.user("reader", Some(&policy(json!([{
        "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:PutItem", "dynamodb:Scan"], "Resource": TABLE,
        "Condition": {
            "ForAllValues:StringEquals": {"dynamodb:Attributes": ["p", "open"]},
            "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]}
        }
    }]))));
    let value = |name: &str, v: &str| json!({name: {"S": v}});
    check(
        &world,
        &reader,
        &[
            (
                "GetItem",
                json!({"Key": key("bob"), "ProjectionExpression": "p, #o", "ExpressionAttributeNames": {"#o": "open"}}),
                true,
            ),
            ("GetItem", json!({"Key": key("bob"), "ProjectionExpression": "p, secret"}), false),
            (
                "GetItem",
                json!({"Key": key("bob"), "ProjectionExpression": "p, #s.x", "ExpressionAttributeNames": {"#s": "secret"}}),
                false,
            ),
            ("GetItem", json!({"Key": key("bob")}), false),
            (
                "Query",
                json!({"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": value(":p", "bob"), "ProjectionExpression": "p"}),
                true,
            ),
            (
                "Query",
                json!({"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": value(":p", "bob")}),
                false,
            ),
            // A filter would tell what is in an attribute, one question at a time.
            (
                "Query",
                json!({"KeyConditionExpression": "p = :p", "FilterExpression": "secret = :p", "ExpressionAttributeValues": value(":p", "bob"), "ProjectionExpression": "p"}),
                false,
            ),
            (
                "Scan",
                json!({"FilterExpression": "begins_with(secret, :p)", "ExpressionAttributeValues": value(":p", "x"), "ProjectionExpression": "p"}),
                false,
            ),
            ("Scan", json!({"Select": "COUNT"}), false),
            (
                "UpdateItem",
                json!({"Key": key("bob"), "UpdateExpression": "SET #o = :v", "ExpressionAttributeNames": {"#o": "open"}, "ExpressionAttributeValues": value(":v", "z")}),
                true,
            ),
            (
                "UpdateItem",
                json!({"Key": key("bob"), "UpdateExpression": "SET secret = :v", "ExpressionAttributeValues": value(":v", "z")}),
                false,
            ),
            (
                "UpdateItem",
                json!({"Key": key("bob"), "UpdateExpression": "SET #o = secret", "ExpressionAttributeNames": {"#o": "open"}}),
                false,
            ),
            (
                "UpdateItem",
                json!({"Key": key("bob"), "UpdateExpression": "SET #o = :v", "ConditionExpression": "secret = :v", "ExpressionAttributeNames": {"#o": "open"}, "ExpressionAttributeValues": value(":v", "z")}),
                false,
            ),
            (
                "UpdateItem",
                json!({"Key": key("bob"), "UpdateExpression": "SET #o = :v", "ReturnValues": "ALL_NEW", "ExpressionAttributeNames": {"#o": "open"}, "ExpressionAttributeValues": value(":v", "z")}),
                false,
            ),
            ("PutItem", json!({"Item": {"p": {"S": "bob"}, "open": {"S": "z"}}}), true),
            ("PutItem", json!({"Item": {"p": {"S": "bob"}, "secret": {"S": "z"}}}), false),
            ("PutItem", json!({"Item": key("bob"), "ReturnValues": "ALL_OLD"}), false),
        ],
    );
}

#[test]
fn an_index_is_a_resource_of_its_own() {
    let (world, _) = world();
    let by_g = json!({"IndexName": "byG", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "g"}}});
    let by_p = json!({"KeyConditionExpression": "p = :g", "ExpressionAttributeValues": {":g": {"S": "bob"}}});
    let allow = |resource: &str| {
        policy(
            json!([{"Effect": "Allow", "Action": ["dynamodb:Query", "dynamodb:Scan"], "Resource": resource}]),
        )
    };
    let of_table = world.user("of-table", Some(&allow(TABLE)));
    let of_index = world.user("of-index", Some(&allow(&format!("{TABLE}/index/byG"))));
    let scan = json!({"IndexName": "byG"});
    check(
        &world,
        &of_table,
        &[
            ("Query", by_p.clone(), true),
            ("Query", by_g.clone(), false),
            ("Scan", json!({}), true),
            ("Scan", scan.clone(), false),
        ],
    );
    check(
        &world,
        &of_index,
        &[("Query", by_p, false), ("Query", by_g, true), ("Scan", json!({}), false), ("Scan", scan, true)],
    );
}

#[test]
fn a_transaction_needs_what_its_parts_need() {
    let (world, _) = world();
    let put = json!({"Put": {"TableName": "tab", "Item": key("carol")}});
    let delete = json!({"Delete": {"TableName": "tab", "Key": key("carol")}});
    let check_item = json!({"ConditionCheck": {"TableName": "tab", "Key": key("bob"), "ConditionExpression": "attribute_exists(p)"}});
    let putter = world.user(
        "putter",
        Some(&policy(json!([{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": TABLE}]))),
    );
    check(
        &world,
        &putter,
        &[
            ("TransactWriteItems", json!({"TransactItems": [put]}), true),
            ("TransactWriteItems", json!({"TransactItems": [put, check_item]}), false),
            ("TransactWriteItems", json!({"TransactItems": [delete]}), false),
        ],
    );
    // Only within a transaction.
    let enclosed = json!({"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems", "TransactGetItems"]}});
    let allow = json!([{"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:GetItem"], "Resource": TABLE, "Condition": enclosed}]);
    let careful = world.user("careful", Some(&policy(allow)));
    check(
        &world,
        &careful,
        &[
            ("TransactWriteItems", json!({"TransactItems": [put]}), true),
            ("PutItem", json!({"Item": key("carol")}), false),
            (
                "TransactGetItems",
                json!({"TransactItems": [{"Get": {"TableName": "tab", "Key": key("bob")}}]}),
                true,
            ),
            ("GetItem", json!({"Key": key("bob")}), false),
        ],
    );
}

#[test]
fn a_resource_policy_lets_in_and_shuts_out() {
    let (world, admin) = world();
    let stranger = world.user_in(
        "444455556666",
        "stranger",
        Some(&policy(json!([{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]))),
    );
    let by_g = json!({"TableName": TABLE, "IndexName": "byG", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "g"}}});
    let get = json!({"TableName": TABLE, "Key": key("bob")});
    check(&world, &stranger, &[("GetItem", get.clone(), false), ("Query", by_g.clone(), false)]);
    let statement = |effect: &str, who: &Caller, resource: &str| json!({"Effect": effect, "Principal": {"AWS": who.arn}, "Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": resource});
    let put = |statements: Json| {
        let input = json!({"ResourceArn": TABLE, "Policy": policy(statements)});
        world.call(&admin, "dynamodb", "PutResourcePolicy", input).unwrap()["RevisionId"].clone()
    };
    put(json!([statement("Allow", &stranger, TABLE)]));
    check(
        &world,
        &stranger,
        &[
            ("GetItem", get.clone(), true),
            ("Query", by_g.clone(), false),
            ("PutItem", json!({"TableName": TABLE, "Item": key("x")}), false),
        ],
    );
    // The policy of a table is that of its indexes, too.
    put(json!([statement("Allow", &stranger, &format!("{TABLE}/index/*"))]));
    check(&world, &stranger, &[("GetItem", get.clone(), false), ("Query", by_g, true)]);
    let nobody = world.user("nobody", None);
    check(&world, &nobody, &[("GetItem", get.clone(), false)]);
    put(json!([statement("Allow", &nobody, TABLE)]));
    check(&world, &nobody, &[("GetItem", get.clone(), true)]);
    let revision = put(json!([statement("Deny", &admin, TABLE)]));
    check(&world, &admin, &[("GetItem", get.clone(), false)]);
    let stale = json!({"ResourceArn": TABLE, "ExpectedRevisionId": "other"});
    assert_eq!(
        world.call(&admin, "dynamodb", "DeleteResourcePolicy", stale).unwrap_err().code,
        "PolicyNotFoundException"
    );
    world
        .call(
            &admin,
            "dynamodb",
            "DeleteResourcePolicy",
            json!({"ResourceArn": TABLE, "ExpectedRevisionId": revision}),
        )
        .unwrap();
    check(&world, &admin, &[("GetItem", get.clone(), true)]);
    check(&world, &stranger, &[("GetItem", get, false)]);
    assert_eq!(
        world.call(&admin, "dynamodb", "GetResourcePolicy", json!({"ResourceArn": TABLE})).unwrap_err().code,
        "PolicyNotFoundException"
    );
    let malformed = json!({"ResourceArn": TABLE, "Policy": "{}"});
    assert_eq!(
        world.call(&admin, "dynamodb", "PutResourcePolicy", malformed).unwrap_err().code,
        "ValidationException"
    );
}

#[test]
fn the_log_tells_no_attribute() {
    let (world, admin) = world();
    let item = json!({"p": {"S": "alice"}, "card": {"S": "4111-1111"}, "deep": {"M": {"l": {"L": [{"S": "4111-1111"}]}}}});
    world
        .call(
            &admin,
            "dynamodb",
            "PutItem",
            json!({"TableName": "tab", "Item": item, "ReturnValues": "ALL_OLD"}),
        )
        .unwrap();
    let found = json!({"TableName": "tab", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "4111-1111"}}});
    world.call(&admin, "dynamodb", "Query", found).unwrap();
    let guarded = json!({"TableName": "tab", "Key": key("alice"), "ConditionExpression": "card <> :c", "ExpressionAttributeValues": {":c": {"S": "4111-1111"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"});
    assert!(world.call(&admin, "dynamodb", "DeleteItem", guarded).is_err());
    let mut events = Vec::new();
    model::Host::events(&*world.estate, &mut |_, event| {
        events.push(serde_json::to_string(&event).unwrap());
        true
    })
    .unwrap();
    let all = events.join("\n");
    assert!(
        all.contains("PutItem") && all.contains("\"card\"") && !all.contains("4111-1111"),
        "{ACCOUNT} {REGION}"
    );
}

//! Transactions: all of it or nothing, the reasons why, and that a repeated one is known again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::World;
use model::{Caller, Fault};
use serde_json::{Value as Json, json};

fn world() -> (World, Caller) {
    let world = World::new(vec![&service_dynamodb::SERVICE]);
    let admin = world.admin();
    for name in ["one", "two"] {
        let table = json!({"TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]});
        world.call(&admin, "dynamodb", "CreateTable", table).unwrap();
    }
    (world, admin)
}

fn item(p: &str, n: i64) -> Json {
    json!({"p": {"S": p}, "n": {"N": n.to_string()}})
}

fn put(table: &str, p: &str, n: i64) -> Json {
    json!({"Put": {"TableName": table, "Item": item(p, n)}})
}

struct On<'w>(&'w World, &'w Caller);

impl On<'_> {
    fn write(&self, items: Json) -> Result<Json, Fault> {
        self.0.call(
            self.1,
            "dynamodb",
            "TransactWriteItems",
            json!({"TransactItems": items, "ReturnConsumedCapacity": "TOTAL"}),
        )
    }

    fn get(&self, table: &str, p: &str) -> Json {
        let input = json!({"TableName": table, "Key": {"p": {"S": p}}});
        self.0.call(self.1, "dynamodb", "GetItem", input).unwrap()["Item"]["n"]["N"].clone()
    }
}

#[test]
fn all_or_nothing() {
    let (world, admin) = world();
    let on = On(&world, &admin);
    let done = on.write(json!([put("one", "a", 1), put("two", "b", 2)])).unwrap();
    assert_eq!(
        done["ConsumedCapacity"][0],
        json!({"TableName": "one", "CapacityUnits": 2.0, "WriteCapacityUnits": 2.0})
    );
    let more = |p: &str, by: i64| json!({"Update": {"TableName": "one", "Key": {"p": {"S": p}}, "UpdateExpression": "SET n = n + :by", "ExpressionAttributeValues": {":by": {"N": by.to_string()}}}});
    let check = |n: i64| json!({"ConditionCheck": {"TableName": "two", "Key": {"p": {"S": "b"}}, "ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": n.to_string()}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}});
    on.write(json!([more("a", 10), check(2)])).unwrap();
    assert_eq!((on.get("one", "a"), on.get("two", "b")), (json!("11"), json!("2")));
    let refused = on.write(json!([more("a", 10), check(3), put("two", "c", 1)])).unwrap_err();
    assert_eq!(refused.code, "TransactionCanceledException");
    assert_eq!(
        refused.message,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, None]"
    );
    assert_eq!(
        refused.detail.unwrap().get("CancellationReasons").unwrap().to_json(),
        json!([{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": item("b", 2)}, {"Code": "None"}])
    );
    assert_eq!((on.get("one", "a"), on.get("two", "c")), (json!("11"), Json::Null));
    // An update that cannot be carried out is a reason, too.
    let refused = on.write(json!([put("two", "c", 1), more("none", 1)])).unwrap_err();
    assert!(refused.message.ends_with("[None, ValidationError]"), "{}", refused.message);
    assert_eq!(on.get("two", "c"), Json::Null);
    // A part that fails only when it is written takes back those before it.
    let big =
        json!({"Put": {"TableName": "one", "Item": {"p": {"S": "big"}, "x": {"S": "x".repeat(410_000)}}}});
    assert!(on.write(json!([put("two", "c", 1), big])).is_err());
    assert_eq!(on.get("two", "c"), Json::Null);
    on.write(json!([{"Delete": {"TableName": "one", "Key": {"p": {"S": "a"}}}}])).unwrap();
    assert_eq!(on.get("one", "a"), Json::Null);
}

#[test]
fn reads_see_one_moment() {
    let (world, admin) = world();
    let on = On(&world, &admin);
    on.write(json!([put("one", "a", 1), put("two", "b", 2)])).unwrap();
    let get = |table: &str, p: &str| json!({"Get": {"TableName": table, "Key": {"p": {"S": p}}, "ProjectionExpression": "n"}});
    let read =
        |items: Json| world.call(&admin, "dynamodb", "TransactGetItems", json!({"TransactItems": items}));
    assert_eq!(
        read(json!([get("one", "a"), get("one", "none"), get("two", "b")])).unwrap(),
        json!({"Responses": [{"Item": {"n": {"N": "1"}}}, {}, {"Item": {"n": {"N": "2"}}}]})
    );
    for (items, message) in [
        (json!([get("one", "a"), get("one", "a")]), "cannot include multiple operations on one item"),
        (json!([]), "Member must have length greater than or equal to 1"),
    ] {
        let refused = read(items).unwrap_err();
        assert!(refused.message.contains(message), "{}", refused.message);
    }
    assert_eq!(read(json!([get("none", "a")])).unwrap_err().code, "ResourceNotFoundException");
    let two = json!({"Put": {"TableName": "one", "Item": item("a", 1)}, "Delete": {"TableName": "one", "Key": {"p": {"S": "a"}}}});
    assert!(on.write(json!([two])).is_err());
    assert!(
        on.write(json!([put("one", "a", 1), put("one", "a", 2)]))
            .unwrap_err()
            .message
            .contains("multiple operations on one item")
    );
}

#[test]
fn a_repeated_request_is_carried_out_once() {
    let (world, admin) = world();
    let on = On(&world, &admin);
    on.write(json!([put("one", "a", 0)])).unwrap();
    let add = |by: i64, token: &str| {
        let update = json!({"TableName": "one", "Key": {"p": {"S": "a"}}, "UpdateExpression": "ADD n :by", "ExpressionAttributeValues": {":by": {"N": by.to_string()}}});
        world.call(
            &admin,
            "dynamodb",
            "TransactWriteItems",
            json!({"TransactItems": [{"Update": update}], "ClientRequestToken": token}),
        )
    };
    for _ in 0..3 {
        add(5, "token-1").unwrap();
    }
    assert_eq!(on.get("one", "a"), "5");
    assert_eq!(add(6, "token-1").unwrap_err().code, "IdempotentParameterMismatchException");
    add(6, "token-2").unwrap();
    assert_eq!(on.get("one", "a"), "11");
    // A refused transaction is not remembered.
    let check =
        json!({"TableName": "one", "Key": {"p": {"S": "b"}}, "ConditionExpression": "attribute_exists(p)"});
    let input = json!({"TransactItems": [{"ConditionCheck": check}, put("one", "c", 1)], "ClientRequestToken": "token-3"});
    assert!(world.call(&admin, "dynamodb", "TransactWriteItems", input.clone()).is_err());
    on.write(json!([put("one", "b", 1)])).unwrap();
    world.call(&admin, "dynamodb", "TransactWriteItems", input).unwrap();
    assert_eq!(on.get("one", "c"), "1");
}

//! Items: written, read, found again in the order of their keys, page by page.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "what fails here fails the test"
)]

use harness::World;
use model::{Caller, Fault};
use serde_json::{Value as Json, json};

fn world() -> (World, Caller) {
    let world = World::new(vec![&service_dynamodb::SERVICE]);
    let admin = world.admin();
    (world, admin)
}

/// A table with the keys `p` (text) and `s` (number), a global index `g` by `g`, and a local one `l` by `l`.
fn table(world: &World, admin: &Caller) {
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let input = json!({
        "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"},
            {"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "l", "AttributeType": "S"}],
        "KeySchema": [key("p", "HASH"), key("s", "RANGE")],
        "GlobalSecondaryIndexes": [{"IndexName": "byG", "KeySchema": [key("g", "HASH"), key("s", "RANGE")], "Projection": {"ProjectionType": "KEYS_ONLY"}}],
        "LocalSecondaryIndexes": [{"IndexName": "byL", "KeySchema": [key("p", "HASH"), key("l", "RANGE")], "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]}}],
    });
    let made = world.call(admin, "dynamodb", "CreateTable", input).unwrap();
    assert_eq!(made["TableDescription"]["TableStatus"], "ACTIVE");
}

struct On<'w>(&'w World, &'w Caller);

impl On<'_> {
    fn call(&self, operation: &str, mut input: Json) -> Result<Json, Fault> {
        input["TableName"] = json!("tab");
        self.0.call(self.1, "dynamodb", operation, input)
    }

    fn put(&self, item: Json) {
        self.call("PutItem", json!({"Item": item})).unwrap();
    }

    /// The sort keys that a query finds.
    fn sorts(&self, operation: &str, input: Json) -> Vec<String> {
        let found = self.call(operation, input).unwrap();
        found["Items"].as_array().unwrap().iter().map(|i| i["s"]["N"].as_str().unwrap().to_owned()).collect()
    }
}

fn key(p: &str, s: i64) -> Json {
    json!({"p": {"S": p}, "s": {"N": s.to_string()}})
}

#[test]
fn an_item_lives() {
    let (world, admin) = world();
    table(&world, &admin);
    let tab = On(&world, &admin);
    assert_eq!(tab.call("GetItem", json!({"Key": key("a", 1)})).unwrap(), json!({}));
    tab.put(json!({"p": {"S": "a"}, "s": {"N": "1"}, "x": {"S": "old"}, "n": {"N": "1"}}));
    let put = tab.call("PutItem", json!({"Item": {"p": {"S": "a"}, "s": {"N": "1.0"}, "x": {"S": "new"}}, "ReturnValues": "ALL_OLD"})).unwrap();
    assert_eq!(put["Attributes"]["x"]["S"], "old");
    let update = json!({"Key": key("a", 1), "UpdateExpression": "SET x = :y, m = :m ADD n :one REMOVE gone", "ReturnValues": "UPDATED_NEW",
        "ExpressionAttributeValues": {":y": {"S": "newer"}, ":one": {"N": "1"}, ":m": {"M": {"k": {"N": "1"}}}}});
    assert_eq!(
        tab.call("UpdateItem", update).unwrap()["Attributes"],
        json!({"m": {"M": {"k": {"N": "1"}}}, "n": {"N": "1"}, "x": {"S": "newer"}})
    );
    for (returns, expected) in [("UPDATED_OLD", json!({"x": {"S": "newer"}})), ("ALL_NEW", json!("all"))] {
        let update = json!({"Key": key("a", 1), "UpdateExpression": "SET x = :y", "ReturnValues": returns, "ExpressionAttributeValues": {":y": {"S": "newest"}}});
        let attributes = tab.call("UpdateItem", update).unwrap()["Attributes"].clone();
        assert!(
            attributes == expected || (expected == "all" && attributes.as_object().unwrap().len() == 5),
            "{attributes}"
        );
    }
    let got = tab
        .call(
            "GetItem",
            json!({"Key": key("a", 1), "ProjectionExpression": "m.k, x", "ReturnConsumedCapacity": "TOTAL"}),
        )
        .unwrap();
    assert_eq!(got["Item"], json!({"m": {"M": {"k": {"N": "1"}}}, "x": {"S": "newest"}}));
    assert_eq!(got["ConsumedCapacity"], json!({"TableName": "tab", "CapacityUnits": 0.5}));
    let deleted = tab.call("DeleteItem", json!({"Key": key("a", 1), "ReturnValues": "ALL_OLD"})).unwrap();
    assert_eq!(deleted["Attributes"]["x"]["S"], "newest");
    assert_eq!(tab.call("GetItem", json!({"Key": key("a", 1)})).unwrap(), json!({}));
    // An update makes an item where there is none.
    tab.call("UpdateItem", json!({"Key": key("b", 2)})).unwrap();
    assert_eq!(tab.call("GetItem", json!({"Key": key("b", 2)})).unwrap()["Item"], key("b", 2));
}

#[test]
fn conditions_guard_changes() {
    let (world, admin) = world();
    table(&world, &admin);
    let tab = On(&world, &admin);
    let fresh = json!({"Item": key("a", 1), "ConditionExpression": "attribute_not_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"});
    tab.call("PutItem", fresh.clone()).unwrap();
    let refused = tab.call("PutItem", fresh).unwrap_err();
    assert_eq!(
        (refused.code.as_ref(), refused.message.as_str()),
        ("ConditionalCheckFailedException", "The conditional request failed")
    );
    assert_eq!(refused.detail.unwrap().get("Item").unwrap().to_json(), key("a", 1));
    let guarded = json!({"Key": key("a", 2), "UpdateExpression": "SET x = :x", "ConditionExpression": "attribute_exists(p)", "ExpressionAttributeValues": {":x": {"S": "x"}}});
    assert_eq!(tab.call("UpdateItem", guarded).unwrap_err().code, "ConditionalCheckFailedException");
    assert_eq!(tab.call("GetItem", json!({"Key": key("a", 2)})).unwrap(), json!({}));
    let delete = json!({"Key": key("a", 1), "ConditionExpression": "s > :one", "ExpressionAttributeValues": {":one": {"N": "1"}}});
    assert_eq!(tab.call("DeleteItem", delete).unwrap_err().detail, None);
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let (world, admin) = world();
    table(&world, &admin);
    let tab = On(&world, &admin);
    let big = "x".repeat(409_600);
    for (operation, input, message) in [
        ("PutItem", json!({"Item": {"p": {"S": "a"}}}), "Missing the key s in the item"),
        (
            "PutItem",
            json!({"Item": {"p": {"N": "1"}, "s": {"N": "1"}}}),
            "Type mismatch for key p expected: S actual: N",
        ),
        (
            "PutItem",
            json!({"Item": {"p": {"S": ""}, "s": {"N": "1"}}}),
            "cannot contain an empty string value. Key: p",
        ),
        (
            "PutItem",
            json!({"Item": {"p": {"S": "x".repeat(2049)}, "s": {"N": "1"}}}),
            "Size of hashkey has exceeded",
        ),
        (
            "PutItem",
            json!({"Item": {"p": {"S": "a"}, "s": {"N": "1"}, "x": {"S": big}}}),
            "Item size has exceeded the maximum allowed size",
        ),
        (
            "PutItem",
            json!({"Item": {"p": {"S": "a"}, "s": {"N": "1"}, "g": {"N": "1"}}}),
            "Type mismatch for Index Key g Expected: S Actual: N IndexName: byG",
        ),
        (
            "PutItem",
            json!({"Item": {"p": {"S": "a"}, "s": {"N": "1"}, "g": {"S": ""}}}),
            "IndexName: byG, IndexKey: g",
        ),
        (
            "PutItem",
            json!({"Item": {"p": {"S": "a"}, "s": {"N": "1"}, "l": {"S": "x".repeat(1025)}}}),
            "Aggregated size of all range keys",
        ),
        (
            "PutItem",
            json!({"Item": key("a", 1), "ReturnValues": "ALL_NEW"}),
            "ReturnValues can only be ALL_OLD or NONE",
        ),
        (
            "PutItem",
            json!({"Item": key("a", 1), "ExpressionAttributeNames": {"#a": "a"}}),
            "can only be specified when using expressions",
        ),
        ("PutItem", json!({"Item": key("a", 1), "Expected": {}}), "legacy parameter Expected is not served"),
        ("GetItem", json!({"Key": {"p": {"S": "a"}}}), "The provided key element does not match the schema"),
        (
            "GetItem",
            json!({"Key": {"p": {"S": "a"}, "s": {"S": "1"}}}),
            "The provided key element does not match the schema",
        ),
        (
            "GetItem",
            json!({"Key": {"p": {"S": "a"}, "s": {"N": "1"}, "x": {"N": "1"}}}),
            "The provided key element does not match the schema",
        ),
        (
            "UpdateItem",
            json!({"Key": key("a", 1), "UpdateExpression": "SET s = :s", "ExpressionAttributeValues": {":s": {"N": "1"}}}),
            "Cannot update attribute s. This attribute is part of the key",
        ),
        (
            "UpdateItem",
            json!({"Key": key("a", 1), "UpdateExpression": "SET g = :s", "ExpressionAttributeValues": {":s": {"N": "1"}}}),
            "Type mismatch for Index Key g",
        ),
        (
            "UpdateItem",
            json!({"Key": key("a", 1), "UpdateExpression": "SET x = :s", "ExpressionAttributeValues": {":s": {"S": big}}}),
            "Item size has exceeded",
        ),
        ("Query", json!({}), "KeyConditionExpression parameter must be specified"),
        (
            "Query",
            json!({"KeyConditionExpression": "p = :p", "FilterExpression": "s = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}),
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: s",
        ),
        (
            "Query",
            json!({"IndexName": "none", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}),
            "does not have the specified index: none",
        ),
        (
            "Query",
            json!({"IndexName": "byG", "ConsistentRead": true, "KeyConditionExpression": "g = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}),
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            "Query",
            json!({"IndexName": "byG", "Select": "ALL_ATTRIBUTES", "KeyConditionExpression": "g = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}),
            "ALL_ATTRIBUTES is not supported for global secondary index byG",
        ),
        (
            "Query",
            json!({"IndexName": "byG", "ProjectionExpression": "x", "KeyConditionExpression": "g = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}),
            "does not project [x]",
        ),
        ("Scan", json!({"Segment": 1}), "The TotalSegments parameter is required"),
        ("Scan", json!({"Segment": 2, "TotalSegments": 2}), "Segment: 2 is not less than TotalSegments: 2"),
        (
            "Scan",
            json!({"Select": "SPECIFIC_ATTRIBUTES"}),
            "Must specify the AttributesToGet or ProjectionExpression",
        ),
        ("Scan", json!({"Limit": 0}), "Member must have value greater than or equal to 1"),
        ("Scan", json!({"ExclusiveStartKey": {"x": {"S": "a"}}}), "The provided starting key is invalid"),
    ] {
        let refused = tab.call(operation, input).unwrap_err();
        assert_eq!(refused.code, "ValidationException", "{refused}");
        assert!(refused.message.contains(message), "{operation}, {message}: {}", refused.message);
    }
    let gone = world
        .call(&admin, "dynamodb", "GetItem", json!({"TableName": "none", "Key": key("a", 1)}))
        .unwrap_err();
    assert_eq!(
        (gone.code.as_ref(), gone.message.as_str()),
        ("ResourceNotFoundException", "Requested resource not found")
    );
}

#[test]
fn queries_follow_the_order_of_numbers() {
    let (world, admin) = world();
    table(&world, &admin);
    let tab = On(&world, &admin);
    for s in ["10", "-3", "2", "0", "-0.5", "1E3", "2.5", "1e-7"] {
        tab.put(json!({"p": {"S": "a"}, "s": {"N": s}, "even": {"BOOL": s.len() % 2 == 0}}));
        tab.put(json!({"p": {"S": "ab"}, "s": {"N": s}}));
    }
    let all = ["-3", "-0.5", "0", "0.0000001", "2", "2.5", "10", "1000"];
    let values = json!({":p": {"S": "a"}, ":zero": {"N": "0"}, ":ten": {"N": "10.00"}});
    for (condition, expected) in [
        ("p = :p", &all[..]),
        ("p = :p AND s = :ten", &all[6..7]),
        ("p = :p AND s < :zero", &all[..2]),
        ("p = :p AND s <= :zero", &all[..3]),
        ("p = :p AND s > :zero", &all[3..]),
        ("p = :p AND s >= :ten", &all[6..]),
        ("p = :p AND s BETWEEN :zero AND :ten", &all[2..7]),
    ] {
        let used: serde_json::Map<_, _> = values
            .as_object()
            .unwrap()
            .iter()
            .filter(|(k, _)| condition.contains(k.as_str()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        let query = json!({"KeyConditionExpression": condition, "ExpressionAttributeValues": used});
        assert_eq!(tab.sorts("Query", query.clone()), expected, "{condition}");
        let mut reverse = query;
        reverse["ScanIndexForward"] = json!(false);
        let mut backwards = expected.to_vec();
        backwards.reverse();
        assert_eq!(tab.sorts("Query", reverse), backwards, "{condition} reversed");
    }
    // Page by page, both ways; a page counts what it looked at, not what it gives.
    for forward in [true, false] {
        let (mut found, mut start, mut pages) = (Vec::new(), Json::Null, 0);
        loop {
            let mut query = json!({"KeyConditionExpression": "p = :p", "FilterExpression": "even = :t", "Limit": 3, "ScanIndexForward": forward,
                "ExpressionAttributeValues": {":p": {"S": "a"}, ":t": {"BOOL": true}}});
            if !start.is_null() {
                query["ExclusiveStartKey"] = start;
            }
            let page = tab.call("Query", query).unwrap();
            pages += 1;
            assert!(page["ScannedCount"].as_i64().unwrap() <= 3);
            found.extend(
                page["Items"].as_array().unwrap().iter().map(|i| i["s"]["N"].as_str().unwrap().to_owned()),
            );
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
        let mut expected = ["-3", "-0.5", "0.0000001", "10"];
        if !forward {
            expected.reverse();
        }
        assert_eq!((pages, found), (3, expected.iter().map(|s| (*s).to_owned()).collect()));
    }
    let count = tab.call("Query", json!({"KeyConditionExpression": "p = :p", "Select": "COUNT", "ExpressionAttributeValues": {":p": {"S": "ab"}}})).unwrap();
    assert_eq!(count, json!({"Count": 8, "ScannedCount": 8}));
    let outside = json!({"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}, "ExclusiveStartKey": key("ab", 2)});
    assert!(tab.call("Query", outside).unwrap_err().message.contains("outside query boundaries"));
}

#[test]
fn pages_end_at_a_megabyte_and_segments_share_out() {
    let (world, admin) = world();
    table(&world, &admin);
    let tab = On(&world, &admin);
    for n in 0..30 {
        tab.put(json!({"p": {"S": format!("p{n}")}, "s": {"N": "1"}, "x": {"S": "x".repeat(100_000)}}));
    }
    let page = tab.call("Scan", json!({})).unwrap();
    assert_eq!(page["Count"], 11);
    let mut seen: Vec<String> = Vec::new();
    for segment in 0..4 {
        let mut start = Json::Null;
        loop {
            let mut scan = json!({"Segment": segment, "TotalSegments": 4, "ProjectionExpression": "p"});
            if !start.is_null() {
                scan["ExclusiveStartKey"] = start;
            }
            let page = tab.call("Scan", scan).unwrap();
            seen.extend(
                page["Items"].as_array().unwrap().iter().map(|i| i["p"]["S"].as_str().unwrap().to_owned()),
            );
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
    }
    seen.sort();
    let mut all: Vec<String> = (0..30).map(|n| format!("p{n}")).collect();
    all.sort();
    assert_eq!(seen, all);
    let counts = world.call(&admin, "dynamodb", "DescribeTable", json!({"TableName": "tab"})).unwrap();
    assert_eq!(
        (&counts["Table"]["ItemCount"], &counts["Table"]["TableSizeBytes"].as_i64().unwrap() / 30),
        (&json!(30), 100_007)
    );
}

#[test]
fn indexes_follow_their_items() {
    let (world, admin) = world();
    table(&world, &admin);
    let tab = On(&world, &admin);
    let by_g = |g: &str| {
        tab.sorts("Query", json!({"IndexName": "byG", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": g}}}))
    };
    for (s, g) in [(1, "x"), (2, "x"), (3, "y")] {
        tab.put(json!({"p": {"S": format!("p{s}")}, "s": {"N": s.to_string()}, "g": {"S": g}, "l": {"S": "l"}, "x": {"N": "1"}, "z": {"N": "2"}}));
    }
    // One more at the same place in the index.
    tab.put(json!({"p": {"S": "other"}, "s": {"N": "1"}, "g": {"S": "x"}}));
    tab.put(json!({"p": {"S": "none"}, "s": {"N": "9"}}));
    assert_eq!(
        (by_g("x"), by_g("y")),
        (vec!["1".to_owned(), "1".to_owned(), "2".to_owned()], vec!["3".to_owned()])
    );
    let update = |p: &str, s: i64, text: &str, values: Json| {
        let mut input = json!({"Key": key(p, s), "UpdateExpression": text});
        if !values.is_null() {
            input["ExpressionAttributeValues"] = values;
        }
        tab.call("UpdateItem", input).unwrap();
    };
    update("p1", 1, "SET g = :g", json!({":g": {"S": "y"}}));
    update("p2", 2, "REMOVE g", Json::Null);
    assert_eq!((by_g("x"), by_g("y")), (vec!["1".to_owned()], vec!["1".to_owned(), "3".to_owned()]));
    tab.call("DeleteItem", json!({"Key": key("p3", 3)})).unwrap();
    assert_eq!(by_g("y"), ["1"]);
    let found = tab.call("Query", json!({"IndexName": "byG", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "y"}}})).unwrap();
    assert_eq!(found["Items"][0], json!({"p": {"S": "p1"}, "s": {"N": "1"}, "g": {"S": "y"}}), "keys only");
    // A local index completes items from the table, if asked to.
    let local = |more: Json| {
        let mut query = json!({"IndexName": "byL", "ConsistentRead": true, "KeyConditionExpression": "p = :p AND begins_with(l, :l)", "ExpressionAttributeValues": {":p": {"S": "p1"}, ":l": {"S": "l"}}});
        query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tab.call("Query", query).unwrap()["Items"][0].clone()
    };
    assert!(local(json!({})).get("z").is_none() && local(json!({})).get("x").is_some());
    assert_eq!(local(json!({"ProjectionExpression": "z"})), json!({"z": {"N": "2"}}));
    assert_eq!(local(json!({"Select": "ALL_ATTRIBUTES"})).as_object().unwrap().len(), 6);
    // The pages of an index go on where they ended.
    let first = tab.call("Scan", json!({"IndexName": "byG", "Limit": 1})).unwrap();
    let second = tab
        .call("Scan", json!({"IndexName": "byG", "ExclusiveStartKey": first["LastEvaluatedKey"]}))
        .unwrap();
    assert_eq!((first["Count"].clone(), second["Count"].clone()), (json!(1), json!(1)));
    assert_ne!(first["Items"], second["Items"]);
    let described = world.call(&admin, "dynamodb", "DescribeTable", json!({"TableName": "tab"})).unwrap();
    assert_eq!(described["Table"]["GlobalSecondaryIndexes"][0]["ItemCount"], 2);
    assert_eq!(described["Table"]["ItemCount"], 4);
}

#[test]
fn batches_read_and_write() {
    let (world, admin) = world();
    table(&world, &admin);
    let tab = On(&world, &admin);
    let call = |operation: &str, input: Json| world.call(&admin, "dynamodb", operation, input);
    let puts: Vec<Json> = (0..25).map(|n| json!({"PutRequest": {"Item": key("a", n)}})).collect();
    let done =
        call("BatchWriteItem", json!({"RequestItems": {"tab": puts}, "ReturnConsumedCapacity": "TOTAL"}))
            .unwrap();
    assert_eq!(
        (&done["UnprocessedItems"], &done["ConsumedCapacity"][0]["CapacityUnits"]),
        (&json!({}), &json!(25.0))
    );
    call("BatchWriteItem", json!({"RequestItems": {"tab": [{"DeleteRequest": {"Key": key("a", 0)}}, {"PutRequest": {"Item": key("b", 0)}}]}})).unwrap();
    assert_eq!(tab.call("Scan", json!({"Select": "COUNT"})).unwrap()["Count"], 25);
    let keys: Vec<Json> = (0..3).map(|n| key("a", n)).collect();
    let found = call("BatchGetItem", json!({"RequestItems": {"tab": {"Keys": keys, "ProjectionExpression": "#s", "ExpressionAttributeNames": {"#s": "s"}}}})).unwrap();
    assert_eq!(
        found,
        json!({"Responses": {"tab": [{"s": {"N": "1"}}, {"s": {"N": "2"}}]}, "UnprocessedKeys": {}})
    );
    let twice = vec![json!({"PutRequest": {"Item": key("a", 1)}}); 2];
    assert!(
        call("BatchWriteItem", json!({"RequestItems": {"tab": twice}}))
            .unwrap_err()
            .message
            .contains("duplicates")
    );
    let many: Vec<Json> = (0..101).map(|n| key("a", n)).collect();
    assert!(call("BatchGetItem", json!({"RequestItems": {"tab": {"Keys": many}}})).is_err());
    // What does not fit into an answer is left for another call.
    for n in 0..50 {
        tab.put(json!({"p": {"S": "big"}, "s": {"N": n.to_string()}, "x": {"S": "x".repeat(390_000)}}));
    }
    let keys: Vec<Json> = (0..50).map(|n| key("big", n)).collect();
    let found = call("BatchGetItem", json!({"RequestItems": {"tab": {"Keys": keys}}})).unwrap();
    let left = found["UnprocessedKeys"]["tab"]["Keys"].as_array().unwrap().len();
    assert_eq!((found["Responses"]["tab"].as_array().unwrap().len(), left), (43, 7));
}

//! Tables: what may be made, changed and deleted, indexes that come later, expiry, tags.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "what fails here fails the test"
)]

use harness::World;
use model::{Caller, Fault, Timestamp};
use serde_json::{Value as Json, json};

fn world() -> (World, Caller) {
    let world = World::new(vec![&service_dynamodb::SERVICE]);
    let admin = world.admin();
    (world, admin)
}

fn key(hash: &str, range: Option<&str>) -> Json {
    let hash = json!({"AttributeName": hash, "KeyType": "HASH"});
    json!(
        std::iter::once(hash)
            .chain(range.map(|r| json!({"AttributeName": r, "KeyType": "RANGE"})))
            .collect::<Vec<_>>()
    )
}

fn attributes(names: &[&str]) -> Json {
    json!(names.iter().map(|n| json!({"AttributeName": n, "AttributeType": "S"})).collect::<Vec<_>>())
}

fn plain(name: &str) -> Json {
    json!({"TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": attributes(&["p"]), "KeySchema": key("p", None)})
}

/// Such a table with some things otherwise.
fn with(more: Json) -> Json {
    let mut table = plain("tab");
    for (name, value) in more.as_object().unwrap() {
        table[name] = value.clone();
    }
    table
}

#[test]
fn what_is_no_table_is_refused() {
    let (world, admin) = world();
    let all = json!({"ProjectionType": "ALL"});
    let index = |schema: Json, projection: &Json| json!([{"IndexName": "idx", "KeySchema": schema, "Projection": projection}]);
    for (more, message) in [
        (json!({"TableName": "a"}), "tableName"),
        (json!({"TableName": "with space"}), "tableName"),
        (json!({"AttributeDefinitions": attributes(&["x"])}), "Some index key attribute have no definition"),
        (
            json!({"AttributeDefinitions": attributes(&["p", "x"])}),
            "does not exactly match number of attributes defined in AttributeDefinitions",
        ),
        (
            json!({"KeySchema": [{"AttributeName": "p", "KeyType": "RANGE"}]}),
            "The first KeySchemaElement is not a HASH key type",
        ),
        (json!({"KeySchema": key("p", Some("p"))}), "have the same name"),
        (json!({"BillingMode": "PROVISIONED"}), "must both be specified when BillingMode is PROVISIONED"),
        (
            json!({"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}),
            "can be specified when BillingMode is PAY_PER_REQUEST",
        ),
        (
            json!({"LocalSecondaryIndexes": index(key("p", Some("l")), &all), "AttributeDefinitions": attributes(&["p", "l"])}),
            "Table KeySchema does not have a range key",
        ),
        (
            json!({"LocalSecondaryIndexes": index(key("s", Some("l")), &all), "KeySchema": key("p", Some("s")), "AttributeDefinitions": attributes(&["p", "l", "s"])}),
            "same leading hash key",
        ),
        (
            json!({"GlobalSecondaryIndexes": index(key("g", None), &all)}),
            "Some index key attributes are not defined in AttributeDefinitions",
        ),
        (
            json!({"GlobalSecondaryIndexes": index(key("g", None), &json!({"ProjectionType": "INCLUDE"})), "AttributeDefinitions": attributes(&["p", "g"])}),
            "NonKeyAttributes is not specified",
        ),
        (
            json!({"GlobalSecondaryIndexes": index(key("g", None), &json!({"ProjectionType": "ALL", "NonKeyAttributes": ["x"]})), "AttributeDefinitions": attributes(&["p", "g"])}),
            "but NonKeyAttributes is specified",
        ),
        (
            json!({"SSESpecification": {"Enabled": true, "SSEType": "AES256"}}),
            "AES256 SSEType is not supported".split(' ').next().unwrap(),
        ),
        (
            json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}}),
            "StreamSpecification is not served by this runtime",
        ),
    ] {
        let refused = world.call(&admin, "dynamodb", "CreateTable", with(more)).unwrap_err();
        assert_eq!(refused.code, "ValidationException");
        assert!(refused.message.contains(message), "{message}: {}", refused.message);
    }
    world.call(&admin, "dynamodb", "CreateTable", plain("tab")).unwrap();
    assert_eq!(
        world.call(&admin, "dynamodb", "CreateTable", plain("tab")).unwrap_err().code,
        "ResourceInUseException"
    );
}

#[test]
fn a_table_changes_and_goes() {
    let (world, admin) = world();
    let call = |operation: &str, input: Json| -> Result<Json, Fault> {
        world.call(&admin, "dynamodb", operation, input)
    };
    let tags = json!([{"Key": "team", "Value": "shop"}]);
    let made = call("CreateTable", with(json!({"Tags": tags, "DeletionProtectionEnabled": true}))).unwrap();
    let arn = made["TableDescription"]["TableArn"].clone();
    assert_eq!(made["TableDescription"]["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(call("ListTagsOfResource", json!({"ResourceArn": arn})).unwrap()["Tags"], tags);
    call("TagResource", json!({"ResourceArn": arn, "Tags": [{"Key": "a", "Value": "b"}]})).unwrap();
    call("UntagResource", json!({"ResourceArn": arn, "TagKeys": ["team"]})).unwrap();
    assert_eq!(
        call("ListTagsOfResource", json!({"ResourceArn": arn})).unwrap()["Tags"],
        json!([{"Key": "a", "Value": "b"}])
    );
    let throughput = json!({"ReadCapacityUnits": 5, "WriteCapacityUnits": 6});
    let changed = call("UpdateTable", json!({"TableName": "tab", "BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput, "TableClass": "STANDARD_INFREQUENT_ACCESS"})).unwrap();
    let table = &changed["TableDescription"];
    assert_eq!(
        (&table["ProvisionedThroughput"]["WriteCapacityUnits"], &table["TableClassSummary"]["TableClass"]),
        (&json!(6), &json!("STANDARD_INFREQUENT_ACCESS"))
    );
    assert!(
        call("UpdateTable", json!({"TableName": "tab", "ProvisionedThroughput": throughput}))
            .unwrap_err()
            .message
            .contains("will not change")
    );
    assert!(
        call("UpdateTable", json!({"TableName": "tab"})).unwrap_err().message.starts_with("At least one of")
    );
    let backups = call(
        "UpdateContinuousBackups",
        json!({"TableName": "tab", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}}),
    )
    .unwrap();
    assert_eq!(
        backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        "ENABLED"
    );
    assert!(
        call("DeleteTable", json!({"TableName": "tab"}))
            .unwrap_err()
            .message
            .contains("protected against deletion")
    );
    call("UpdateTable", json!({"TableName": "tab", "DeletionProtectionEnabled": false})).unwrap();
    for n in 0..700 {
        call("PutItem", json!({"TableName": "tab", "Item": {"p": {"S": n.to_string()}}})).unwrap();
    }
    assert_eq!(
        call("DeleteTable", json!({"TableName": "tab"})).unwrap()["TableDescription"]["TableStatus"],
        "DELETING"
    );
    assert_eq!(
        call("DescribeTable", json!({"TableName": "tab"})).unwrap_err().message,
        "Requested resource not found: Table: tab not found"
    );
    // One of the same name does not see its items, which go little by little.
    call("CreateTable", plain("tab")).unwrap();
    assert_eq!(call("Scan", json!({"TableName": "tab"})).unwrap()["Count"], 0);
    for _ in 0..3 {
        world.run_jobs_until(Timestamp(i64::MAX));
    }
    let all = model::Range { from: b"", to: None, reverse: false, limit: 9 };
    assert!(model::Host::records(&*world.estate).range("dynamodb/items", all).unwrap().is_empty());
}

#[test]
fn tables_are_listed_in_pages() {
    let (world, admin) = world();
    for n in 0..5 {
        world.call(&admin, "dynamodb", "CreateTable", plain(&format!("table-{n}"))).unwrap();
    }
    let page = world.call(&admin, "dynamodb", "ListTables", json!({"Limit": 3})).unwrap();
    assert_eq!(
        page,
        json!({"TableNames": ["table-0", "table-1", "table-2"], "LastEvaluatedTableName": "table-2"})
    );
    let rest =
        world.call(&admin, "dynamodb", "ListTables", json!({"ExclusiveStartTableName": "table-2"})).unwrap();
    assert_eq!(rest, json!({"TableNames": ["table-3", "table-4"]}));
}

#[test]
fn an_index_that_comes_later_is_whole() {
    let (world, admin) = world();
    let call = |operation: &str, mut input: Json| -> Result<Json, Fault> {
        input["TableName"] = json!("tab");
        world.call(&admin, "dynamodb", operation, input)
    };
    call("CreateTable", plain("tab")).unwrap();
    for n in 0..30 {
        // Some have the index's key, some have it of another type, some have none.
        let g = match n % 3 {
            0 => json!({"S": "x"}),
            1 => json!({"N": "1"}),
            _ => json!({"S": ""}),
        };
        call("PutItem", json!({"Item": {"p": {"S": n.to_string()}, "g": g}})).unwrap();
    }
    let create = json!([{"Create": {"IndexName": "byG", "KeySchema": key("g", None), "Projection": {"ProjectionType": "ALL"}}}]);
    let made = call(
        "UpdateTable",
        json!({"AttributeDefinitions": attributes(&["p", "g"]), "GlobalSecondaryIndexUpdates": create}),
    )
    .unwrap();
    assert_eq!(made["TableDescription"]["GlobalSecondaryIndexes"][0]["ItemCount"], 10);
    let by_g = json!({"IndexName": "byG", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "x"}}});
    assert_eq!(call("Query", by_g.clone()).unwrap()["Count"], 10);
    call("DeleteItem", json!({"Key": {"p": {"S": "0"}}})).unwrap();
    assert_eq!(call("Query", by_g.clone()).unwrap()["Count"], 9);
    let two = json!([{"Delete": {"IndexName": "byG"}}, {"Create": {"IndexName": "two", "KeySchema": key("g", None), "Projection": {"ProjectionType": "ALL"}}}]);
    assert_eq!(
        call(
            "UpdateTable",
            json!({"AttributeDefinitions": attributes(&["p", "g"]), "GlobalSecondaryIndexUpdates": two})
        )
        .unwrap_err()
        .code,
        "LimitExceededException"
    );
    let gone =
        call("UpdateTable", json!({"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "byG"}}]}))
            .unwrap();
    assert_eq!(gone["TableDescription"]["AttributeDefinitions"], attributes(&["p"]));
    assert!(call("Query", by_g).unwrap_err().message.contains("specified index: byG"));
    // What it could not hold may be put again.
    call("PutItem", json!({"Item": {"p": {"S": "z"}, "g": {"N": "1"}}})).unwrap();
}

#[test]
fn items_expire() {
    let (world, admin) = world();
    let call = |operation: &str, mut input: Json| -> Result<Json, Fault> {
        input["TableName"] = json!("tab");
        world.call(&admin, "dynamodb", operation, input)
    };
    let index =
        json!([{"IndexName": "byG", "KeySchema": key("g", None), "Projection": {"ProjectionType": "ALL"}}]);
    world
        .call(
            &admin,
            "dynamodb",
            "CreateTable",
            with(json!({"AttributeDefinitions": attributes(&["p", "g"]), "GlobalSecondaryIndexes": index})),
        )
        .unwrap();
    let now = model::plane::Calls::now(&*world.estate).seconds();
    let put = |p: &str, t: Json| {
        call("PutItem", json!({"Item": {"p": {"S": p}, "g": {"S": "g"}, "t": t}})).unwrap()
    };
    let at = |seconds: i64| json!({"N": seconds.to_string()});
    put("before", at(now - 10));
    let enable = |enabled: bool| {
        call(
            "UpdateTimeToLive",
            json!({"TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": "t"}}),
        )
    };
    enable(true).unwrap();
    assert_eq!(enable(true).unwrap_err().message, "TimeToLive is already enabled");
    assert_eq!(
        call("DescribeTimeToLive", json!({})).unwrap(),
        json!({"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "t"}})
    );
    put("due", at(now - 5));
    put("later", at(now + 1000));
    put("kept", at(now - 5));
    put("kept", at(now + 2000));
    put("ancient", at(now - 6 * 365 * 86_400));
    put("text", json!({"S": "soon"}));
    let left = || {
        let found = call("Scan", json!({})).unwrap();
        let mut names: Vec<String> = found["Items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["p"]["S"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        let indexed = call("Scan", json!({"IndexName": "byG"})).unwrap()["Count"].clone();
        assert_eq!(indexed, names.len(), "the index follows");
        assert_eq!(
            call("DescribeTable", json!({})).unwrap()["Table"]["ItemCount"],
            names.len(),
            "so does the count"
        );
        names.join(" ")
    };
    world.run_jobs_until(Timestamp::from_seconds(now + 5));
    assert_eq!(left(), "ancient kept later text");
    enable(false).unwrap();
    put("due", at(now - 5));
    world.run_jobs_until(Timestamp::from_seconds(now + 5));
    assert_eq!(left(), "ancient due kept later text");
}
